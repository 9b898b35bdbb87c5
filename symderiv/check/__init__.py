"""Whole derivations, line by line: a linter for mathematics in LaTeX, Markdown and notebooks.

load -> paper          files and cells as one text; formulas, macros, remarks
relations -> roles     chains `a = b = c`; definitions, declarations, claims
scope infer            what names mean where
reading values judge   sides as words, derivatives worked out, verdicts
posed updating chainrule compare proportion
findings report fix    what is told, and how
config cache run       what is asked for, what is known already, several processes
"""

from .findings import Finding, Relation, Report
from .options import Options
from .run import check_document, check_documents

__all__ = ["Finding", "Options", "Relation", "Report", "check_document", "check_documents"]
