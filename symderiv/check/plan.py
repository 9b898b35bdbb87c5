"""What the chains of a document are, what each is for, and what names mean in it."""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping
from dataclasses import replace

from ..errors import SymDerivError
from ..expr.nodes import Var
from ..read.declarations import Declarations
from ..read.infer import Inference
from ..read.latex.document import Context
from ..read.latex.identifiers import names_with_powers, size_letters
from ..read.latex.reader import LatexReader
from ..read.latex.tokens import Clock
from ..read.latex.undefined import functional_letters
from .dependence import dependence
from .findings import Relation, Report
from .infer import infer
from .inforce import Said, in_force
from .logs import name_logarithms
from .options import Options
from .paper import Paper
from .relations import Chain, chains_of
from .roles import cast
from .scope import Meaning, valid_declarations
from .silence import Silence
from .values import Values

_BLANK = re.compile(r"\n[ \t]*\n")
_NORM = re.compile(r"\\\||\\[lr]?Vert\b|\\norm\b|\|\|")  # double bars


class Plan:
    """One document before anything is judged."""

    def __init__(self, paper: Paper, options: Options) -> None:
        self.paper, self.options = paper, options
        self.values = Values()
        self.silence = Silence(paper, options.ignore, options.select)
        self.report = Report(paper.name)
        self.redefined: set[int] = set()
        self._declared: dict[tuple[str, str], list[Var]] = {}
        self.headings = [e.start for e in paper.events if e.kind == "heading" and e.text == "section"]
        self.said: tuple[int, dict[str, list[Said]]] | None = None
        self.ends: set[str] = set()
        self.squares: frozenset[str] = frozenset()
        self.applied: dict[str, set[str]] = {}

    def plan(self) -> None:
        """Chains, their roles, and what names mean."""
        self.chains, troubles = chains_of(self.paper)
        self.start = Meaning(layout=self.options.layout)
        if self.options.vars:
            self.start.declare(dict(self.options.vars), "given")
        self.remarks = self._remarks()
        self.bars = any(
            _NORM.search(self.paper.text, e.start, e.stop) for e in self.paper.events if e.kind in ("display", "inline")
        )
        name_logarithms(self.chains, {*self.start.vars, *(n for _, names, _ in self.remarks for n in names)})
        self._sizes_are_no_scalars()
        self.squares = names_with_powers({n: "" for _, names, _ in self.remarks for n in names} | dict(self.options.vars))
        remarks = [(at, names, self.section_at(at)) for at, names, _ in self.remarks]
        self.cast = cast(self.paper, self.chains, self.start, remarks)
        for t in troubles:
            place = self.paper.place(t.error.span.start if t.error.span is not None else t.event.start)
            kept = t.event.kind == "display"
            relation = Relation(
                place, self.paper.place(t.event.stop), "skipped", "formula", t.error.message, t.error.code, "", t.event.start,
                t.event.stop,
            )  # fmt: skip
            (self.report.relations if kept else self.report.troubles).append(relation)
        for e in self.paper.events:
            if e.kind == "trouble":
                self.report.troubles.append(
                    Relation(
                        self.paper.place(e.start), self.paper.place(e.stop), "skipped", "text", e.text, "", "", e.start, e.stop
                    )
                )
        self.functional = functional_letters(s for c in self.chains for s in c.sides)
        self._infer()
        self.context = replace(self._loss(), undefined=self.functional)
        self._depend()

    def _depend(self) -> None:
        """Variables of which derivatives are written although nothing defines them: they depend on others in an unknown way."""
        defined = {r.known.name for r in self.cast.roles if r.known is not None}
        whole = self.meaning_at(len(self.chains), None)
        declared = Declarations()
        for name, (v, how) in whole.vars.items():
            if name not in defined:
                declared.add(v, how)
        reader = LatexReader(self.paper.text, declared, Clock(self.paper.text), Inference(), self.paper.name, Context())
        found, self.values.by = dependence(self.chains, reader)
        for name, on in self.applied.items():
            found.setdefault(name, set()).update(n for n in on if n in declared.vars and n != name)
        self.values.depends = {n: on for n, on in found.items() if n not in defined and on}
        self.values.variables = dict(declared.vars)

    def _sizes_are_no_scalars(self) -> None:
        """A scalar that ends the range of a sum, `m` in `\\sum_{i=1}^m`, is a size."""
        ends = set(size_letters(tuple(i for c in self.chains for side in c.sides for i in side)))
        for name in [n for n, (v, _) in self.start.vars.items() if n in ends and not v.rank and not v.attrs]:
            del self.start.vars[name]
        self.ends = ends

    def declare(self, meaning: Meaning, names: Mapping[str, str], how: str) -> None:
        for name, spec in names.items():
            if name in self.start.vars:
                continue  # what is given from outside wins
            if name in self.ends and spec.strip() in ("scalar", "scalar integer", "integer"):
                continue
            key = (name, spec)
            if key not in self._declared:
                probe = Meaning()
                try:
                    probe.declare({name: spec}, how)
                except SymDerivError:
                    probe = Meaning()
                self._declared[key] = [v for v, _ in probe.vars.values()]
            for v in self._declared[key]:
                meaning.vars[v.name] = (v, how)

    def _remarks(self) -> list[tuple[int, dict[str, str], str]]:
        out = []
        for e in self.paper.events:
            if e.kind != "remark":
                continue
            text = e.text
            if text.lower().startswith("layout"):
                word = text[6:].strip(" :=").lower()
                if word in ("numerator", "denominator", "any"):
                    self.start.layout = word if self.options.layout == "any" else self.options.layout
                continue
            if self.silence.understands(text):
                continue
            if ":" in text and valid_declarations(text):
                names: dict[str, str] = {}
                for entry in (x for x in text.split(";") if x.strip()):
                    left, _, spec = entry.partition(":")
                    names.update(dict.fromkeys((n.strip() for n in left.split(",")), spec.strip()))
                out.append((e.start, names, "declared in a comment"))
            else:
                where = self.paper.place(e.start)
                reason = f"the remark `{text[:60]}` is not understood"
                self.report.troubles.append(Relation(where, where, "skipped", "remark", reason, "SD106", "", e.start, e.stop))
        return out

    def _infer(self) -> None:
        """Kinds and sizes of names that nothing declares, from the whole document."""
        whole = self.start.copy()
        for _, names, how in [*self.cast.declarations, *self.remarks]:
            for name, spec in names.items():
                if name not in whole.vars:
                    self.declare(whole, {name: spec}, how)
        declared = set(whole.vars)
        used = ((c, r) for c, r in zip(self.chains, self.cast.roles, strict=True) if r.kind in ("definition", "claim", "again"))
        chains = [c for c, r in used if r.kind == "definition" or not r.inline]  # claims in prose may be rules in general letters
        defined = {r.known.name: r.known for r in self.cast.roles if r.known is not None and r.kind == "definition"}
        whole.known = {}
        shapes = {name: whole.vars[name][0].shape for name in defined if name in whole.vars}
        for name in defined:
            whole.vars.pop(name, None)
        probe = whole.copy()
        probe.known = {}
        try:
            context = Context(bars=self.bars, undefined=self.functional)
            told, self.applied = infer(self.paper.text, chains, probe, self.paper.name, defined, self.squares, context, shapes)
        except SymDerivError:
            told = []
        self.assumed = {n: v for n, v in probe.vars.items() if n not in declared}
        self.report.meanings.extend(told)

    def _loss(self) -> Context:
        """The value that stands for a numerator which nothing defines, and what single bars mean."""
        plain = Context(bars=self.bars)
        if not self.options.loss:
            return plain
        from ..read.latex.document import read_latex

        try:
            meaning = self.meaning_at(len(self.chains), self.chains[0] if self.chains else None)
            found = read_latex(self.options.loss, dict(meaning.declared().vars))
            main = found.main
            words = main.right[0].words if main.right else None
            bare = isinstance(words, Var) and words.name not in meaning.vars  # a name that nothing declares says nothing
            return Context(value=words, bars=self.bars) if words is not None and not bare else plain
        except SymDerivError as error:
            self.report.meanings.append(f"the loss that was given is not read: {error.message}")
            return plain

    def meaning_at(self, number: int, chain: Chain | None) -> Meaning:
        """Declarations and definitions in force at a chain."""
        return in_force(self, number, chain)

    def in_one_paragraph(self, a: Said, b: Said) -> bool:
        """Whether no blank line stands between two things that are said."""
        return a.offset <= b.offset and not _BLANK.search(self.paper.text, a.offset, b.offset)

    def section_at(self, offset: int) -> int:
        """The number of the section in which a place is."""
        return bisect.bisect_right(self.headings, offset)


__all__ = ["Plan"]
