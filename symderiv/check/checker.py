"""A document from its text to its report."""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import SymDerivError
from ..expr.nodes import Node, Var
from ..read.declarations import Declarations
from ..read.infer import Inference
from ..read.latex.document import Context
from ..read.latex.identifiers import names_with_powers, size_letters
from ..read.latex.reader import LatexReader
from ..read.latex.split import Raw
from ..read.latex.tokens import Clock
from .cache import Cache, digest
from .certainty import Certainty
from .chainrule import RuleContext
from .dependence import dependence
from .findings import Finding, Relation, Report
from .infer import infer
from .inforce import Said, in_force
from .judge import ChainJudge, Outcome
from .kinds import by_kind
from .paper import Paper
from .posed import Posed
from .reading import ChainReader, Reading
from .relations import Chain, chains_of
from .roles import Role, cast, flat, flat_items
from .rules import code_of
from .scope import Meaning, valid_declarations
from .silence import Silence
from .spelling import spelled
from .values import Values

WORTH = 16  # chains for which starting processes is worth the while


@dataclass(frozen=True)
class Options:
    """What the author or the one who checks says beside the document.

    Attributes:
        vars: declarations, name -> sizes.
        loss: LaTeX of a loss that stands for a numerator which nothing defines.
        layout: any, numerator, denominator.
        ignore, select: codes or kinds; nothing selected means all.
    """

    vars: Mapping[str, str] = field(default_factory=dict)
    loss: str = ""
    layout: str = "any"
    ignore: tuple[str, ...] = ()
    select: tuple[str, ...] = ()


