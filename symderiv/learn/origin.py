"""Where the losses come from: likelihoods and divergences, line by line, as derivations.

    print(sd.models["softmax"].origin())     from ∏ P(Y = y_i | x_i) to the cross-entropy

Every line is text in the input language, so both sides of every step are evaluated and compared (`symderiv.verify.steps`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ..errors import InputError
from ..expr.nodes import Var
from ..steps.model import Derivation, Section, Step, Symbol


@dataclass(frozen=True)
class Line:
    """What the loss becomes, by which rule, and why."""

    text: str
    rule: str
    reason: str


@dataclass(frozen=True)
class Story:
    """A loss from its beginning.

    Attributes:
        title: of the document.
        opening: what is assumed.
        declared: variables.
        names: intermediate values by name.
        begin: the loss as it is defined.
        lines: what it becomes.
        end: a closing remark.
    """

    title: str
    opening: str
    declared: Mapping[str, str]
    begin: str
    lines: tuple[Line, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    end: str = ""


_ONE = "The samples are independent, so the likelihood is a product; its negative logarithm is minimised instead, per sample"
STORIES = {
    "softmax": Story(
        "The cross-entropy, from maximum likelihood",
        f"`P_ij` is the probability `P(Y = j | x_i)` that the model gives to class `j`. {_ONE}.",
        {"S": "n,k", "y": "n integer", "P": "n,k"}, "-log(prod(P[i, y[i]] for i in range(n)))/n",
        (
            Line("-sum(log(P[i, y[i]]) for i in range(n))/n", "log_product", "The logarithm of a product is the sum of the logarithms."),
            Line("-sum(log(exp(S[i, y[i]])/sum(exp(S[i, j]) for j in range(k))) for i in range(n))/n", "definition",
                 "The probabilities are the softmax of the scores."),
            Line("sum(log(sum(exp(S[i, j]) for j in range(k))) - S[i, y[i]] for i in range(n))/n", "log_quotient",
                 "The logarithm of a quotient is a difference, and log and exp cancel."),
            Line("cross_entropy(S, y)", "named_loss", "This is the mean of `L_i = -log P(Y = y_i | x_i)`: the cross-entropy."),
        ),
        {"P": "softmax(S, axis=1)"}, "`-log` is decreasing: the most likely parameters are those with the smallest loss.",
    ),
    "kl": Story(
        "The cross-entropy, from the Kullback-Leibler divergence",
        "The divergence of the model's probabilities `p` from the true ones `q`, which a label makes one-hot.",
        {"s": "k", "q": "k onehot", "p": "k"}, "kl(q, p)",
        (
            Line("sum(xlogy(q, q)) - sum(q*log(p))", "log_quotient", "By its definition, with the logarithm of the quotient as a difference."),
            Line("-sum(q*log(p))", "entropy", "The first sum, the entropy of the truth with a minus, does not depend on the scores, and is 0 for "
                 "a label: `1 log 1 = 0 log 0 = 0`."),
            Line("-sum(q*log_softmax(s))", "definition", "The probabilities are the softmax of the scores."),
            Line("cross_entropy(s, q)", "named_loss", "Only the true class counts: `-log p_y`."),
        ),
        {"p": "softmax(s)"}, "Maximum likelihood and the smallest divergence from the labels are the same.",
    ),
    "logistic": Story(
        "The logistic loss, from maximum likelihood",
        f"The model gives the probability `p_i = σ(s_i)` to the label 1. {_ONE}.",
        {"s": "n", "y": "n nonnegative", "p": "n"}, "-log(prod(p[i]**y[i]*(1 - p[i])**(1 - y[i]) for i in range(n)))/n",
        (
            Line("-sum(y[i]*log(p[i]) + (1 - y[i])*log(1 - p[i]) for i in range(n))/n", "log_product",
                 "The logarithm of a product is the sum of the logarithms, and exponents come down."),
            Line("sum(y[i]*softplus(-s[i]) + (1 - y[i])*softplus(s[i]) for i in range(n))/n", "definition",
                 "`-log σ(s) = log(1 + exp(-s))`, which is softplus of `-s`, and `1 - σ(s) = σ(-s)`."),
            Line("sum(softplus(s[i]) - y[i]*s[i] for i in range(n))/n", "collect", "softplus(-s) is softplus(s) minus s."),
            Line("mean(softplus(s) - y*s)", "named_loss", "The form that does not overflow."),
        ),
        {"p": "sigmoid(s)"},
    ),
    "linear": Story(
        "The squared error, from maximum likelihood",
        f"The targets are the predictions `s_i` with normal noise of variance 1. {_ONE}.",
        {"s": "n", "y": "n"}, "-log(prod(exp(-(y[i] - s[i])**2/2)/sqrt(2*pi) for i in range(n)))/n",
        (
            Line("sum((y[i] - s[i])**2/2 + log(2*pi)/2 for i in range(n))/n", "log_product",
                 "The logarithm of a product is the sum of the logarithms, and log and exp cancel."),
            Line("mean((y - s)**2)/2 + log(2*pi)/2", "named_loss", "Half of the mean squared error, and a constant."),
        ), end="Constants and positive factors do not move the minimum.",
    ),
    "absolute": Story(
        "The absolute error, from maximum likelihood",
        f"The targets are the predictions `s_i` with noise of density `exp(-|t|)/2` (Laplace). {_ONE}.",
        {"s": "n", "y": "n"}, "-log(prod(exp(-abs(y[i] - s[i]))/2 for i in range(n)))/n",
        (
            Line("sum(abs(y[i] - s[i]) + log(2) for i in range(n))/n", "log_product",
                 "The logarithm of a product is the sum of the logarithms, and log and exp cancel."),
            Line("mean(abs(y - s)) + log(2)", "named_loss", "The mean absolute error, and a constant."),
        ), end="Constants do not move the minimum.",
    ),
}  # fmt: skip
ALSO = {"likelihood": "softmax", "perceptron": "softmax"}


@dataclass(frozen=True)
class Origin:
    """A loss from its beginning, as a derivation."""

    story: Story
    derivation: Derivation

    def write(self, format: str = "text", standalone: bool = False, width: int = 100, **options: Any) -> str:
        """As text, LaTeX, Markdown, HTML or JSON; `standalone`: an article, a page.

        Raises:
            InputError: SD105 for a format or an option that does not exist.
        """
        return write_told(self.derivation, self.story.title, (self.story.opening,), format, standalone, width, **options)

    def __str__(self) -> str:
        return self.write()


def write_told(
    d: Derivation, title: str, opening: tuple[Any, ...], format: str, standalone: bool, width: int, **options: Any
) -> str:
    """A derivation with an opening of its own."""
    from ..steps.document import Paragraph, document
    from ..steps.options import Options
    from ..write.derivation import FORMATS, render, write_document

    chosen = Options.of(None, {"title": title, "reasons": True, **options})
    if format not in FORMATS or format == "json":
        return render(d, format, chosen)
    made = document(d, chosen)
    return write_document(replace(made, blocks=(Paragraph(opening), *made.blocks[1:])), format, standalone, width)


@lru_cache(maxsize=32)
def origin(name: str) -> Origin:
    """How the loss of a model comes about.

    Raises:
        InputError: SD150 for a model whose loss is not derived from anything here.
    """
    key = ALSO.get(name.partition("-")[0], name)
    if key not in STORIES:
        hint = "there are " + ", ".join(STORIES)
        raise InputError(f"there is no derivation of the loss of {name!r} from anything else", code="SD150", hint=hint)
    from ..read.problem import parse

    story = STORIES[key]
    begin = parse(story.begin, dict(story.declared))
    variables = dict(begin.vars)
    symbols = {}
    for short, text in story.names.items():
        var = variables.pop(short)
        symbols[var] = Symbol(var, "name", parse(text, {n: s for n, s in story.declared.items() if n != short}).expr, var)
    steps: list[Step] = []
    before = begin.expr
    function = Var("L", ())
    for line in story.lines:
        after = parse(line.text, dict(story.declared)).expr
        steps.append(Step(line.rule, line.reason, before, after, subject=function, opens=not steps))
        before = after
    for short in story.declared:
        if short not in story.names:
            variables.setdefault(short, parse(short, dict(story.declared)).vars[short])
    section = Section("", function, begin.expr, names=tuple(symbols.values()), steps=tuple(steps))
    notes = (story.end,) if story.end else ()
    return Origin(story, Derivation("index", "normal", (section,), symbols, variables, {}, notes=notes, source=story.begin))


__all__ = ["STORIES", "Origin", "origin", "write_told"]
