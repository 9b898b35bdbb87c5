"""Results that can tell how they were found: `.steps`, `.derivation(...)`, `.latex(steps=True)`, `.html(...)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import DerivativeError

if TYPE_CHECKING:
    from .result import Derivative
    from .steps.model import Derivation, Step


class Explained:
    """What `Derivative` and `Derivatives` share about derivations; they say what `_answers` are."""

    def _answers(self) -> Sequence[Derivative]:
        raise NotImplementedError

    def derivation(self, style: str = "differential", detail: str = "normal") -> Derivation:
        """The derivation as data: the trace of the engine in one of three styles.

        Args:
            style: "differential" (`dL = …`), "index" (`∂L/∂w_j = …`) or "graph" (upstream × local).
            detail: "brief", "normal" or "full".

        Raises:
            InputError: SD105 for a style or a level that does not exist.
            DerivativeError: SD306 for a product (jvp, vjp, hvp), whose steps are those of its derivative.
        """
        known: dict[tuple[str, str], Derivation] = self.__dict__.setdefault("_derivations", {})
        found = known.get((style, detail))
        if found is None:
            found = known[style, detail] = derivation_of(self._answers(), style, detail)
        return found

    @property
    def steps(self) -> list[Step]:
        """The steps of the derivation in differentials; `derivation(style, detail).steps` for others."""
        return list(self.derivation().steps)

    def write_steps(self, format: str = "text", *, style: str = "differential", detail: str = "normal", **options: Any) -> str:
        """The derivation as text, LaTeX, Markdown, HTML or JSON.

        Args:
            format: "text", "latex", "markdown", "html" or "json".
            style, detail: as in `derivation`.
            options: `standalone` (an article, a page), `width` (of plain text), and those of `symderiv.steps.options.Options`.
        """
        from .steps.options import Options
        from .write.derivation import render

        standalone = bool(options.pop("standalone", format == "html"))
        width = int(options.pop("width", None) or 100)
        if standalone and format in ("latex", "html"):
            options.setdefault("highlight", True)
        chosen = Options.of(options.pop("options", None), options)
        return render(self.derivation(style, detail), format, chosen, standalone, width)

    def html(self, steps: bool = False, **options: Any) -> str:
        """HTML with MathML: the formula, or with `steps=True` the derivation as a page that needs no script and no network."""
        if steps:
            return self.write_steps("html", **options)
        from .write.mathml import to_mathml
        from .write.report import latex_formula

        lines = [line for d in self._answers() for line in latex_formula(d, **options).lines]
        return "\n".join(to_mathml(rf"\displaystyle {label} = {text}", True) for label, text in lines)


def derivation_of(answers: Sequence[Derivative], style: str, detail: str) -> Derivation:
    """The derivation of one answer, or of several that come from one sweep."""
    from .steps.build import Request, derivation

    first = answers[0]
    if any(a.kind != "derivative" for a in answers):
        raise DerivativeError(
            f"a {first.kind} has no derivation of its own",
            code="SD306",
            hint="derive(...) gives the steps of the derivative it multiplies",
        )
    problem = first.problem
    targets = first.chain if len(answers) == 1 else tuple(a.chain[0] for a in answers)
    last = {a.chain[-1].name: a.expr for a in answers}
    request = Request(
        problem.expr, dict(problem.vars), targets, last, dict(problem.definitions), first.order, problem.name, first.layout,
        first.symmetric, tuple(dict.fromkeys(n for a in answers for n in a.notes)), tuple(first.kinks),
        tuple(first.kinked), problem.source,
    )  # fmt: skip
    return derivation(request, style, detail)


__all__ = ["Explained", "derivation_of"]
