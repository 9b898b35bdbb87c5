"""Reports as text, JSON, SARIF 2.1.0 and GitHub annotations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .findings import Finding, Report
from .rules import RULES

FORMATS = ("text", "json", "sarif", "github")
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def render(reports: Sequence[Report], format_: str = "text", verbose: bool = False) -> str:
    """The reports in one of the formats."""
    return {"json": as_json, "sarif": sarif, "github": github}[format_](reports) if format_ != "text" else text(reports, verbose)


# text ------------------------------------------------------------------------------------------------------------------------
def text(reports: Sequence[Report], verbose: bool = False) -> str:
    """One block a finding, then what was checked, skipped (why) and wrong."""
    lines: list[str] = []
    for r in reports:
        for t in r.troubles:
            lines.append(f"{t.place}: not read: {t.reason}")
        for f in r.findings:
            lines += finding_lines(f)
        if verbose:
            lines += [
                f"{x.place}: skipped: {x.reason}{f' ({x.code})' if x.code else ''}" for x in r.relations if x.status == "skipped"
            ]
            lines += [f"{x.place}: in prose, not checked: {x.reason}" for x in r.relations if x.status == "aside" and x.reason]
            lines += [f"{x.place}: {x.status} if {'; '.join(x.assuming)}" for x in r.relations if x.assuming]
            lines += [f"{r.name}: {m}" for m in r.meanings]
    return "\n".join([*lines, *summary(reports, verbose)])


def finding_lines(f: Finding) -> list[str]:
    """The place, the code and the message; carets; the fix; a point where it fails."""
    out = [f"{f.place}: {f.code} {f.kind}: {f.message}", f.caret]
    out += [f"  fix      {f.fix}"] if f.fix else []
    out += [f"  example  {f.counterexample}"] if f.counterexample else []
    out += [f"  note     {n}" for n in f.notes]
    return [*out, ""]


def summary(reports: Sequence[Report], verbose: bool = False) -> list[str]:
    """`31 relations checked: 30 right, 1 wrong; 2 skipped; 9 definitions`, what was assumed, and why relations were skipped."""
    checked, wrong = sum(r.checked for r in reports), sum(r.wrong for r in reports)
    skipped, defined = sum(r.skipped for r in reports), sum(r.defined for r in reports)
    ignored = sum(len(r.ignored) for r in reports)
    assumed = Counter(a for r in reports for x in r.relations for a in x.assuming)
    under = sum(x.status == "right" and bool(x.assuming) for r in reports for x in r.relations)
    line = f"{_count(checked, 'relation')} checked: {checked - wrong} right{f' ({under} under assumptions)' if under else ''}, {wrong} wrong"
    line += f"; {skipped} skipped; {_count(defined, 'definition')}" + (f"; {ignored} ignored" if ignored else "")
    out = [line, *(f"  assumed {n}: {what}" for what, n in assumed.most_common(None if verbose else 5))]
    reasons: Counter[str] = Counter()
    for r in reports:
        reasons.update(dict(r.reasons))
    out += [f"  skipped {n}: {why}" for why, n in reasons.most_common(None if verbose else 5)]
    if len(reasons) > 5 and not verbose:
        out.append(f"  and {len(reasons) - 5} more reasons; --verbose tells all of them with their places")
    return out


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


# data ------------------------------------------------------------------------------------------------------------------------
def as_json(reports: Sequence[Report]) -> str:
    """Everything, for programs."""
    data = {
        "checked": sum(r.checked for r in reports), "skipped": sum(r.skipped for r in reports), "wrong": sum(r.wrong for r in reports),
        "documents": [r.to_data() for r in reports],
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False, indent=2)


def sarif(reports: Sequence[Report]) -> str:
    """SARIF 2.1.0, as code hosts show it."""
    from .. import __version__

    rules = [
        {
            "id": r.code, "name": r.kind, "shortDescription": {"text": r.title}, "fullDescription": {"text": r.why},
            "help": {"text": r.page(), "markdown": r.page()}, "defaultConfiguration": {"level": "error"},
        }
        for r in RULES.values()
    ]  # fmt: skip
    index = {code: k for k, code in enumerate(RULES)}
    results = [_sarif_result(f, index) for r in reports for f in r.findings]
    driver = {"name": "symderiv", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _sarif_result(f: Finding, index: dict[str, int]) -> dict[str, Any]:
    region = {"startLine": f.place.line, "startColumn": f.place.column, "endLine": f.end.line, "endColumn": f.end.column}
    artifact = {"uri": f.place.file.replace("\\", "/")}
    message = f.message + (f" Example: {f.counterexample}." if f.counterexample else "")
    out: dict[str, Any] = {
        "ruleId": f.code, "ruleIndex": index[f.code], "level": "error", "message": {"text": message},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }  # fmt: skip
    if f.fix and not f.place.cell:
        change = {"artifactLocation": artifact, "replacements": [{"deletedRegion": region, "insertedContent": {"text": f.fix}}]}
        out["fixes"] = [{"description": {"text": "the corrected side"}, "artifactChanges": [change]}]
    return out


def github(reports: Sequence[Report]) -> str:
    """Workflow commands that become annotations of a pull request."""
    lines = []
    for r in reports:
        for f in r.findings:
            message = (
                f.message
                + (f"\nRight: {f.fix}" if f.fix else "")
                + (f"\nExample: {f.counterexample}" if f.counterexample else "")
            )
            where = f"file={_property(f.place.file)},line={f.place.line},endLine={f.end.line},col={f.place.column},endColumn={f.end.column}"
            lines.append(f"::error {where},title={_property(f'{f.code} {f.kind}')}::{_data(message)}")
        lines += [
            f"::warning file={_property(t.place.file)},line={t.place.line}::{_data('not read: ' + t.reason)}" for t in r.troubles
        ]
    return "\n".join([*lines, *(_data(s) for s in summary(reports))])


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


__all__ = ["FORMATS", "render", "text"]
