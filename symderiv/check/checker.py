"""A document from its text to its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from ..errors import SymDerivError
from ..expr.nodes import Node, Var
from ..read.latex.document import Context
from ..read.latex.split import Raw
from .cache import Cache, digest
from .certainty import Certainty, is_pinned, is_sure
from .chainrule import RuleContext
from .distinct import Distinct
from .findings import Relation, Report
from .halves import halves
from .influence import Influence
from .judge import ChainJudge, Outcome
from .kinds import by_kind
from .options import Options
from .paper import Paper
from .plan import Plan
from .posed import Posed
from .reading import ChainReader, Reading
from .relations import Chain
from .rereading import Rereading
from .results import collect_findings, relation_of, tell_mixed_layouts
from .roles import Role
from .rows import flat_items
from .suppose import DISTRIBUTIONS, Supposing

WORTH = 16  # chains for which starting processes is worth the while


class Checker(Plan):
    """Checks one document. `plan` finds out what the chains are; `judge` judges one of them; `report` collects."""

    def __init__(self, paper: Paper, options: Options) -> None:
        super().__init__(paper, options)
        self.posed: list[Posed] = []
        self.losses: dict[str, list[tuple[Node, Var]]] = {}
        self.certainty = Certainty(self)
        self.distinct = Distinct(self)
        self.supposing = Supposing(self)
        self.rereading = Rereading(self)
        self.done: set[int] = set()
        self.forms: dict[str, list[Raw]] = {}
        self.votes: list[tuple[str, Relation]] = []

    def run(self, progress: Callable[[int, int], None] | None = None, cache: Cache | None = None, jobs: int = 1) -> Report:
        """All chains: those that the cache knows, then the others, in several processes if there are many."""
        began = time.perf_counter()
        whole = digest(self.paper, self.options) if cache is not None else ""
        found = cache.report(whole, self.paper) if cache is not None else None
        if found is not None:
            found.seconds = time.perf_counter() - began
            return found
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

        def waiting() -> None:
            if progress is not None:
                progress(count, len(self.chains))

        for n, judged in self._judged(todo, jobs, waiting):
            if cache is not None:
                cache.put(keys[n], self.chains[n], judged, self.paper)
            self._take(judged)
            count += 1
            if progress is not None:
                progress(count, len(self.chains))
        self.report.cached = len(self.chains) - len(todo)
        tell_mixed_layouts(self.report, self.votes, self.paper)
        collect_findings(self.report, self.silence)
        if cache is not None:
            cache.put_report(whole, self.report, len(self.chains))
        self.report.seconds = time.perf_counter() - began
        return self.report

    @cached_property
    def influence(self) -> Influence:
        """What depends on what."""
        return Influence(self.chains, self.cast.roles)

    def _judged(
        self, todo: Sequence[int], jobs: int, waiting: Callable[[], None]
    ) -> Iterator[tuple[int, list[tuple[Relation, str]]]]:
        if jobs > 1 and len(todo) > WORTH:
            from .parallel import judge_in_parallel

            yield from judge_in_parallel(self.paper, self.options, todo, jobs, waiting)
            return
        for n in todo:
            yield n, self.judged(n)

    def judged(self, n: int) -> list[tuple[Relation, str]]:
        """The relations of one chain, with its vote on layouts; what it depends on is judged first."""
        for m in self.influence.before(n):
            if m not in self.done:
                self.done.add(m)
                self.judge(self.chains[m], self.cast.roles[m])
        self.done.add(n)
        return self.judge(self.chains[n], self.cast.roles[n])

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
        before = [self.chains[m].flat for m in self.influence.before(n)]
        tokens = set(chain.flat)
        depends = sorted((k, sorted(v)) for k, v in self.values.depends.items() if k[:1] in tokens or len(k) > 1)
        return digest(
            spelled_, self.paper.text[chain.start : chain.stop], chain.signs, chain.link, conditions, chain.event.kind, role.kind,
            role.known.name if role.known else "", sorted(names), sorted(known), meaning.layout, self.options.loss, before, depends,
            self.declares_something, self.speaks_of_symmetry, self.speaks_of_distributions, self.silence.off(chain.start), self.bars,
            sorted(self.functional), sorted(self.values.by & tokens), self.certainty.stated(chain),
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
            refused = [Outcome(k, "skipped", reason=error.message, code=error.code) for k in range(1, max(2, len(chain.sides)))]
            found = [relation_of(self.paper, chain, o.side, o) for o in refused]
            return [(_in_passing(r) if role.inline else r, vote) for r, vote in found]
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
        judge.guessed = frozenset(
            n
            for n, (v, how) in meaning.vars.items()
            if how.startswith("assumed") and (not is_sure(how) or (v.rank and not is_pinned(n, meaning)))
        )
        try:
            outcomes = judge.outcomes()
        except SymDerivError as error:
            outcomes = [Outcome(k, "skipped", reason=error.message, code=error.code) for k in range(1, len(chain.sides))]
        outcomes = by_kind(self, chain, role, reading, judge, outcomes, meaning)
        outcomes = self.distinct.decide(judge, outcomes, meaning)
        outcomes = [self.certainty.surely(chain, reading, o, meaning, skip) for o in outcomes]
        outcomes = self.supposing.decide(judge, outcomes, meaning)
        outcomes = self.rereading.decide(chain, role, judge, outcomes, meaning, skip)
        outcomes = halves(chain, outcomes, meaning, self.paper.text)
        if role.known is not None and role.kind == "definition":
            self.forms[role.known.name] = [
                chain.raw(0, o.side, condition=False) for o in outcomes if o.status == "right" and o.side > 1
            ]
        if judge.posed:
            self.posed.extend(Posed(words, chain.event.section, chain.number, self._wanted(reading)) for words in judge.posed)
        found = [relation_of(self.paper, chain, o.side, o.explained(), reading) for o in outcomes]
        return [(_in_passing(r) if role.inline else r, vote) for r, vote in found]

    def _wanted(self, reading: Reading) -> str:
        """The variable for which a posed equation is to be solved: what was differentiated by."""
        d = next((s.derivative for s in reading.sides if s.derivative is not None), None)
        return d.var.name if d is not None and isinstance(d.var, Var) else ""

    def _expression(self, chain: Chain, reading: Reading) -> list[tuple[Relation, str]]:
        side = reading.sides[0]
        if side.error is not None:
            return [relation_of(self.paper, chain, 0, Outcome(0, "skipped", "expression", side.error.message, side.error.code))]
        return [relation_of(self.paper, chain, 0, Outcome(0, "read", "expression"))]

    @property
    def declares_something(self) -> bool:
        """Whether anybody says what a name means; then names of which nobody does are in doubt."""
        return bool(self.cast.declarations or self.remarks or self.options.vars)

    @cached_property
    def speaks_of_distributions(self) -> bool:
        """Whether the text says that something is a distribution."""
        return bool(DISTRIBUTIONS.search(self.paper.text))

    @cached_property
    def speaks_of_symmetry(self) -> bool:
        return "symmetric" in self.paper.text


def _in_passing(r: Relation) -> Relation:
    """A relation in a line of prose that is not understood is no line of a derivation: it is told with `--verbose` only."""
    general = r.finding is not None and r.finding.kind == "shape"  # `A A^{-1} = I` beside a matrix A that is not square
    return replace(r, status="aside", finding=None) if r.status == "skipped" or general else r


def replace_context(context: Context) -> Context:
    return replace(context, macros="", differentials="")


__all__ = ["Checker", "Options"]
