"""One document for all renderers: headings, paragraphs, displays of aligned rows, lists.

`document(derivation, options)` lays a derivation out; a renderer turns words into its mathematics and blocks into its markup.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..expr.nodes import Call, Node, Var
from ..expr.sizes import Shape
from .consequences import stationary, update_rules
from .display import new_parts
from .model import OPENING, Derivation, Section, Step, Symbol
from .options import Options
from .remarks import Math, Parts, Size, introduction, remarks
from .rules import rule_named
from .samples import assembled, sampled


@dataclass(frozen=True, eq=False)
class Heading:
    parts: Parts
    level: int = 1


@dataclass(frozen=True, eq=False)
class Paragraph:
    """Text and mathematics in turn."""

    parts: Parts


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

    items: tuple[tuple[int, Parts], ...]
    numbered: bool = True

    def merged(self) -> list[tuple[str, Parts]]:
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


def document(d: Derivation, options: Options | None = None) -> Document:
    """The document of a derivation."""
    options = options or Options()
    blocks: list[Block] = [Paragraph(introduction(d, options))]
    told = _Told()
    for section in d.sections:
        blocks += _section(d, section, options, told)
    if told.later:
        blocks.append(Items(tuple(told.later)))
    blocks += _consequences(d, options)
    said = remarks(d, options)
    if said:
        blocks.append(Items(tuple((0, parts) for parts in said), numbered=False))
    if options.samples:
        blocks = [_in_samples(b) for b in blocks]
    return Document(_title(d, options), tuple(blocks), d, options)


class _Told:
    """What the sections before have shown: names are introduced once, and several derivatives of one value share the list of
    reasons."""

    def __init__(self) -> None:
        self.number = 0
        self.names: set[Var] = set()
        self.values: set[Node] = set()
        self.later: list[tuple[int, Parts]] = []


def _in_samples(b: Block) -> Block:
    """Sums over features as inner products with the samples."""
    if not isinstance(b, Display):
        return b
    return Display(tuple(replace(r, right=Math(sampled(r.right.words), tuple(map(sampled, r.right.highlight)))) for r in b.rows))


def _consequences(d: Derivation, options: Options) -> list[Block]:
    """The update rule and the stationary point, where asked for."""
    blocks: list[Block] = []
    for title, equations in (
        ("Update rule", update_rules(d, options.update) if options.update else []),
        ("Stationary point", stationary(d) if options.stationary else []),
    ):
        if not equations:
            continue
        blocks.append(Heading((title,), 2))
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


def _section(d: Derivation, section: Section, options: Options, told: _Told) -> list[Block]:
    blocks: list[Block] = []
    if section.title:
        parts: Parts = ("With respect to ", *(Math(v) for v in section.wrt)) if d.order == 1 else (section.title,)
        blocks.append(Heading(parts, 2))
    blocks += [Paragraph((text,)) for text in section.introduction]
    steps = list(section.steps)
    explained: list[Row] = []
    rows = [Row(Math(section.function), Math(section.expr))]
    while steps and steps[0].rule in OPENING:
        told.number += 1
        rows.append(_row(steps.pop(0), None, told.number))
        explained.append(rows[-1])
    if section.function not in told.values:
        told.values.add(section.function)
        blocks.append(Display(tuple(rows)))
    names = [s for s in section.names if s.var not in told.names]
    told.names |= {s.var for s in names}
    if names:
        blocks.append(Paragraph(("with the intermediate values",) if len(names) > 1 else ("with",)))
        blocks.append(Display(tuple(_names(names))))
    if options.samples:
        steps = _with_samples(steps)
    blocks += _body(d, steps, told, explained)
    items = [(r.number, (r.reason,)) for r in explained if r.reason]
    if options.reasons is not False and items:
        if d.order == 1 and len(d.sections) > 1:
            told.later += items
        else:
            blocks.append(Items(tuple(items)))
    return blocks


def _with_samples(steps: list[Step]) -> list[Step]:
    """The steps with the gradient as a sum over samples before its matrix form."""
    out: list[Step] = []
    for step in steps:
        entries = out[-1] if out else None
        if step.rule == "reassemble" and entries is not None and entries.free and step.subject is not None:
            total = assembled(entries.after, [i for i, _ in entries.free])
            if total is not None and total.shape == step.after.shape:
                said = "This holds for every entry, and the entries of the samples are put together to vectors."
                out.append(Step("reassemble", said, step.before, total, step.subject, new=(total,), weight="key", opens=True))
                step = replace(step, before=total, opens=False)
        out.append(step)
    return out


def _body(d: Derivation, steps: list[Step], told: _Told, explained: list[Row]) -> list[Block]:
    """The chains of a section; what they explain is added to `explained`."""
    shown: list[Row] = []
    local: list[Row] = []
    too_long = False
    for chain in _chains(steps):
        for k, step in enumerate(chain):
            if step.after.tree_size > (TOO_LONG if k == 0 or step.rule != "substitute" else LONG_ANSWER):
                too_long = True
                continue
            told.number += 1
            shown.append(_row(step, step.subject if k == 0 else None, told.number))
            explained.append(shown[-1])
            local += [_child(c, told.number) for c in step.children] if d.detail == "full" else []
    blocks: list[Block] = [Display(tuple(shown))] if shown else []
    if local:
        blocks += [Paragraph(("The local differentials that were put in:",)), Display(tuple(local))]
    if too_long:
        text = "With the names replaced by what they stand for, this is the answer; written out it is too long to be of use."
        blocks.append(Paragraph((text,)))
    return blocks


TOO_LONG = 500  # nodes of words beyond which a row is left out
LONG_ANSWER = 36  # and beyond which the answer is left in the names of the intermediate values
CONCLUSIONS = frozenset(("read_gradient", "read_jacobian", "reassemble"))


def _names(names: list[Symbol]) -> list[Row]:
    """The named values, by their entries in index notation."""
    rows = []
    for s in names:
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
        left, Math(step.after, new_parts(step.before, step.after, step.new)), step.rule, title, reason, number, shape=step.shape,
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
