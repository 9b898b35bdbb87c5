"""Levels of detail: at "brief", what a reader does in the head is merged into the step before it."""

from __future__ import annotations

from dataclasses import replace

from .model import Section, Step

IN_THE_HEAD = frozenset(
    (
        "linear",
        "affine",
        "transpose",
        "sum",
        "constant",
        "product",
        "collect",
        "pull_sum",
        "distribute",
        "kronecker",
        "simplify",
        "seed",
    )
)


def brief(section: Section) -> Section:
    """The section with linear algebra done in the head: nonlinear rules, readings and answers are left."""
    out: list[Step] = []
    for step in section.steps:
        last = out[-1] if out else None
        same_chain = last is not None and not step.opens and last.subject is step.subject
        if same_chain and (step.rule in IN_THE_HEAD or last.rule in IN_THE_HEAD or _last_of_chain(last, step)):  # type: ignore[union-attr,arg-type]
            out[-1] = _merged(last, step)  # type: ignore[arg-type]
        else:
            out.append(step)
    return replace(section, steps=tuple(s for s in out if s.rule != "seed" or len(out) == 1))


def _last_of_chain(last: Step, step: Step) -> bool:
    """Names put back right after a reading: one step."""
    return step.rule in ("substitute", "upstream_value") and last.rule in (
        "upstream",
        "paths",
        "reassemble",
        "read_gradient",
        "read_jacobian",
        "sift",
    )


def _merged(a: Step, b: Step) -> Step:
    """Two consecutive steps as one, told by the weightier rule."""
    lead = a if b.rule in IN_THE_HEAD or b.rule in ("substitute", "upstream_value") else b
    return replace(
        lead, before=a.before, after=b.after, changed=a.changed, new=b.new, opens=a.opens, free=a.free,
        reason=a.reason if a.reason == b.reason else f"{lead.reason}", weight="key",
    )  # fmt: skip


__all__ = ["IN_THE_HEAD", "brief"]
