r"""LaTeX to words: `parse_latex(r"\frac{1}{n} X^\top (X w - y)", vars)`, and `read_latex` for statements.

tokens -> macros -> tree         pylatexenc's tokens, macros expanded, brackets matched
split -> statements -> document  rows and relations; definitions, derivatives, updates
grammar, atoms, lookup, calls    one expression: levels, factors, names, functions
values                           scalars, columns, rows, matrices: what a product without a sign means
indices, bigops, arrays          entries, sums, arrays by their entries
calculus, conditions, environments
"""

from .arrays import entries_to_array
from .document import Context, LatexDocument, parse_latex, read_latex
from .identifiers import identifier_of
from .reader import DerivativeOf
from .statements import LatexStatement, Side

__all__ = [
    "Context", "DerivativeOf", "LatexDocument", "LatexStatement", "Side", "entries_to_array", "identifier_of", "parse_latex", "read_latex",
]  # fmt: skip
