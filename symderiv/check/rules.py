"""The codes of findings, each with what it says, why it matters, and an example. `symderiv check --explain SD602`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A code.

    Attributes:
        code, kind: `SD602` and the name `factor`, which may be used in its place.
        title: one line.
        why: how the mistake comes about.
        wrong, right: an example in LaTeX, with declarations.
        vars: declarations of the example.
    """

    code: str
    kind: str
    title: str
    why: str
    wrong: str
    right: str
    vars: str = "X: n,d; w: d; y: n"

    def page(self) -> str:
        """The page of the code, in Markdown."""
        return "\n".join([
            f"# {self.code} {self.kind}", "", self.title, "", "## Why", "", self.why, "", "## Example", "",
            f"With `{self.vars}`:", "", "```latex", self.wrong, "```", "", "Right:", "", "```latex", self.right, "```", "",
            "## Silence it", "", f"`% symderiv: ignore {self.code}` at the end of the line or on the line above it, "
            f"`% symderiv: ignore-file {self.code}` for a whole document, `ignore = [\"{self.code}\"]` in `symderiv.toml` or under "
            "`[tool.symderiv.check]` in `pyproject.toml`.", "",
        ])  # fmt: skip


_LOSS = r"L = \|X w - y\|^2"
_GRADIENT = r"\nabla_w L = "
RULES = {
    r.code: r
    for r in (
        Rule(
            "SD601", "sign", "A side is minus what it should be.",
            "A minus sign is lost when the inner derivative of `-x` or of an inverse is taken.",
            rf"\[ {_LOSS}, \qquad {_GRADIENT}-2 X^\top (X w - y) \]", rf"\[ {_LOSS}, \qquad {_GRADIENT}2 X^\top (X w - y) \]",
        ),
        Rule(
            "SD602", "factor", "A side is off by a number.",
            "The exponent of a square is forgotten when it comes down, or a ½ that should cancel it is not there.",
            rf"\[ {_LOSS}, \qquad {_GRADIENT}X^\top (X w - y) \]", rf"\[ {_LOSS}, \qquad {_GRADIENT}2 X^\top (X w - y) \]",
        ),
        Rule(
            "SD603", "transpose", "A transpose is missing or too much.",
            "The differential of a product is transposed when the gradient is read off.",
            r"\[ L = \log\det A, \qquad \nabla_A L = A^{-1} \]", r"\[ L = \log\det A, \qquad \nabla_A L = A^{-\top} \]", "A: n,n",
        ),
        Rule(
            "SD604", "layout", "A derivative of an array by an array is in another layout than the rest of the document.",
            "Numerator layout has the axes of what is differentiated first, denominator layout those of the variable. Mixing both "
            "makes chain rules wrong. `% symderiv: layout numerator` says which one is meant.",
            r"% symderiv: layout numerator" "\n" r"\[ r = X w, \qquad \frac{\partial r}{\partial w} = X^\top \]",
            r"% symderiv: layout numerator" "\n" r"\[ r = X w, \qquad \frac{\partial r}{\partial w} = X \]", "X: n,d; w: d",
        ),
        Rule(
            "SD605", "missing_term", "A term is missing.", "One of the terms of a sum, or one of the factors that depend on the variable, "
            "was forgotten.",
            r"\[ f = x^\top A x, \qquad \nabla_x f = A x \]", r"\[ f = x^\top A x, \qquad \nabla_x f = A x + A^\top x \]", "A: n,n; x: n",
        ),
        Rule(
            "SD606", "extra_term", "There is a term too many.", "A constant was differentiated to itself, or a term was counted twice.",
            r"\[ f = x^\top x + c^\top c, \qquad \nabla_x f = 2 x + 2 c \]", r"\[ f = x^\top x + c^\top c, \qquad \nabla_x f = 2 x \]",
            "x: n; c: n",
        ),
        Rule(
            "SD607", "missing_factor", "A factor is missing.", "The inner derivative of the chain rule was forgotten, or a weight of a penalty.",
            r"\[ f = \lambda x^\top x, \qquad \nabla_x f = 2 x \]", r"\[ f = \lambda x^\top x, \qquad \nabla_x f = 2 \lambda x \]",
            r"x: n; \lambda: scalar",
        ),
        Rule(
            "SD608", "extra_factor", "There is a factor too much.", "A factor was kept that belongs to another term, or the chain rule was used twice.",
            r"\[ f = \lambda a^\top x + x^\top x, \qquad \nabla_x f = \lambda a + 2 \lambda x \]",
            r"\[ f = \lambda a^\top x + x^\top x, \qquad \nabla_x f = \lambda a + 2 x \]", r"x: n; a: n; \lambda: scalar",
        ),
        Rule(
            "SD609", "mean_or_sum", "A mean stands where a sum belongs, or a sum where a mean belongs.",
            "The 1/n of an average is lost between the loss and its derivative.",
            rf"\[ L = \frac{{1}}{{n}} \|X w - y\|^2, \qquad {_GRADIENT}2 X^\top (X w - y) \]",
            rf"\[ L = \frac{{1}}{{n}} \|X w - y\|^2, \qquad {_GRADIENT}\frac{{2}}{{n}} X^\top (X w - y) \]",
        ),
        Rule(
            "SD610", "index", "An index is wrong.", "A bound index and a free one, or two free ones, were exchanged.",
            r"\[ y_i = \sum_j A_{ij} x_j^2, \qquad \frac{\partial y_i}{\partial x_k} = 2 A_{ik} x_i \]",
            r"\[ y_i = \sum_j A_{ij} x_j^2, \qquad \frac{\partial y_i}{\partial x_k} = 2 A_{ik} x_k \]", "A: n,n; x: n",
        ),
        Rule(
            "SD611", "shape", "Sizes or kinds do not fit: a product that cannot be formed, a column set equal to a row or a scalar.",
            "A factor stands on the wrong side, or a transpose is missing. Where values cannot be had, shapes still tell.",
            rf"\[ {_LOSS}, \qquad {_GRADIENT}2 X (X w - y) \]", rf"\[ {_LOSS}, \qquad {_GRADIENT}2 X^\top (X w - y) \]",
        ),
        Rule(
            "SD612", "needs_symmetric", "It holds for a symmetric matrix only, which is not declared.",
            "`2 A x` is the gradient of `xᵀ A x` only where A is symmetric. If it is, say so: `% symderiv: A: n,n symmetric`.",
            r"\[ f = x^\top A x, \qquad \nabla_x f = 2 A x \]", r"\[ f = x^\top A x, \qquad \nabla_x f = (A + A^\top) x \]", "A: n,n; x: n",
        ),
        Rule(
            "SD613", "wrong", "A side is not equal to the one before it, in no way that has a name.",
            "The counterexample is a point at which the two sides have different values.",
            r"\[ \exp(x^\top x) = \log(1 + x^\top x) + x^\top x \]", r"\[ \log \exp(x^\top x) = x^\top x \]", "x: n",
        ),
        Rule(
            "SD614", "consequence", "What is concluded does not solve the equation that was posed.",
            "A side was divided by something, or a factor was lost, between `= 0` and the solution.",
            rf"\[ {_LOSS}, \qquad \nabla_w L = 2 X^\top (X w - y) = 0 \Rightarrow w = 2 (X^\top X)^{{-1}} X^\top y \]",
            rf"\[ {_LOSS}, \qquad \nabla_w L = 2 X^\top (X w - y) = 0 \Rightarrow w = (X^\top X)^{{-1}} X^\top y \]",
        ),
        Rule(
            "SD615", "inequality", "An inequality fails.", "One point at which it fails refutes it.",
            r"\[ x^\top x \leq (x^\top x)^2 \]", r"\[ x^\top x \leq x^\top x + 1 \]", "x: n",
        ),
        Rule(
            "SD616", "declared_shape", "A definition has another shape than the document declares.", "Declaration and definition contradict each other.",
            r"\[ r \in \mathbb{R}^{d}, \qquad r = X w - y \]", r"\[ r \in \mathbb{R}^{n}, \qquad r = X w - y \]",
        ),
        Rule(
            "SD617", "update", "An update rule is not a step of gradient descent on the loss of the document.",
            "The sign is wrong, or the direction is not the gradient. A rule of another kind (momentum, projection) is not judged.",
            rf"\[ {_LOSS}, \qquad {_GRADIENT}2 X^\top (X w - y), \qquad w \leftarrow w + \alpha X^\top (X w - y) \]",
            rf"\[ {_LOSS}, \qquad {_GRADIENT}2 X^\top (X w - y), \qquad w \leftarrow w - \alpha X^\top (X w - y) \]",
            r"X: n,d; w: d; y: n; \alpha: scalar positive",
        ),
        Rule(
            "SD618", "chain_rule", "The factors of a chain rule do not fit together.",
            "In `∂L/∂y · ∂y/∂z · ∂z/∂w` each variable must be the numerator of the next factor, in one order or in the other.",
            r"\[ z = a x, \qquad y = z^2, \qquad \frac{\partial y}{\partial x} = \frac{\partial y}{\partial z} \frac{\partial y}{\partial x} \]",
            r"\[ z = a x, \qquad y = z^2, \qquad \frac{\partial y}{\partial x} = \frac{\partial y}{\partial z} \frac{\partial z}{\partial x} \]",
            "a: scalar; x: scalar",
        ),
        Rule(
            "SD619", "half_derivative", "A derivative has its sign on one side of the line only.",
            "`∂` or `d` is lost above or below the line; what stands there is then no derivative and no quotient.",
            r"\[ f = x^\top x, \qquad \frac{\partial f}{x} = 2 x \]", r"\[ f = x^\top x, \qquad \frac{\partial f}{\partial x} = 2 x \]", "x: n",
        ),
    )
}  # fmt: skip
CODE_OF = {r.kind: r.code for r in RULES.values()}


def code_of(kind: str) -> str:
    """The code of a kind."""
    return CODE_OF.get(kind, CODE_OF["wrong"])


def explain(code: str) -> str:
    """The page of a code or a kind.

    Raises:
        InputError: SD162 for one that does not exist.
    """
    rule = RULES.get(code.strip().upper()) or RULES.get(CODE_OF.get(code.strip().lower(), ""))
    if rule is None:
        from ..errors import InputError

        raise InputError(f"there is no code {code[:40]!r} of findings", code="SD162", hint="the codes are " + ", ".join(RULES))
    return rule.page()


__all__ = ["CODE_OF", "RULES", "Rule", "code_of", "explain"]