class Checker:
    """Checks one document. `plan` finds out what the chains are; `judge` judges one of them; `report` collects."""

    def __init__(self, paper: Paper, options: Options) -> None:
        self.paper, self.options = paper, options
        self.values = Values()
        self.silence = Silence(paper, options.ignore, options.select)
        self.report = Report(paper.name)
        self.posed: list[Posed] = []
        self.redefined: set[int] = set()
        self.losses: dict[str, list[tuple[Node, Var]]] = {}
        self.certainty = Certainty(self)
        self.done: set[int] = set()
        self.forms: dict[str, list[Raw]] = {}
        self._declared: dict[tuple[str, str], list[Var]] = {}
        self.headings = [e.start for e in paper.events if e.kind == "heading" and e.text == "section"]
        self.said: tuple[int, dict[str, list[Said]]] | None = None
        self.ends: set[str] = set()
        self.squares: frozenset[str] = frozenset()
        self.votes: list[tuple[str, Relation]] = []

    # planning ------------------------------------------------------------------------------------------------------------------
    def plan(self) -> None:
        """Chains, their roles, and what names mean."""
        self.chains, troubles = chains_of(self.paper)
        self.start = Meaning(layout=self.options.layout)
        if self.options.vars:
            self.start.declare(dict(self.options.vars), "given")
        self.remarks = self._remarks()
        self._sizes_are_no_scalars()
        self.squares = names_with_powers({n: "" for _, names, _ in self.remarks for n in names} | dict(self.options.vars))
        remarks = [(at, names, self.section_at(at)) for at, names, _ in self.remarks]
        self.cast = cast(self.paper, self.chains, self.start, remarks)
        for t in troubles:
            place = self.paper.place(t.error.span.start if t.error.span is not None else t.event.start)
            kept = t.event.kind == "display"
            relation = Relation(
                place,
                self.paper.place(t.event.stop),
                "skipped",
                "formula",
                t.error.message,
                t.error.code,
                "",
                t.event.start,
                t.event.stop,
            )
            (self.report.relations if kept else self.report.troubles).append(relation)
        for e in self.paper.events:
            if e.kind == "trouble":
                self.report.troubles.append(
                    Relation(
                        self.paper.place(e.start), self.paper.place(e.stop), "skipped", "text", e.text, "", "", e.start, e.stop
                    )
                )
        self._infer()
        self.context = self._loss()
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
        found = dependence(self.chains, reader)
        self.values.depends = {n: on for n, on in found.items() if n not in defined}
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
                self.report.troubles.append(
                    Relation(
                        where,
                        where,
                        "skipped",
                        "remark",
                        f"the remark `{text[:60]}` is not understood",
                        "SD106",
                        "",
                        e.start,
                        e.stop,
                    )
                )
        return out

    def _infer(self) -> None:
        """Kinds and sizes of names that nothing declares, from the whole document."""
        whole = self.start.copy()
        for _, names, how in [*self.cast.declarations, *self.remarks]:
            for name, spec in names.items():
                if name not in whole.vars:
                    self.declare(whole, {name: spec}, how)
        declared = set(whole.vars)
        chains = [c for c, r in zip(self.chains, self.cast.roles, strict=True) if r.kind in ("definition", "claim", "again")]
        defined = {r.known.name: r.known for r in self.cast.roles if r.known is not None and r.kind == "definition"}
        whole.known = {}
        for name in defined:
            whole.vars.pop(name, None)
        probe = whole.copy()
        probe.known = {}
        try:
            told = infer(self.paper.text, chains, probe, self.paper.name, defined, self.squares)
        except SymDerivError:
            told = []
        self.assumed = {n: v for n, v in probe.vars.items() if n not in declared}
        self.report.meanings.extend(told)

    def _loss(self) -> Context:
        """The value that stands for a numerator which nothing defines."""
        if not self.options.loss:
            return Context()
        from ..read.latex.document import read_latex

        try:
            meaning = self.meaning_at(len(self.chains), self.chains[0] if self.chains else None)
            found = read_latex(self.options.loss, dict(meaning.declared().vars))
            main = found.main
            return Context(value=main.right[0].words) if main.right else Context()
        except SymDerivError as error:
            self.report.meanings.append(f"the loss that was given is not read: {error.message}")
            return Context()

    def meaning_at(self, number: int, chain: Chain | None) -> Meaning:
        """Declarations and definitions in force at a chain."""
        return in_force(self, number, chain)

    def section_at(self, offset: int) -> int:
        """The number of the section in which a place is."""
        return bisect.bisect_right(self.headings, offset)

    # judging -------------------------------------------------------------------------------------------------------------------
    def run(self, progress: Callable[[int, int], None] | None = None, cache: Cache | None = None, jobs: int = 1) -> Report:
        """All chains: those that the cache knows, then the others, in several processes if there are many."""
        began = time.perf_counter()
        if not hasattr(self, "chains"):
            self.plan()
        todo, keys, count = [], {}, 0
        for n, chain in enumerate(self.chains):
            known = None
            if cache is not None:
                keys[n] = self.key(n)
                known = cache.get(keys[n], chain, self.paper)
            if known is None:
                todo.append(n)
                continue
            self._take(known)
            count += 1
            if progress is not None:
                progress(count, len(self.chains))
        for n, found in self._judged(todo, jobs):
            if cache is not None:
                cache.put(keys[n], self.chains[n], found, self.paper)
            self._take(found)
            count += 1
            if progress is not None:
                progress(count, len(self.chains))
        self.report.cached = len(self.chains) - len(todo)
        self._mixed_layouts()
        self._collect()
        self.report.seconds = time.perf_counter() - began
        return self.report

    def _judged(self, todo: Sequence[int], jobs: int) -> Iterator[tuple[int, list[tuple[Relation, str]]]]:
        if jobs > 1 and len(todo) > WORTH:
            from .parallel import judge_in_parallel

            yield from judge_in_parallel(self.paper, self.options, todo, jobs)
            return
        for n in todo:
            yield n, self.judged(n)

    def judged(self, n: int) -> list[tuple[Relation, str]]:
        """The relations of one chain, with its vote on layouts; what it depends on is judged first."""
        for m in range(n):
            if m not in self.done and self._influences(m, n):
                self.done.add(m)
                self.judge(self.chains[m], self.cast.roles[m])
        self.done.add(n)
        return self.judge(self.chains[n], self.cast.roles[n])

    def _influences(self, m: int, n: int) -> bool:
        """Whether the verdict on chain n may need the outcome of chain m."""
        a, b, role = self.chains[m], self.chains[n], self.cast.roles[m]
        if role.kind == "again":
            return True
        if role.kind == "definition" and len(a.sides) > 2:
            return {"partial", "nabla", "d"} & set(flat(b)) != set()
        if role.kind != "claim" or len(a.sides) < 2:
            return False
        if a.event.section == b.event.section and ("posed" in a.signs or flat_items(a.sides[-1]) in (["0"], [])):
            return True
        return _may_be_update(b) and _has_derivative(a)

    def _take(self, found: list[tuple[Relation, str]]) -> None:
        for relation, vote in found:
            self.report.relations.append(relation)
            if vote:
                self.votes.append((vote, relation))

    def key(self, n: int) -> str:
        """What the verdict on a chain depends on, as a word."""
        chain, role = self.chains[n], self.cast.roles[n]
        meaning = self.meaning_at(n, chain)
        spelled_ = [" ".join(flat_items(s)) for s in chain.sides]
        conditions = [(c.words, [" ".join(flat_items(s)) for s in c.sides]) for c in chain.conditions]
        names = [(v.name, str(v.shape), sorted(v.attrs), how) for v, how in meaning.vars.values()]
        known = [(k.name, [" ".join(flat_items(s)) for s in k.raw.sides]) for k in meaning.known.values()]
        before = [" ".join(flat(self.chains[m])) for m in range(n) if self._influences(m, n)]
        tokens = set(flat(chain))
        depends = sorted((k, sorted(v)) for k, v in self.values.depends.items() if k[:1] in tokens or len(k) > 1)
        return digest(
            spelled_, self.paper.text[chain.start : chain.stop], chain.signs, chain.link, conditions, chain.event.kind, role.kind,
            role.known.name if role.known else "", sorted(names), sorted(known), meaning.layout, self.options.loss, before, depends,
            self.declares_something, self.speaks_of_symmetry, self.silence.off(chain.start),
        )  # fmt: skip

    def judge(self, chain: Chain, role: Role) -> list[tuple[Relation, str]]:
        """The relations of one chain, each with its vote on layouts."""
        if role.kind in ("aside", "declaration"):
            return []
        if chain.event.kind == "display" and self.silence.off(chain.start):
            return []
        meaning = self.meaning_at(chain.number, chain)
        skip = role.known.name if role.kind == "definition" and role.known is not None else ""
        reader = ChainReader(self.paper.text, self.context, self.paper.name, self.squares)
        self.values.hold = lambda name, words, by, node: reader.held(meaning, self.forms, name, words, by, node)
        try:
            reading = reader.read(chain, meaning, skip=skip)
        except SymDerivError as error:
            return [
                self._relation(chain, k, Outcome(k, "skipped", reason=error.message, code=error.code))
                for k in range(1, max(2, len(chain.sides)))
            ]
        if len(chain.sides) == 1:
            return self._expression(chain, reading)
        lines = [self.paper.place(s[0].start).line if s else 0 for s in chain.sides]
        context = RuleContext(
            self.paper.text,
            meaning.declared(skip),
            replace_context(self.context),
            [k.raw for n, k in meaning.known.items() if n != skip],
            self.paper.name,
        )
        judge = ChainJudge(chain, reading, self.values, self.paper.text, lines, meaning.layout, context)
        try:
            outcomes = judge.outcomes()
        except SymDerivError as error:
            outcomes = [Outcome(k, "skipped", reason=error.message, code=error.code) for k in range(1, len(chain.sides))]
        outcomes = by_kind(self, chain, role, reading, judge, outcomes, meaning)
        outcomes = [self.certainty.surely(chain, reading, o, meaning, skip) for o in outcomes]
        if role.known is not None and role.kind == "definition":
            self.forms[role.known.name] = [
                chain.raw(0, o.side, condition=False) for o in outcomes if o.status == "right" and o.side > 1
            ]
        if judge.posed:
            self.posed.extend(Posed(words, chain.event.section, chain.number, self._wanted(reading)) for words in judge.posed)
        return [self._relation(chain, o.side, o, reading) for o in outcomes]

    def _wanted(self, reading: Reading) -> str:
        """The variable for which a posed equation is to be solved: what was differentiated by."""
        d = next((s.derivative for s in reading.sides if s.derivative is not None), None)
        return d.var.name if d is not None and isinstance(d.var, Var) else ""

    def _expression(self, chain: Chain, reading: Reading) -> list[tuple[Relation, str]]:
        side = reading.sides[0]
        if side.error is not None:
            return [self._relation(chain, 0, Outcome(0, "skipped", "expression", side.error.message, side.error.code))]
        return [self._relation(chain, 0, Outcome(0, "read", "expression"))]

    @property
    def declares_something(self) -> bool:
        """Whether anybody says what a name means; then names of which nobody does are in doubt."""
        return bool(self.cast.declarations or self.remarks or self.options.vars)

    @property
    def speaks_of_symmetry(self) -> bool:
        return "symmetric" in self.paper.text

    # results -------------------------------------------------------------------------------------------------------------------
    def _relation(self, chain: Chain, side: int, o: Outcome, reading: Reading | None = None) -> tuple[Relation, str]:
        items = chain.sides[side] if side < len(chain.sides) else []
        start = items[0].start if items else chain.start
        stop = items[-1].stop if items else chain.stop
        place, end = self.paper.place(start), self.paper.place(stop)
        finding = None
        if o.status == "wrong":
            fix = ""
            if o.fixed is not None and reading is not None:
                fix = spelled(o.fixed, reading, self.paper.text)
            finding = Finding(
                place, code_of(o.kind), o.message, end, fix, o.kind if code_of(o.kind) != "SD613" else "wrong", o.counterexample,
                self.paper.caret(start, stop), tuple(n for n in (*o.notes, o.how and f"decided by {o.how}") if n), start, stop,
            )  # fmt: skip
        return Relation(place, end, o.status, o.what, o.reason, o.code, o.how, start, stop, finding), o.vote

    def _mixed_layouts(self) -> None:
        """Jacobians in two layouts: those of the layout that is used less are told."""
        votes = self.votes
        ours = [r for v, r in votes if v == "numerator"]
        theirs = [r for v, r in votes if v == "denominator"]
        if not ours or not theirs:
            return
        wrong, layout, other = (
            (theirs, "denominator", "numerator") if len(theirs) <= len(ours) else (ours, "numerator", "denominator")
        )
        for r in wrong:
            message = f"This derivative is in {layout} layout; {len(votes) - len(wrong)} other{'s are' if len(votes) - len(wrong) > 1 else ' is'} in {other} layout."
            finding = Finding(
                r.place,
                code_of("layout"),
                message,
                r.end,
                "",
                "layout",
                "",
                self.paper.caret(r.start, r.stop),
                (),
                r.start,
                r.stop,
            )
            changed = replace(r, status="wrong", finding=finding)
            self.report.relations[self.report.relations.index(r)] = changed

    def _collect(self) -> None:
        self.report.relations.sort(key=lambda r: r.start)
        kept = []
        for r in self.report.relations:
            if r.finding is not None and self.silence.ignores(r.finding):
                self.report.ignored.append(r.finding)
                kept.append(replace(r, status="skipped", reason="the author ignores it", finding=None))
                continue
            kept.append(r)
            if r.finding is not None:
                self.report.findings.append(r.finding)
        self.report.relations = kept


def _may_be_update(chain: Chain) -> bool:
    return "<-" in chain.signs or ":=" in chain.signs or chain.signs[:1] == ["="]


def _has_derivative(chain: Chain) -> bool:
    return bool({"partial", "nabla"} & set(flat_items(chain.sides[0]))) or flat_items(chain.sides[0])[:2] == ["frac", "d"]


def replace_context(context: Context) -> Context:
    return replace(context, macros="", differentials="")


__all__ = ["Checker", "Options"]
