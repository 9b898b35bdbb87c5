"""One document for all renderers: headings, paragraphs, displays of aligned rows, lists.

`document(derivation, options)` lays a derivation out; a renderer turns words into its mathematics and blocks into its markup.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..expr.nodes import Call, Node, Var
from ..expr.sizes import Shape
from ..expr.walk import postorder
from .consequences import stationary, update_rules
from .model import Derivation, Section, Step
from .options import Options
from .rules import rule_named
from .samples import sampled


@dataclass(frozen=True, eq=False)
class Math:
    """Words inside text or in a row; `highlight` are the parts that changed."""

    words: Node
    highlight: tuple[Node, ...] = ()


@dataclass(frozen=True, eq=False)
class Size:
    """`X ∈ ℝⁿˣᵈ`: a variable with its shape."""

    var: Var
    shape: Shape


@dataclass(frozen=True, eq=False)
class Heading:
    text: str
    level: int = 1


@dataclass(frozen=True, eq=False)
class Paragraph:
    """Text and mathematics in turn."""

    parts: tuple[str | Math | Size, ...]


@dataclass(frozen=True, eq=False)
class Row:
    """`left = right   (rule)`; no left side where the row goes on from the one above."""

    left: Math | None
    right: Math
    rule: str = ""
    title: str = ""
    reason: str = ""
    number: int = 0
    relation: str = "="
    shape: Shape | None = None
    final_of_chain: bool = False


@dataclass(frozen=True, eq=False)
class Display:
    """Aligned rows."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Items:
    """A list of remarks; numbered ones explain the rows with the same numbers."""

    items: tuple[tuple[int, tuple[str | Math | Size, ...]], ...]
    numbered: bool = True

    def merged(self) -> list[tuple[str, tuple[str | Math | Size, ...]]]:
        """Equal remarks once, with all their numbers."""
        numbers: dict[tuple, list[int]] = {}
        for number, parts in self.items:
            numbers.setdefault(parts, []).append(number)
        return [(", ".join(str(n) for n in ns if n), parts) for parts, ns in numbers.items()]


Block = Heading | Paragraph | Display | Items


@dataclass(frozen=True, eq=False)
class Document:
    """A title, blocks, and the derivation that they show."""

    title: tuple[str | Math, ...]
    blocks: tuple[Block, ...]
    derivation: Derivation
    options: Options

    @property
    def title_text(self) -> str:
        """The title without mathematics."""
        names = ", ".join(dict.fromkeys(v.name for s in self.derivation.sections for v in s.wrt))
        what = {1: "Derivative", 2: "Second derivative"}.get(
            self.derivation.order, f"Derivative of order {self.derivation.order}"
        )
        return self.options.title or f"{what} of {self.derivation.name} with respect to {names}"


STYLE_NAMES = {"differential": "differentials", "index": "index notation", "graph": "the computation graph"}


def document(d: Derivation, options: Options | None = None) -> Document:
    """The document of a derivation."""
    options = options or Options()
    blocks: list[Block] = [_introduction(d, options)]
    number = 0
    for section in d.sections:
        made, number = _section(d, section, options, number)
        blocks += made
    blocks += _consequences(d, options)
    notes = [*d.notes, *_conventions(d), *(f"Not differentiable where: {k}." for k in d.kinks)]
    layout = options.layout or d.layout
    if layout == "denominator" and any(s.function.rank for s in d.sections[:1]) and d.order == 1:
        notes.append("In denominator layout the result is shown with its axes swapped: variable first, output last.")
    if notes:
        blocks.append(Items(tuple((0, (n if n.endswith(".") else n + ".",)) for n in notes), numbered=False))
    if options.samples:
        blocks = [_in_samples(b) for b in blocks]
    return Document(_title(d, options), tuple(blocks), d, options)


def _in_samples(b: Block) -> Block:
    """Sums over features as inner products with the samples."""
    if not isinstance(b, Display):
        return b
    return Display(tuple(replace(r, right=Math(sampled(r.right.words), tuple(map(sampled, r.right.highlight)))) for r in b.rows))


CONVENTIONS = {
    "heaviside": "H is the unit step: `H(u) = 1` for `u > 0`, 0 for `u < 0`, and 1/2 at 0",
    "sign": "`sign(0) = 0`: one of the subgradients is taken at the kink",
    "onehot": "The one-hot vector of a label has a 1 at the label and 0 elsewhere",
}


def _conventions(d: Derivation) -> list[str]:
    """What the signs in the answers mean."""
    used = {n.name for words in d.results.values() for n in postorder(words) if isinstance(n, Call)}
    return [text for name, text in CONVENTIONS.items() if name in used]


def _consequences(d: Derivation, options: Options) -> list[Block]:
    """The update rule and the stationary point, where asked for."""
    blocks: list[Block] = []
    for title, equations in (
        ("Update rule", update_rules(d, options.update) if options.update else []),
        ("Stationary point", stationary(d) if options.stationary else []),
    ):
        if not equations:
            continue
        blocks.append(Heading(title, 2))
        for sentence in dict.fromkeys(e.reason for e in equations):
            blocks.append(Paragraph((sentence,)))
            rows = [Row(Math(e.left), Math(e.right), relation=e.relation) for e in equations if e.reason == sentence]
            blocks.append(Display(tuple(rows)))
    return blocks


