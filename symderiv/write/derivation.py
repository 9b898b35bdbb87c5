"""A derivation in any format: `render(derivation, "latex", options)`."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ..errors import CodeError, InputError
from ..steps.document import Document, document
from ..steps.model import Derivation
from ..steps.options import Options
from .mathtree import parse
from .names import latex_name

FORMATS = ("text", "latex", "markdown", "html", "json")
ENGINES = ("pdflatex", "lualatex", "xelatex", "tectonic")


def render(
    d: Derivation, format: str = "text", options: Options | None = None, standalone: bool = False, width: int = 100
) -> str:
    """The text of a derivation.

    Args:
        format: "text", "latex", "markdown", "html" or "json".
        standalone: LaTeX: an article rather than a fragment; HTML: a page rather than a section.
        width: columns of plain text.

    Raises:
        InputError: SD105 for a format that does not exist.
        LimitError: SD904 when a formula would be too long to print.
    """
    options = options or Options()
    check_options(d, options)
    if format == "json":
        from .document_json import to_json_document

        return to_json_document(d, options)
    return write_document(document(d, options), format, standalone, width)


def write_document(doc: Document, format: str, standalone: bool = False, width: int = 100) -> str:
    """A document in one of the formats but JSON.

    Raises:
        InputError: SD105 for a format that does not exist.
    """
    if format == "text":
        from .document_text import to_text_document

        return to_text_document(doc, width)
    if format == "latex":
        from .document_latex import to_latex_document

        return to_latex_document(doc, standalone)
    if format == "markdown":
        from .document_markdown import to_markdown_document

        return to_markdown_document(doc)
    if format == "html":
        from .document_html import to_html_document

        return to_html_document(doc, standalone)
    raise InputError(f"format {format!r} is not known", code="SD105", hint="use one of " + ", ".join(FORMATS))


def check_options(d: Derivation, options: Options) -> None:
    """Whether the names in the options belong to the derivation, and their LaTeX is mathematics that this package reads.

    Raises:
        InputError: SD105 otherwise.
    """
    sizes = {x.name for v in d.vars.values() for size in v.shape for x in size.free_symbols}
    known = {*d.vars, *sizes, *(s.function.name for s in d.sections), *(n.var.name for s in d.sections for n in s.names)}
    for name, tex in options.rename:
        if name not in known:
            hint = "names here: " + ", ".join(sorted(known))
            raise InputError(f"rename: there is no {name!r} in this derivation", code="SD105", hint=hint)
        try:
            parse(tex)
        except CodeError:
            hint = r"use a letter, a Greek letter, accents, sub- and superscripts: \theta, \hat{w}, w_{1}, \mathbf{w}"
            raise InputError(f"rename: {tex!r} cannot be used as the name of {name}", code="SD105", hint=hint) from None
        other = next((n for n in known - {name} if latex_name(n, frozenset(known))[0] == tex.strip()), None)
        if other is not None and other not in dict(options.rename):
            hint = "every variable needs a name of its own"
            raise InputError(f"rename: {tex!r} is how {other} is written already", code="SD105", hint=hint)
        if not tex.strip():
            raise InputError(f"rename: the new name of {name} is empty", code="SD105", hint=r'as in "w=\theta"')
    taken = d.vars.get(options.update)
    if taken is not None and taken.rank:
        hint = "take a name that the problem does not use for an array"
        raise InputError(f"update: {options.update!r} is an array of the problem, not a step size", code="SD105", hint=hint)


def write_pdf(latex: str, path: str | Path) -> Path:
    """Compile a standalone article.

    Raises:
        CodeError: SD509 when no TeX engine is installed, or the file cannot be compiled.
    """
    engine = next((e for e in ENGINES if shutil.which(e)), None)
    if engine is None:
        hint = "install TeX Live or MiKTeX, or use --format latex --standalone and compile elsewhere"
        raise CodeError("there is no TeX engine on this machine to make a PDF", code="SD509", hint=hint)
    target = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "derivation.tex"
        source.write_text(latex, encoding="utf-8")
        flags = [] if engine == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
        try:
            done = subprocess.run([engine, *flags, source.name], cwd=folder, capture_output=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            raise CodeError(f"{engine} did not finish in two minutes", code="SD509") from None
        made = source.with_suffix(".pdf")
        if done.returncode or not made.exists():
            said = _first_error(done.stdout.decode("utf-8", "replace"))
            raise CodeError(f"{engine} could not compile the derivation: {said}", code="SD509", hint="please report it")
        try:
            shutil.copyfile(made, target)
        except OSError as error:
            raise CodeError(f"{target} cannot be written: {error.strerror or error}", code="SD509") from None
    return target


def _first_error(log: str) -> str:
    lines = log.splitlines()
    at = next((k for k, line in enumerate(lines) if line.startswith("!")), None)
    return " ".join(lines[at : at + 2])[:200] if at is not None else "no message"


def options_from(options: Options | None, keywords: dict[str, Any]) -> Options:
    """Options from keyword arguments."""
    return Options.of(options, keywords)


__all__ = ["FORMATS", "options_from", "render", "write_document", "write_pdf"]
