"""Words from the core, the way a person writes them."""

from .words import to_words

__all__ = ["to_words"]