def _title(d: Derivation, options: Options) -> tuple[str | Math, ...]:
    if options.title:
        return (options.title,)
    what = {1: "Derivative", 2: "Second derivative"}.get(d.order, f"Derivative of order {d.order}")
    parts: list[str | Math] = [f"{what} of ", Math(d.sections[0].function), " with respect to "]
    for k, v in enumerate(dict.fromkeys(v for s in d.sections for v in s.wrt)):
        parts += [", "] if k else []
        parts.append(Math(v))
    return tuple(parts)


def _introduction(d: Derivation, options: Options) -> Paragraph:
    """Shapes, style and layout."""
    parts: list[str | Math | Size] = []
    shown = [v for v in d.vars.values() if v.rank]
    for k, v in enumerate(shown):
        parts.append("Here " if not k else ", " if k + 1 < len(shown) else " and " if len(shown) > 1 else "")
        parts.append(Size(v, v.shape))
    if shown:
        parts.append(". ")
    parts.append(f"The derivation uses {STYLE_NAMES[d.style]}")
    layout = options.layout or d.layout
    scalar = not d.sections[0].function.rank
    if layout == "numerator":
        parts.append(
            "; the derivative of a scalar has the shape of the variable." if scalar and d.order == 1
            else ", in numerator layout: rows belong to the output, columns to the variable."
        )  # fmt: skip
    else:
        parts.append(", in denominator layout: the derivative has the axes of the variable first, then those of the output.")
    return Paragraph(tuple(parts))


def _section(d: Derivation, section: Section, options: Options, number: int) -> tuple[list[Block], int]:
    blocks: list[Block] = []
    if section.title:
        blocks.append(Heading(section.title, 2))
    blocks += [Paragraph((text,)) for text in section.introduction]
    rows = [Row(Math(section.function), Math(section.expr))]
    steps = list(section.steps)
    explained: list[Row] = []
    while steps and steps[0].rule in OPENING:
        number += 1
        rows.append(_row(steps.pop(0), None, number))
        explained.append(rows[-1])
    blocks.append(Display(tuple(rows)))
    if section.names:
        blocks.append(Paragraph(("with the intermediate values",) if len(section.names) > 1 else ("with",)))
        blocks.append(Display(tuple(_names(section))))
    shown: list[Row] = []
    local: list[Row] = []
    too_long = False
    for chain in _chains(steps):
        for k, step in enumerate(chain):
            if step.after.tree_size > TOO_LONG:
                too_long = True
                continue
            number += 1
            shown.append(_row(step, step.subject if k == 0 else None, number))
            explained.append(shown[-1])
            local += [_child(c, number) for c in step.children] if d.detail == "full" else []
    if shown:
        blocks.append(Display(tuple(shown)))
    if local:
        blocks.append(Paragraph(("The local differentials that were put in:",)))
        blocks.append(Display(tuple(local)))
    if too_long:
        text = "With all names replaced by what they stand for this is the answer; written out it is too long for a page."
        blocks.append(Paragraph((text,)))
    if options.reasons is not False and explained:
        blocks.append(Items(tuple((r.number, (r.reason,)) for r in explained if r.reason)))
    return blocks, number


TOO_LONG = 500  # nodes of words beyond which a row is left out
OPENING = ("rewrite", "entries")
CONCLUSIONS = frozenset(("read_gradient", "read_jacobian", "reassemble"))


def _names(section: Section) -> list[Row]:
    """The named values, by their entries in index notation."""
    rows = []
    for s in section.names:
        if s.entry is not None:
            word, at = s.entry
            left = Call("getitem", s.var, *at, spec=("at",) * len(at)) if at else s.var
            rows.append(Row(Math(left), Math(word), shape=s.var.shape))
        else:
            rows.append(Row(Math(s.var), Math(s.of), shape=s.var.shape))
    return rows


def _row(step: Step, subject: Node | None, number: int) -> Row:
    title = rule_named(step.rule).title
    reason = step.reason + (" " + step.note if step.note else "")
    left = None if subject is None else Math(subject)
    return Row(
        left, Math(step.after, step.new), step.rule, title, reason, number, shape=step.shape,
        final_of_chain=left is not None and step.rule in CONCLUSIONS,
    )  # fmt: skip


def _child(step: Step, number: int) -> Row:
    left = step.subject if step.subject is not None else step.before
    return Row(Math(left), Math(step.after), step.rule, rule_named(step.rule).title, number=number, shape=step.shape)


def _chains(steps: list[Step]) -> list[list[Step]]:
    """Steps that go on from one another."""
    out: list[list[Step]] = []
    for step in steps:
        if out and not step.opens and out[-1][-1].subject is step.subject:
            out[-1].append(step)
        else:
            out.append([step])
    return out


__all__ = ["Block", "Display", "Document", "Heading", "Items", "Math", "Paragraph", "Row", "Size", "document"]
