r"""latex2sympy2 as a second reader, for scalar fragments: `parse_latex(r"\frac{1}{1+e^{-x}}", reader="latex2sympy2")`.

It reads other dialects than ours and knows nothing of declarations. What it is known to misread never reaches it:

    \log x            is the logarithm to base 10 there       handed over as \ln
    x^\top, x^T       is dropped                                refused: scalars have no transposes
    \sum_i x_i        does not depend on i there                refused, like products, limits and integrals
    x = y + 1         is assigned or solved                     refused: one side at a time
    I                 is the imaginary unit                     refused
    \sigma(x), f(x)   are unknown functions                     refused

Its module-level state leaks from one call to the next, so every text has a process of its own, with bounds on time and memory.
What comes back is a tree of names and numbers from which the words are built here; nothing is evaluated.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from sympy import E, Rational, pi

from ...errors import CodeError, InputError, LimitError, Span
from ...expr.nodes import Call, Node, Num, Var
from ..declarations import declarations_from
from ..problem import Problem
from .identifiers import identifier_of, plain_names
from .naming import ACCENTS, GREEK, Key, NameTable, keys_of
from .scripts import classify, content
from .tokens import Token, scan_latex
from .tree import Cursor, Environment, Group, Item, TreeBuilder, is_char, is_macro

EXTRA = "latex2sympy2"
SECONDS = 10.0
MOST_CHARACTERS = 2_000
WORKER = Path(__file__).with_name("second_worker.py")
_FUNCTIONS = frozenset(
    {"exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "max", "min"}
)
_ALLOWED = (
    frozenset({"frac", "dfrac", "tfrac", "sqrt", "cdot", "times", "pi", "left", "right", *_FUNCTIONS}) | ACCENTS.keys() | GREEK
)
_WORDS = {"exp": "exp", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "sinh": "sinh",
          "cosh": "cosh", "tanh": "tanh", "Abs": "abs"}  # fmt: skip


def read_with_latex2sympy2(text: str, vars: object = None, *, seconds: float = SECONDS, name: str = "") -> Problem:
    r"""A scalar expression as latex2sympy2 reads it.

    Args:
        text: LaTeX without relations, sums, transposes and unknown functions. Names that are not declared are scalars.
        vars: declarations as for `parse_latex`; all that the text uses have to be scalars.
        seconds: how long it may take.

    Raises:
        CodeError: SD520 where the package is not installed.
        InputError: SD135 for what is no scalar fragment, or what it does not read.
        LimitError: SD901, SD905 for texts that are too long or take too long.
    """
    fragment = scalar_fragment(text, name)
    answer = _ask(fragment, seconds, Span(text, 0, max(1, len(text)), name))
    declared = declarations_from(plain_names(vars))
    table = NameTable(declared.vars)
    assumptions: list[str] = []
    known: dict[str, Var] = dict(declared.vars)
    words = _words(answer, lambda symbol: _variable(symbol, table, known, assumptions, text, name))
    return Problem(text, words, known, assumptions)


def scalar_fragment(text: str, name: str = "") -> str:
    r"""The text as it can be handed over, `\log` as `\ln`.

    Raises:
        InputError: SD135 for everything that latex2sympy2 is known to misread, and all that is not on the list of what it reads.
        LimitError: SD901.
    """
    if len(text) > MOST_CHARACTERS:
        what = f"the text has {len(text)} characters; {EXTRA} is given {MOST_CHARACTERS} at most"
        raise LimitError(what, code="SD901", span=Span(text, 0, 1, name))
    items = TreeBuilder(text, scan_latex(text, name), name).build()
    _check(items, text, name)
    return _spelled(items).strip()


def _spelled(items: Sequence[Item]) -> str:
    r"""The items as LaTeX again, `\log` as `\ln`, `\frac12` with braces."""
    c = Cursor(items, 0, 0)
    out: list[str] = []
    while not c.done:
        item = c.next()
        if isinstance(item, Group):
            inner = _spelled(item.items)
            out.append("{" + inner + "}" if item.opener == "brace" else f"{item.opener} {inner} {item.closer}")
        elif is_macro(item, "frac", "dfrac", "tfrac"):
            out.append(r"\frac" + "".join("{" + _spelled(_argument(c)) + "}" for _ in range(2)))
        elif isinstance(item, Token) and item.kind == "macro":
            out.append("\\ln " if item.text == "log" else f"\\{item.text} ")
        elif isinstance(item, Token) and item.kind != "math":
            out.append(item.text)
    return "".join(out)


def _argument(c: Cursor) -> tuple[Item, ...]:
    c.split_number()
    item = c.next()
    return content(item) if item is not None else ()


def _check(items: tuple[Item, ...], text: str, name: str) -> None:
    """Refuse what is no scalar fragment."""
    items = tuple(items)
    for k, item in enumerate(items):
        why = ""
        if isinstance(item, Environment):
            why = "a matrix or an environment"
        elif isinstance(item, Group):
            if item.opener not in ("brace", "(", "[", "|") or (item.opener, item.closer) in (("(", "]"), ("[", ")")):
                why = "these brackets"
            elif item.opener in ("(", "[") and _is_applied(items, k):
                why = "an unknown function or a name before a bracket"
            else:
                _check(item.items, text, name)
        elif item.kind == "macro" and item.text not in _ALLOWED:
            why = f"`\\{item.text}`"
        elif item.kind == "macro" and item.text == "log" and _subscript(items, k):
            why = "a logarithm with a base"
        elif item.kind == "char" and (item.text in "=<>,;:!&~" or item.text == "I"):
            why = "a relation" if item.text in "=<>" else f"`{item.text}`"
        elif item.kind not in ("char", "number", "macro", "sup", "sub", "math"):
            why = f"`{item.text}`"
        elif item.kind == "sup" and k + 1 < len(items):
            why = _superscript(items[k + 1])
        if why:
            hint = "it is given single scalar expressions; leave out --reader for everything else"
            span = Span(text, item.start, max(item.stop, item.start + 1), name)
            raise InputError(f"{why} is not handed to {EXTRA}", code="SD135", hint=hint, span=span)


def _superscript(item: Item) -> str:
    inner = item.items if isinstance(item, Group) and item.opener == "brace" else (item,)
    kinds = {one.kind for one in classify(inner, item.start, item.stop)}
    return "" if kinds <= {"power", "inverse"} else "a transpose or a label above"


def _is_applied(items: tuple[Item, ...], k: int) -> bool:
    r"""`f(x)`, `\sigma(x)`, `x(x)`: functions with a name of one letter; `a(b + c)` is a product, with a sum in the bracket."""
    before = items[k - 1] if k else None
    letter = isinstance(before, Token) and before.kind == "char" and before.text.isalpha()
    greek = is_macro(before, *GREEK)
    if not (letter or greek):
        return False
    group = items[k]
    assert isinstance(group, Group)
    return greek or before.text in "fghFGHL" or not any(is_char(i, "+", "-") for i in group.items)  # type: ignore[union-attr]


def _subscript(items: tuple[Item, ...], k: int) -> bool:
    following = items[k + 1] if k + 1 < len(items) else None
    return isinstance(following, Token) and following.kind == "sub"


# the other process -----------------------------------------------------------------------------------------------------------
def _ask(fragment: str, seconds: float, span: Span) -> list[Any]:
    request = json.dumps({"text": fragment, "path": sys.path, "seconds": seconds})
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(WORKER)], input=request, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise LimitError(f"{EXTRA} did not answer in {seconds:g} s", code="SD905", span=span) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        what = f"{EXTRA} ended without an answer (exit code {done.returncode})"
        raise InputError(what, code="SD135", span=span) from None
    if "missing" in answer:
        hint = f'pip install "symderiv[{EXTRA}]"' if sys.version_info < (3, 13) else f"{EXTRA} needs a Python before 3.13"
        raise CodeError(f"the second reader needs {EXTRA}, which is not installed", code="SD520", hint=hint)
    if "error" in answer:
        raise InputError(f"it is not read by {EXTRA}: {answer['error']}", code="SD135", span=span)
    return answer["tree"]


# trees to words --------------------------------------------------------------------------------------------------------------
def _words(tree: list[Any], variable: Callable[[str], Node]) -> Node:
    name, *args = tree
    if name == "Symbol":
        return variable(str(args[0]))
    if name == "Rational":
        return Num(Rational(int(args[0]), int(args[1])))
    if name in ("Exp1", "Pi"):
        return Num(E if name == "Exp1" else pi)
    found = [_words(a, variable) for a in args]
    if name in ("Add", "Mul"):
        return Call(name.lower(), *found) if len(found) > 1 else found[0]
    if name in ("Max", "Min"):
        return reduce(lambda a, b: Call("maximum" if name == "Max" else "minimum", a, b), found)
    if name == "Pow":
        return Call("pow", *found)
    if name == "log":
        return Call("log", found[0]) if len(found) == 1 or found[1] is Num(E) else Call("div", *(Call("log", x) for x in found))
    return Call(_WORDS[name], *found)


def _variable(symbol: str, table: NameTable, known: dict[str, Var], told: list[str], text: str, where: str) -> Var:
    """The variable that a symbol of SymPy means.

    Raises:
        InputError: SD133 for an array, and for a name that means several.
    """
    base, underscore, label = symbol.lstrip("\\").partition("_")
    latex = ("\\" + base if base in GREEK or base.partition("{")[0] in ACCENTS else base) + underscore + label
    identifier = identifier_of(latex)
    found = list(dict.fromkeys(n for key in keys_of(identifier) | {Key(identifier)} for n in table.find(key)))
    span = Span(text, 0, max(1, len(text)), where)
    if len(found) > 1:
        raise InputError(f"`{symbol}` can mean {' or '.join(found)}", code="SD133", span=span)
    if found and known[found[0]].rank:
        what = f"`{found[0]}` is declared as an array, and {EXTRA} reads scalars only"
        raise InputError(what, code="SD135", hint="leave out --reader", span=span)
    if found:
        return known[found[0]]
    if identifier not in known:
        known[identifier] = Var(identifier, ())
        told.append(f"{identifier} is a scalar ({EXTRA} reads scalars only)")
    return known[identifier]


__all__ = ["read_with_latex2sympy2", "scalar_fragment"]
