"""The page of every rule, made from the rule itself: what it says, why it holds, an example derivation, a source."""

from __future__ import annotations

from typing import Any

from ..steps.document import Display, document
from ..steps.model import Derivation, Step
from ..steps.options import Options
from ..steps.rules import RULES, Rule, rules_with_pages
from .document_markdown import to_markdown_document
from .prose import bare
from .stepmath import StepMath

STYLES = {"differential": "differentials", "index": "index notation", "graph": "the computation graph"}


def rule_pages() -> dict[str, str]:
    """`{file name: Markdown}` for all rules and the list of them."""
    pages = {f"{r.key}.md": rule_page(r) for r in rules_with_pages()}
    pages["index.md"] = _index()
    return pages


def rule_page(rule: Rule) -> str:
    """The Markdown of one page.

    Raises:
        ValueError: when the rule's example does not use the rule.
    """
    derivation, example = _example(rule)
    step = _step_of(rule.key, derivation)
    formula = rule.formula or _formula(step, derivation)
    blocks = [f"# {rule.title[0].upper()}{rule.title[1:]}", f"`{rule.key}`", bare(rule.says)]
    if formula:
        blocks.append(f"$$\n{formula}\n$$")
    blocks += ["## Why it holds", bare(rule.why), "## Example", example]
    blocks.append(f"In {STYLES[derivation.style]}; the step that uses the rule says: {bare(step.reason)}")
    blocks += [_shown(derivation), "## Source", f"{rule.source[0].upper()}{rule.source[1:]}."]
    return "\n\n".join(blocks) + "\n"


def _example(rule: Rule) -> tuple[Derivation, str]:
    from ..api import derive

    answer: Any = derive(
        rule.example, rule.wrt, order=rule.order, vars=dict(rule.vars), symmetric=rule.symmetric, layout="numerator"
    )
    declared = "\n".join(f"{name}: {sizes}" for name, sizes in rule.vars.items())
    asked = f"# wrt {rule.wrt}" + (f", order {rule.order}" if rule.order > 1 else "")
    text = "\n".join([*([declared] if declared else []), f"{rule.example}  {asked}"])
    return answer.derivation(rule.style, rule.detail), f"```\n{text}\n```"


def _step_of(key: str, d: Derivation) -> Step:
    stack = list(d.steps)[::-1]
    while stack:
        step = stack.pop()
        if step.rule == key:
            return step
        stack.extend(reversed(step.children))
    raise ValueError(f"the example of the rule {key} does not use it")


def _formula(step: Step, d: Derivation) -> str:
    """`d σ(u) = σ(u)(1 − σ(u)) ⊙ du`: what the step replaced, and by what."""
    if not step.changed or not step.new:
        return ""
    math = StepMath(d.symbols, Options(), "latex", d.vars)
    formula = f"{math.text(step.changed[0])} = {math.text(step.new[0])}"
    symbol = d.symbols.get(step.changed[0])  # type: ignore[call-overload]
    name = next((n for s in d.sections for n in s.names if symbol is not None and n.var is symbol.label), None)
    return formula if name is None else rf"{formula}, \qquad {math.text(name.var)} = {math.text(name.of)}"


def _shown(d: Derivation) -> str:
    """The displays of the derivation, without its title and its remarks."""
    doc = document(d, Options(reasons=False))
    blocks = tuple(b for b in doc.blocks if isinstance(b, Display))
    text = to_markdown_document(type(doc)(doc.title, blocks, d, doc.options))
    return text.partition("\n\n")[2].strip()


def _index() -> str:
    lines = ["# Rules", "Every step of a derivation names one of these rules. The pages are made from the rules themselves."]
    general = [r for r in rules_with_pages() if r.key in RULES]
    special = [r for r in rules_with_pages() if r.key not in RULES]
    for title, rules in (("General rules", general), ("Derivatives of operations", special)):
        lines.append(f"## {title}")
        lines.append("\n".join(f"- [{r.title}]({r.key}.md): {bare(r.says)}" for r in rules))
    return "\n\n".join(lines) + "\n"


__all__ = ["rule_page", "rule_pages"]
