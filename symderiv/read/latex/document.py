r"""What a LaTeX text says: statements with their sides as words; `read_latex` and `parse_latex`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Dummy, Expr

from ...errors import InputError, LimitError, Span, SymDerivError
from ...expr.nodes import Node, Var
from ...expr.sizes import size_symbol, unifying
from ...expr.walk import variables
from ..declarations import Declarations, declarations_from
from ..infer import Inference, sentence
from ..problem import Problem
from .families import (
    Families,
    NeedsLabel,
    assume_families,
    find_families,
    ranges_declared_as_scalars,
    used_as_value,
    with_label,
    without_families,
)
from .identifiers import names_with_powers, plain_names, size_letters, tree_of
from .indices import WhichLine
from .plans import plan_statements
from .reader import DerivativeOf, LatexReader
from .sets import set_names
from .split import Raw, split_statements
from .statements import LatexStatement, read_statement
from .tokens import MAX_STATEMENTS, Clock
from .tree import Item


@dataclass(frozen=True)
class Context:
    r"""What is known around a text.

    Attributes:
        value: words of the loss: what the numerator of a derivative stands for where nothing else says so.
        names: more definitions, name -> words.
        shape: the shape that the main statement should have; it decides the sizes of `I` and `\mathbf 1` where nothing else does.
        macros: a preamble with `\newcommand`.
        by: the variables that `\\nabla L` without a subscript differentiates by.
        free: letters that are indices of every statement besides those of its left side.
        product: what two columns side by side are taken for: outer, inner or odot; "" refuses them.
        functions: letters that are functions, `{"g": "sigmoid", r"\phi": "relu"}`.
        differentials: whether `dX`, `\mathrm{d}(X w)` are differentials rather than products by a name d: "d", or "upright" for
            `\mathrm{d}` alone; "" for neither.
        undefined: letters of functions that nothing defines and that are applied to something computed; None refuses undefined
            functions.
        operators: "bracket" where `\\frac{d}{dx}(f) g` differentiates f alone; "" for the whole product.
        bars: whether single bars around an array are the absolute values of its entries, as norms have double bars; else they are
            refused.
    """

    value: Node | None = None
    names: Mapping[str, Node] = field(default_factory=dict)
    shape: tuple[Expr, ...] | None = None
    macros: str = ""
    by: tuple[Var, ...] = ()
    free: tuple[str, ...] = ()
    product: str = ""
    functions: Mapping[str, str] = field(default_factory=dict)
    differentials: str = ""
    undefined: frozenset[str] | None = None
    operators: str = ""
    bars: bool = False


@dataclass(frozen=True, eq=False)
class LatexDocument:
    """The statements of a text.

    Attributes:
        source: the text.
        statements: in order.
        definitions: name -> words.
        vars: name -> variable, declared ones first.
        assumptions: a sentence for everything that was assumed.
        spans: words -> place of their first occurrence.
        unknowns: variables that stand for derivatives inside expressions -> what they are derivatives of.
        undefined: functions of numbers that nothing defines, by name -> their letters.
    """

    source: str
    statements: tuple[LatexStatement, ...]
    definitions: dict[str, Node]
    vars: dict[str, Var]
    assumptions: list[str]
    spans: dict[Node, Span]
    unknowns: dict[Var, DerivativeOf]
    undefined: dict[str, str] = field(default_factory=dict)

    @property
    def main(self) -> LatexStatement:
        """The statement that the others serve: a derivative or an update, else the last that no other uses."""
        for kinds in (("derivative", "update"), ("expression",)):
            found = [s for s in self.statements if s.kind in kinds]
            if found:
                return found[0]
        free = [s for s in self.statements if s.kind in ("definition", "equation", "chain") and not s.used]
        chosen = [s for s in free if s.kind == "definition"] or free or list(self.statements)
        return chosen[-1]


def read_latex(text: str, vars: object = None, context: Context | None = None, *, name: str = "") -> LatexDocument:
    r"""The statements of a LaTeX text, with or without dollars and environments.

    Args:
        text: formulas as in a paper; vectors are columns, indices count from 1.
        vars: declarations as for `parse`; names may be in LaTeX, `{"\\theta": "n", "W^{(2)}": "k,h"}`.
        context: what is known around the text.
        name: what the text is called in messages.

    Raises:
        InputError: SD130 unbalanced, SD131 unknown command, SD132 ambiguous product, SD133 ambiguous or undeclared name, SD135
        not
            read, SD136 macros, SD137 nothing to read.
        ShapeError: SD134 for sizes that do not fit.
        LimitError: SD9xx.
    """
    if not isinstance(text, str):
        raise InputError(f"a text is needed, not {type(text).__name__}", code="SD137")
    source = text if text.isascii() else "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    try:
        return _read_lines(source, vars, context or Context(), name)
    except SymDerivError:
        raise
    except RecursionError:
        raise LimitError("the text is nested too deeply", code="SD902", span=Span(source, 0, 1, name)) from None
    except Exception as error:  # the border: nothing but SymDerivError leaves
        what = f"this could not be read ({type(error).__name__}: {str(error)[:200]})"
        raise InputError(what, code="SD100", hint="please report it", span=Span(source, 0, 1, name)) from error


def parse_latex(
    text: str, vars: object = None, name: str | None = None, context: Context | None = None, reader: str = "symderiv"
) -> Problem:
    r"""The problem that a LaTeX text states: an expression, a definition, or the right side of a derivative.

    Args:
        text: `\frac{1}{n}\|Xw - y\|^2`, `L = …, \quad p = \sigma(Xw)`, …
        vars: declarations, `{"X": "n,d"}`.
        name: the definition that is the result; by default the statement that the others serve.
        context: see `Context`.
        reader: "symderiv"; "latex2sympy2" for scalar fragments in its dialect (an extra); "both" to have the two compared.

    Raises:
        SymDerivError: as `read_latex`; SD137 for an equation that is no definition; SD138 where two readers disagree.
    """
    if reader != "symderiv":
        # the other reader is compared with ours as numbers, in a room outside of this one; needed only where it is asked for
        from ...verify.readers import parse_with

        return parse_with(text, vars, reader, context)
    d = read_latex(text, vars, context)
    if name is not None:
        if name not in d.definitions:
            known = ", ".join(d.definitions) or "no names"
            raise InputError(
                f"the text does not define `{name}`", code="SD104", hint=f"it defines {known}", span=Span(d.source, 0, 1)
            )
        return Problem(d.source, d.definitions[name], d.vars, d.assumptions, d.definitions, d.spans, name)
    main = d.main
    several = [s for s in d.statements if s.kind == "expression"]
    if len(several) > 1:
        raise InputError("there are several expressions", code="SD137", hint="give one, or name them", span=several[1].span)
    if main.kind in ("equation", "chain", "condition") or not main.right:
        raise InputError("an equation of two known sides is no expression", code="SD137", hint="write one side", span=main.span)
    used = next((v for v in variables(main.right[0].words) if v in d.unknowns), None)
    if used is not None:
        span = d.unknowns[used].span or main.span
        raise InputError(
            "the expression holds a derivative that is not worked out", code="SD135", hint="write its value", span=span
        )
    return Problem(d.source, main.right[0].words, d.vars, d.assumptions, d.definitions, d.spans, main.name)


def _read_lines(source: str, vars: object, context: Context, name: str) -> LatexDocument:
    """The text as it is; where `W_i` of a matrix is a row or a column, the one that fits, if only one does."""
    squares = names_with_powers(vars)

    def read(declared: Declarations, lines: str, told: list[str]) -> LatexDocument:
        return _read(source, declared, context, name, lines, told, squares)

    return _labelled(read, declarations_from(plain_names(vars)), context)


def read_statements(
    source: str,
    raws: Sequence[Raw],
    declared: Declarations,
    context: Context | None = None,
    name: str = "",
    known: Sequence[Raw] = (),
    squares: frozenset[str] = frozenset(),
) -> LatexDocument:
    """Statements that are split already, of a longer text in which their items have their places.

    Args:
        source: the whole text.
        raws: what is read.
        declared: the variables; names that are not declared are assumed as `read_latex` does.
        context: what is known around them.
        known: definitions that these statements may use; they are read when a name is met.
        squares: names that are declared with a power (`\\sigma^2`).

    Raises:
        SymDerivError: as `read_latex`.
    """
    around = context or Context()
    items = tuple(i for raw in (*known, *raws) for side in raw.sides for i in side)

    def read(declared: Declarations, lines: str, told: list[str]) -> LatexDocument:
        return _read_raws(source, list(raws), items, declared, around, name, lines, told, squares, list(known))

    try:
        return _labelled(read, declared, around)
    except SymDerivError:
        raise
    except RecursionError:
        raise LimitError("the text is nested too deeply", code="SD902", span=Span(source, 0, 1, name)) from None
    except Exception as error:  # the border: nothing but SymDerivError leaves
        what = f"this could not be read ({type(error).__name__}: {str(error)[:200]})"
        raise InputError(what, code="SD100", hint="please report it", span=Span(source, 0, 1, name)) from error


_Read = Callable[[Declarations, str, list[str]], LatexDocument]


def _labelled(read: _Read, declared: Declarations, context: Context) -> LatexDocument:
    """A reading in which declared scalars that stand as indices are labels."""
    labels: dict[str, NeedsLabel] = {}
    while True:
        try:
            found = _read_with(read, declared, list(labels))
        except NeedsLabel as error:
            v = declared.vars.get(error.name)
            if v is None or v.rank or v.attrs or v in _used(context):
                raise
            declared = with_label(declared, error.name)
            labels[error.name] = error
            continue
        for label, unclear in labels.items():
            if used_as_value(declared.vars[label], _words_of(found)):
                raise unclear
        return found


def _words_of(d: LatexDocument) -> list[Node]:
    sides = [side for s in d.statements for side in (*([s.left] if s.left else []), *s.right)]
    return [x for side in sides for x in (side.words, side.entry) if x is not None]


def _read_with(read: _Read, declared: Declarations, labels: list[str]) -> LatexDocument:
    told = [f"{n} is a label, a whole number (it stands as an index)" for n in labels]
    try:
        return read(declared, "", told)
    except WhichLine as unclear:
        found: list[LatexDocument] = []
        for lines in ("row", "column"):
            try:
                found.append(read(declared, lines, told))
            except NeedsLabel:
                raise
            except SymDerivError:
                continue
        if len(found) == 1:
            return found[0]
        raise unclear from None


def _used(context: Context) -> set[Var]:
    """Variables of the surroundings: what they are is settled."""
    return set(variables(*([context.value] if context.value is not None else []), *context.names.values()))


# reading twice -----------------------------------------------------------------------------------------------------------------


def _read(
    source: str,
    declared: Declarations,
    context: Context,
    name: str,
    lines: str,
    told_before: list[str],
    squares: frozenset[str],
) -> LatexDocument:
    items = tree_of(source, context.macros, name)
    raws = split_statements(items, source, name)
    if all(raw.condition for raw in raws):
        what = "a condition alone is no expression" if raws else "there is nothing to read"
        raise InputError(what, code="SD137", span=Span(source, raws[0].start if raws else 0, raws[0].stop if raws else 1, name))
    if len(raws) > MAX_STATEMENTS:
        span = Span(source, raws[MAX_STATEMENTS].start, raws[MAX_STATEMENTS].stop, name)
        what = f"the text has {len(raws)} statements; at most {MAX_STATEMENTS} are read at once"
        raise LimitError(what, code="SD903", hint="read one display at a time", span=span)
    return _read_raws(source, raws, items, declared, context, name, lines, told_before, squares)


def _read_raws(
    source: str,
    raws: list[Raw],
    items: tuple[Item, ...],
    declared: Declarations,
    context: Context,
    name: str,
    lines: str,
    told_before: list[str],
    squares: frozenset[str],
    known: Sequence[Raw] = (),
) -> LatexDocument:
    clock = Clock(source, name)
    inference, sets = Inference(), set_names(items)
    ends = size_letters(items)
    declared = ranges_declared_as_scalars(declared, ends, _used(context))
    declared.check_names()
    families = find_families(declared, [*known, *raws])
    declared = without_families(declared, families)
    numbered = {**families.ready, **{f.name: len(f.letters) for f in families.found}}
    letters = [s for s in ends if s not in declared.vars and s not in declared.sizes]
    unknown: dict[str, Expr] = {s: Dummy(f"size_s{k}_", integer=True, positive=True) for k, s in enumerate(letters)}

    def reader(decl: Declarations, sizes: dict[str, Expr], inf: Inference | None, fixed: dict) -> LatexReader:
        return LatexReader(
            source,
            decl,
            clock,
            inf,
            name,
            context,
            sizes=sizes,
            fixed=fixed,
            given=dict(context.names),
            functions=context.functions,
            lines=lines,
            sets=sets,
            families=numbered,
            squares=squares,
            labels=families.labels,
        )

    first = reader(declared, dict(unknown), inference, {})
    try:
        with unifying(inference.unifier):
            assume_families(first, families)
            _read_once(first, raws, known)
            _expect_shape(first, context)
            _settle_letters(first, inference, unknown, declared)
    except SymDerivError as error:
        error.message, error.hint = _readable(error.message, inference, first), _readable(error.hint, inference, first)
        error.args = (error.message,)
        error.guessed = frozenset(inference.guesses)
        raise
    _check_double_use(first)
    final, found, told, names = _settled(inference, declared, unknown)
    second = reader(final, found, None, _fixed(first, inference, names))
    second.remember_guesses(first)
    try:
        statements = _read_once(second, raws, known)
    except SymDerivError as error:
        error.guessed = frozenset(inference.guesses)
        raise
    return _document(second, statements, families, [*told_before, *told, *second.assumptions.values()])


def _read_once(r: LatexReader, raws: list[Raw], known: Sequence[Raw] = ()) -> list[LatexStatement]:
    plans = plan_statements(r, [*known, *raws])
    return [read_statement(r, plan) for plan in plans[len(known) :]]


def _expect_shape(r: LatexReader, context: Context) -> None:
    """The shape that the surroundings tell decides what nothing else does."""
    if context.shape is None or r.main_shape is None or len(context.shape) != len(r.main_shape):
        return
    for a, b in zip(r.main_shape, context.shape, strict=True):
        if a.has(Dummy):
            r.unify(a, b)


def _settle_letters(r: LatexReader, inference: Inference, unknown: dict[str, Expr], declared: Declarations) -> None:
    """Letters at the end of ranges that nothing equates with a size are sizes of their own."""
    find = inference.unifier.find
    for s, size in unknown.items():
        if isinstance(find(size), Dummy):
            inference.unifier.unify(size, size_symbol(s))


def _settled(inference: Inference, declared: Declarations, unknown: dict[str, Expr]):
    """Declarations with the assumed variables, sizes of letters, sentences, and names for sizes that nothing decides."""
    find = inference.unifier.find
    final = Declarations(dict(declared.vars), dict(declared.where), dict(declared.spans), dict(declared.sizes))
    told: list[str] = []
    reserved = set(declared.vars) | set(declared.sizes) | set(unknown) | set(inference.guesses)
    whys = {n: g.why for n, g in inference.guesses.items()}
    for v in inference.settle(reserved).values():
        final.add(v, f"assumed ({whys[v.name]})")
        told.append(sentence(v, whys[v.name]))
    sizes: dict[str, Expr] = {}
    for s, size in unknown.items():
        sizes[s] = find(size)
        told.append(
            f"{s} is a size (it ends a range)"
            if sizes[s] == size_symbol(s)
            else f"{s} is {sizes[s]}, the size of the axis it runs over"
        )
    return final, sizes, told, inference._name_sizes(reserved)


def _fixed(r: LatexReader, inference: Inference, names: dict[Expr, Expr]) -> dict[Any, Expr]:
    """The sizes of what takes its size from the surroundings.

    Raises:
        InputError: SD133 for one that nothing decides.
    """
    out: dict[Any, Expr] = {}
    for key, (size, start, stop, what) in r.contextual.items():
        value = inference.unifier.find(size).xreplace(names)
        if value.has(Dummy):
            hint = {"I": "write I_n", "1": r"write \mathbf{1}_n", "0": r"write \mathbf{0}_n"}.get(
                what, "write the range, or declare the arrays"
            )
            raise r.error(f"nothing decides the size of `{r.text(start, stop, 30)}`", start, stop, "SD133", hint)
        out[key] = value
    return out


def _readable(text: str, inference: Inference, r: LatexReader) -> str:
    """A message with unknown sizes as far as they are known."""
    if "_size" not in text:
        return text
    for size in [*inference.unknown, *(s for s, *_ in r.contextual.values()), *r.sizes.values()]:
        if isinstance(size, Dummy):
            value = inference.unifier.find(size)
            shown = next((n for n, s in r.sizes.items() if s == size), "?") if value.has(Dummy) else str(value)
            text = text.replace("_" + size.name, shown)
    return re.sub(r"_size\w*_", "?", text)


def _check_double_use(r: LatexReader) -> None:
    """σ as a function and as a variable that nobody declared: which is which is told."""
    assert r.inference is not None
    if "sigma(" in r.assumptions and "sigma" in r.inference.guesses:
        at = next((m.start() for m in re.finditer(r"\\sigma(?![a-zA-Z])", r.source)), 0)
        what = "`\\sigma` is a function in one place and a variable in another"
        hint = "declare `sigma: scalar` and write \\operatorname{sigmoid} for the function, or rename one"
        raise r.error(what, at, at + 6, "SD133", hint)


def settled_declarations(
    inference: Inference, declared: Declarations, unknown: dict[str, Expr]
) -> tuple[Declarations, list[str]]:
    """What a reading with unknown sizes found out: declarations with the assumed variables, and sentences for sizes."""
    final, _, told, _ = _settled(inference, declared, unknown)
    return final, told[len(inference.guesses) :]


def _document(r: LatexReader, statements: list[LatexStatement], families: Families, told: list[str]) -> LatexDocument:
    definitions = {d.key.identifier: d.value.node for d in r.definitions.values() if d.value is not None}
    nodes = [side.words for s in statements for side in (*([s.left] if s.left else []), *s.right)]
    used = {v.name: v for v in variables(*nodes, *definitions.values()) if v not in r.unknowns}
    unused = {f.name: f.declared for f in families.found if f.name not in used}
    told = [t for t in told if t.split(" ", 1)[0] not in unused]
    known = {n: v for n, v in r.declared.vars.items() if n not in unused} | {v.name: v for v in unused.values()}
    spans = {node: r.span(a, b) for node, (a, b) in r.places.items()}
    done = [s.finished(r) for s in statements]
    return LatexDocument(r.source, tuple(done), definitions, {**known, **used}, told, spans, dict(r.unknowns), dict(r.undefined))
