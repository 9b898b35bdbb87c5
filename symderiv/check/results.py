"""Outcomes as relations of a report, and what is told of all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .findings import Finding, Relation, Report
from .judge import Outcome
from .paper import Paper
from .reading import Reading
from .relations import Chain
from .rules import code_of
from .silence import Silence
from .spelling import spelled


def relation_of(paper: Paper, chain: Chain, side: int, o: Outcome, reading: Reading | None = None) -> tuple[Relation, str]:
    """The relation that stands left of a side, with its vote on layouts."""
    items = chain.sides[side] if side < len(chain.sides) else []
    start = items[0].start if items else chain.start
    stop = items[-1].stop if items else chain.stop
    place, end = paper.place(start), paper.place(stop)
    finding = None
    if o.status == "wrong":
        fix = spelled(o.fixed, reading, paper.text) if o.fixed is not None and reading is not None else ""
        finding = Finding(
            place, code_of(o.kind), o.message, end, fix, o.kind if code_of(o.kind) != "SD613" else "wrong", o.counterexample,
            paper.caret(start, stop), tuple(n for n in (*o.notes, o.how and f"decided by {o.how}") if n), start, stop,
        )  # fmt: skip
    return Relation(place, end, o.status, o.what, o.reason, o.code, o.how, start, stop, finding, o.assuming), o.vote


def tell_mixed_layouts(report: Report, votes: Sequence[tuple[str, Relation]], paper: Paper) -> None:
    """Jacobians in two layouts: those of the layout that is used less are told."""
    ours = [r for v, r in votes if v == "numerator"]
    theirs = [r for v, r in votes if v == "denominator"]
    if not ours or not theirs:
        return
    rare, layout, other = (theirs, "denominator", "numerator") if len(theirs) <= len(ours) else (ours, "numerator", "denominator")
    count = len(votes) - len(rare)
    message = f"This derivative is in {layout} layout; {count} other{'s are' if count > 1 else ' is'} in {other} layout."
    for r in rare:
        finding = Finding(
            r.place, code_of("layout"), message, r.end, "", "layout", "", paper.caret(r.start, r.stop), (), r.start, r.stop
        )
        report.relations[report.relations.index(r)] = replace(r, status="wrong", finding=finding)


def collect_findings(report: Report, silence: Silence) -> None:
    """The relations in order, the findings among them, and those that the author ignores."""
    report.relations.sort(key=lambda r: r.start)
    kept = []
    for r in report.relations:
        if r.finding is not None and silence.ignores(r.finding):
            report.ignored.append(r.finding)
            kept.append(replace(r, status="skipped", reason="the author ignores it", finding=None))
            continue
        kept.append(r)
        if r.finding is not None:
            report.findings.append(r.finding)
    report.relations = kept


__all__ = ["collect_findings", "relation_of", "tell_mixed_layouts"]
