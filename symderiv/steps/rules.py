"""The rules that steps name: what each says, why it holds, an example, a source. The pages in docs/rules are made from here.

A rule on one operation (`sigmoid`, `logdet`, …) is made from the operation's declaration; the general ones stand in `RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ..errors import DerivativeError
from ..expr.op import OPS, Op
from .whys import WHYS

MAGNUS = "Magnus and Neudecker, Matrix Differential Calculus, 3rd ed. 2019, "
COOKBOOK = "Petersen and Pedersen, The Matrix Cookbook, 2012, "
GOODFELLOW = "Goodfellow, Bengio and Courville, Deep Learning, 2016, "


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        key: what `Step.rule` holds.
        title: the name that a reader says, in lower case.
        formula: LaTeX of what it says; "" for rules on operations (their page computes it).
        says: the same in a sentence.
        why: why it holds, in a few sentences.
        source: where it can be looked up.
        example: a problem whose derivation uses it, in the input language.
        wrt: the variable of the example.
        style: the style of the example's derivation.
        vars: declarations of the example.
        order: order of the example's derivative.
        symmetric: convention of the example.
    """

    key: str
    title: str
    formula: str
    says: str
    why: str
    source: str
    example: str
    wrt: str
    style: str = "differential"
    vars: Mapping[str, str] = field(default_factory=dict)
    order: int = 1
    symmetric: str = "plain"
    detail: str = "normal"


_REGRESSION = {"X": "n,d", "w": "d", "y": "n"}
_SQUARES = "sum((X @ w - y)**2)"
_DEEP = "sum(tanh(tanh(tanh(tanh(tanh(tanh(tanh(X @ A + a) @ B) @ C) @ D) @ E) @ F) @ w - y)**2)"
_DEEP_VARS = {"X": "n,d", **dict.fromkeys("BCDEF", "h,h"), "A": "d,h", "a": "h", "w": "h", "y": "n"}
_CLASSIFIER = {"X": "n,d", "W": "d,k", "Y": "n,k onehot"}

_GENERAL = (
    Rule(
        "rewrite", "recognised form", r"\log\big(1 + e^{u}\big) = \operatorname{softplus}(u)",
        "Compositions that have a name of their own are written by it before anything is differentiated.",
        "Both forms are equal for all values, so they have the same derivative. The shorter one has a shorter derivative, and one "
        "that does not overflow where the longer one does.",
        "normal form of the engine; Boyd and Vandenberghe, Convex Optimization, 2004, p. 74, for log-sum-exp",
        "log(sum(exp(x)))", "x",
    ),
    Rule(
        "defined", "definition", r"\operatorname{KL}(q\,\|\,p) = \sum_i q_i\log\frac{q_i}{p_i}",
        "A function that is defined by simpler ones is replaced by its definition.",
        "It is what the name stands for.",
        "the declaration of the function", "kl(q, softmax(z))", "z", vars={"q": "n simplex", "z": "n"},
    ),
    Rule(
        "entries", "by entries", r"\lVert u\rVert^2 = \sum_i u_i^2",
        "The value is written out by the entries of vectors and matrices.",
        "Matrix products, traces and norms are defined by these sums.",
        "definition of the matrix product", _SQUARES, "w", style="index", vars=_REGRESSION,
    ),
    Rule(
        "sum", "sum rule", r"\mathrm d(u + v) = \mathrm du + \mathrm dv",
        "The differential of a sum is the sum of the differentials.",
        "The differential is the part of the change that is linear in the change of the variables, and linear maps add.",
        MAGNUS + "ch. 8, sec. 2", _SQUARES + " + lam*sum(w**2)", "w", vars=_REGRESSION,
    ),
    Rule(
        "terms", "term by term", r"\mathrm d\big(f(u) + g(v)\big) = f'(u)\,\mathrm du + g'(v)\,\mathrm dv",
        "Several terms are differentiated in one line, each by its own rule.",
        "The differentials of the terms do not depend on one another.",
        MAGNUS + "ch. 8, sec. 2", "sum(exp(x)) + norm(A @ x)", "x", vars={"A": "m,n"},
    ),
    Rule(
        "constant", "constants drop out", r"\mathrm d(u + c) = \mathrm du",
        "What does not depend on the variable does not change.",
        "Its difference between any two points is 0, so is the linear part of that difference.",
        MAGNUS + "ch. 8, sec. 2", "sum((y - sigmoid(X @ w))**2)", "w", vars=_REGRESSION, detail="full",
    ),
    Rule(
        "linear", "linear map", r"\mathrm d(A u) = A\,\mathrm du",
        "A linear map acts on the change of its argument.",
        "A(u + du) − A u = A du holds exactly, with nothing of higher order left over.",
        MAGNUS + "ch. 8, sec. 3", "trace(A @ X @ B)", "X", vars={"A": "m,n", "X": "n,d", "B": "d,m"},
    ),
    Rule(
        "affine", "affine map", r"\mathrm d(A u + b) = A\,\mathrm du",
        "Of an affine map only the linear part acts on the change; the constant part drops out.",
        "The sum rule splits the map into its parts, the constant part does not change, and the linear part acts on the change.",
        MAGNUS + "ch. 8, sec. 3", _SQUARES, "w", vars=_REGRESSION,
    ),
    Rule(
        "product", "product rule", r"\mathrm d(U V) = (\mathrm dU)\,V + U\,\mathrm dV",
        "The factors change one at a time, each in its place; the order of matrix factors is kept.",
        "(U + dU)(V + dV) − U V = dU V + U dV + dU dV, and the last term is of second order.",
        MAGNUS + "ch. 8, sec. 3", "x @ A @ x", "x", vars={"A": "n,n"},
    ),
    Rule(
        "quotient", "quotient rule", r"\mathrm d\frac{a}{b} = \frac{\mathrm da}{b} - \frac{a\,\mathrm db}{b^2}",
        "The differential of a quotient: the numerator's change over the denominator, minus the quotient times the relative change of "
        "the denominator.",
        "The product rule for a and 1/b, with d(1/b) = −db/b².",
        "any calculus text", "(x @ y)/(x @ x)", "x", vars={"y": "n"},
    ),
    Rule(
        "reciprocal", "reciprocal", r"\mathrm d\frac{1}{u} = -\frac{\mathrm du}{u^2}",
        "The reciprocal changes by minus the change over the square.",
        "1/(u + du) − 1/u = −du/(u(u + du)), whose linear part is −du/u².",
        "any calculus text", "sum(1/(1 + x))", "x", vars={"x": "n positive"}, detail="full",
    ),
    Rule(
        "power", "power rule", r"\mathrm d\,u^{k} = k\,u^{k-1}\,\mathrm du",
        "A power, entry by entry: the exponent comes down.",
        "For whole k by the product rule; for other exponents because uᵏ = exp(k log u) where u > 0.",
        "any calculus text", "(a @ x)**3", "x", vars={"a": "n", "x": "n"},
    ),
    Rule(
        "squared_norm", "squared norm", r"\mathrm d\,\lVert u\rVert^2 = 2\,u^\top \mathrm du, \qquad "
        r"\mathrm d\,\lVert U\rVert_F^2 = 2\operatorname{tr}(U^\top \mathrm dU)",
        "The squared norm changes by twice the inner product with the change.",
        "‖u‖² = uᵀu is a product of two equal factors; both change alike, and the two terms are equal.",
        MAGNUS + "ch. 9, sec. 10", _SQUARES, "w", vars=_REGRESSION,
    ),
    Rule(
        "norm", "norm", r"\mathrm d\,\lVert u\rVert = \frac{u^\top \mathrm du}{\lVert u\rVert}",
        "The norm changes by the component of the change along the vector; it is not differentiable at 0.",
        "‖u‖ = √(uᵀu), with the square root's derivative 1/(2‖u‖) and d(uᵀu) = 2uᵀdu.",
        COOKBOOK + "eq. 129", "norm(A @ x - b)", "x", vars={"A": "n,d", "b": "n"},
    ),
    Rule(
        "transpose", "moving factors across", r"a^\top(b\odot c) = (a\odot b)^\top c,\quad a^\top (M c) = (M^\top a)^\top c,\quad "
        r"\operatorname{tr}(A B C) = \operatorname{tr}(C A B)",
        "Factors are moved to the other side of the inner product until the differential stands alone.",
        "A scalar is its own transpose, the trace is invariant under cyclic shifts and under transposition, and an entrywise factor "
        "of one side of an inner product may as well stand on the other: all are sums of the same products.",
        MAGNUS + "ch. 1, sec. 10", "trace(A @ X @ B)", "X", vars={"A": "m,n", "X": "n,d", "B": "d,m"},
    ),
    Rule(
        "collect", "collecting terms", r"a^\top \mathrm dx + b^\top \mathrm dx = (a + b)^\top \mathrm dx",
        "Terms in the same differential are put together.",
        "The inner product is linear in each argument.",
        "distributive law", _SQUARES + " + lam*sum(w**2)", "w", vars=_REGRESSION,
    ),
    Rule(
        "distribute", "distributing sums", r"\sum_i a_i (b_i + c_i) = \sum_i a_i b_i + \sum_i a_i c_i",
        "Sums are multiplied out and taken apart.",
        "Finite sums may be rearranged.",
        "distributive law", "sum((y - exp(X @ w))*(X @ w))", "w", style="index", vars=_REGRESSION, detail="full",
    ),
    Rule(
        "read_gradient", "reading off the gradient", r"\mathrm dL = \operatorname{tr}(G^\top \mathrm dW)\ \Rightarrow\ "
        r"\frac{\partial L}{\partial W} = G",
        "The gradient is what multiplies the differential: dL = gᵀdx for a vector, dL = tr(Gᵀ dW) for a matrix.",
        "The differential is unique (first identification theorem), and tr(Gᵀ dW) is the sum of G_ij dW_ij over all entries.",
        MAGNUS + "ch. 9, sec. 3", _SQUARES, "w", vars=_REGRESSION,
    ),
    Rule(
        "read_jacobian", "reading off the Jacobian", r"\mathrm dy = J\,\mathrm dx\ \Rightarrow\ \frac{\partial y}{\partial x} = J",
        "The Jacobian is the matrix that takes the change of the variable to the change of the value.",
        "First identification theorem: the linear part of the change is unique.",
        MAGNUS + "ch. 5, sec. 7", "softmax(x)", "x",
    ),
    Rule(
        "substitute", "putting names back", r"u := Xw", "Intermediate values are replaced by what they stand for.",
        "A name is an abbreviation.", "definition", "sum((y - sigmoid(X @ w))**2)", "w", vars=_REGRESSION,
    ),
    Rule(
        "abbreviate", "a symbol for a long derivative", r"\frac{\partial L}{\partial Z} =: G", "A long derivative by an intermediate value is called by its symbol.",
        "It is computed once, and what follows multiplies it as a whole, as back-propagation does.",
        GOODFELLOW + "sec. 6.5", _DEEP, "A", vars=_DEEP_VARS,
    ),
    Rule(
        "simplify", "simplification", r"a b + a c = a (b + c)", "Like factors and terms are collected, and the shortest form is kept.",
        "Each rewriting is an identity of the algebra of arrays.", "normal form of the engine", "norm(A @ A)", "A", vars={"A": "n,n"},
    ),
    Rule(
        "properties", "declared properties", r"A = A^\top", "What was declared of a variable is used in the result.",
        "The derivative is taken with independent entries; afterwards the declared symmetry holds at the point where it is evaluated.",
        MAGNUS + "ch. 9, sec. 4", "logdet(A)", "A", vars={"A": "n,n symmetric"},
    ),
    Rule(
        "constrained", "symmetric variable", r"\frac{\partial L}{\partial A}\Big|_{\text{sym}} = G + G^\top - \operatorname{diag}(G)",
        "If the entries on both sides of the diagonal are one variable, both contribute.",
        "A_ij and A_ji move together: the chain rule adds G_ij and G_ji off the diagonal, and counts the diagonal once.",
        COOKBOOK + "eq. 138", "logdet(A)", "A", vars={"A": "n,n symmetric"}, symmetric="constrained",
    ),
    Rule(
        "pull_sum", "derivative under the sum", r"\frac{\partial}{\partial w_j}\sum_i f_i = \sum_i \frac{\partial f_i}{\partial w_j}",
        "The derivative is pulled through sums; factors that do not depend on the variable stand outside.",
        "Differentiation is linear and the sums are finite.",
        "any calculus text", _SQUARES, "w", style="index", vars=_REGRESSION,
    ),
    Rule(
        "kronecker", "derivative of an entry", r"\frac{\partial w_k}{\partial w_j} = \delta_{kj}",
        "An entry of the variable changes with itself at rate 1 and not at all with the others.",
        "The entries of the variable are independent.",
        "definition of the Kronecker delta", _SQUARES, "w", style="index", vars=_REGRESSION,
    ),
    Rule(
        "sift", "sifting by the delta", r"\sum_k a_k \delta_{kj} = a_j",
        "The delta sifts the sum: all terms with k ≠ j vanish, and the one with k = j is left.",
        "δ_kj is 0 for k ≠ j and 1 for k = j.",
        "definition of the Kronecker delta", _SQUARES, "w", style="index", vars=_REGRESSION,
    ),
    Rule(
        "reassemble", "back to matrices", r"\sum_i X_{ij} r_i = (X^\top r)_j",
        "Entries that hold for every free index are put together to a vector or a matrix.",
        "A sum over the first index of a matrix is a product with its transpose, over the second a product with the matrix itself.",
        "definition of the matrix product", _SQUARES, "w", style="index", vars=_REGRESSION,
    ),
    Rule(
        "seed", "start of the backward sweep", r"\frac{\partial L}{\partial L} = 1",
        "The sweep starts at the output, whose derivative by itself is 1.",
        "The identity map has slope 1.",
        GOODFELLOW + "sec. 6.5", _SQUARES, "w", style="graph", vars=_REGRESSION,
    ),
    Rule(
        "upstream", "upstream × local", r"\frac{\partial L}{\partial x} = \Big(\frac{\partial u}{\partial x}\Big)^{\!\top} "
        r"\frac{\partial L}{\partial u}",
        "What comes in from above is multiplied by the local derivative.",
        "The chain rule for L as a function of u, and u as a function of x.",
        GOODFELLOW + "sec. 6.5", "sum((y - sigmoid(X @ w))**2)", "w", style="graph", vars=_REGRESSION,
    ),
    Rule(
        "upstream_value", "value from above", r"\frac{\partial L}{\partial x} = J^\top g \quad\text{with}\quad g = \frac{\partial L}{\partial u}",
        "The upstream derivative, found one node earlier, is put in.",
        "It has been computed already: the sweep visits a node after all nodes that use it.",
        GOODFELLOW + "sec. 6.5", _SQUARES, "w", style="graph", vars=_REGRESSION,
    ),
    Rule(
        "paths", "sum over paths", r"\frac{\partial L}{\partial x} = \sum_{u \text{ uses } x} "
        r"\Big(\frac{\partial u}{\partial x}\Big)^{\!\top} \frac{\partial L}{\partial u}",
        "A value that is used in several places gets the sum of what comes back from each.",
        "The total differential of L is the sum over all its arguments, and x is behind several of them.",
        GOODFELLOW + "sec. 6.5.2", "exp(x @ a)*(x @ x)", "x", style="graph", vars={"a": "n"},
    ),
)  # fmt: skip

SPOKEN = {
    "inv": "the inverse", "pinv": "the pseudoinverse", "logdet": "log det", "det": "the determinant", "abs": "the absolute value",
    "xlogy": "x log y", "tanh": "the hyperbolic tangent", "sin": "the sine", "cos": "the cosine", "tan": "the tangent", "pow": "the power", "norm": "the norm",
    "arctan": "the arctangent", "sign": "the sign", "heaviside": "the unit step", "relu": "ReLU", "sigmoid": "the sigmoid", "logsigmoid": "the log-sigmoid", "log_softmax": "log softmax",
    "logsumexp": "log-sum-exp", "exp": "the exponential", "log": "the logarithm", "max": "the maximum", "min": "the minimum",
    "maximum": "the maximum", "minimum": "the minimum", "prod": "the product", "sqrtm": "the matrix square root",
    "cholesky": "the Cholesky factor", "where": "a case distinction", "leaky_relu": "leaky ReLU", "prelu": "PReLU", "elu": "ELU",
    "selu": "SELU", "gelu": "GELU", "silu": "SiLU", "lgamma": "log Γ", "digamma": "the digamma function", "erf": "the error function",
    "kl": "the Kullback-Leibler divergence", "mse": "the mean squared error", "layer_norm": "layer normalisation",
}  # fmt: skip


def spoken(name: str) -> str:
    """How an operation is called in a sentence."""
    return SPOKEN.get(name, name.replace("_", " "))


def _moment(key: str, title: str, formula: str, says: str, why: str) -> Rule:
    return Rule(key, title, formula, says, why, GLOROT, "", "")


GLOROT = "Glorot and Bengio, AISTATS 2010, sec. 4.2; He et al., ICCV 2015, sec. 2.2"
_MOMENTS = (
    _moment("expand", "by entries", r"z_i = \sum_j W_{ij} h_j", "An entry of a matrix product is a sum.", "Definition of the matrix product."),
    _moment("variance_sum", "variance of a sum", r"\operatorname{Var}\Big[\sum_j a_j\Big] = \sum_j \operatorname{Var}[a_j]",
            "The variance of a sum of uncorrelated terms is the sum of their variances.", "The mixed terms have covariance 0."),
    _moment("variance_product", "variance of a product", r"\operatorname{Var}[a b] = \mathbb E[a^2]\,\mathbb E[b^2] - \mathbb E[a]^2\,\mathbb E[b]^2",
            "The variance of a product of independent factors, by their moments.", "E[ab] = E[a] E[b], and the same for the squares."),
    _moment("mean_zero", "mean 0", r"\mathbb E[w] = 0 \Rightarrow \mathbb E[w^2] = \operatorname{Var}[w]",
            "A mean of 0 drops out, and the mean square is the variance.", "Var[w] = E[w²] − E[w]²."),
    _moment("alike", "all terms are alike", r"\sum_{j=1}^n a = n a", "Equal terms are counted.", "All entries have the same distribution."),
    _moment("activation", "the activation", r"h = \varphi(u)", "The value is what the activation makes of the layer before.", "Definition of the layer."),
    _moment("symmetric_law", "half on either side", r"\mathbb E[\varphi(u)^2] = \tfrac{a^2 + b^2}{2}\,\mathbb E[u^2]",
            "A function that is a u on one side of 0 and b u on the other takes half of the mean square from each.",
            "u and −u have the same distribution."),
    _moment("gaussian", "integral over the normal distribution", r"\mathbb E[f(u)] = \int f(u)\,\frac{e^{-u^2/2}}{\sqrt{2\pi}}\,\mathrm du",
            "The mean over a standard normal variable is an integral.", "Definition of the mean; computed to 1e-10 by Gauss's rule."),
    _moment("solve", "solved for the variance of a weight", r"a = n v \Rightarrow v = a/n", "The equation is divided by the other factors.", "They are positive."),
    _moment("keep", "the size is kept", r"\operatorname{Var}[z] = \operatorname{Var}[u]", "What comes out is to vary as much as what goes in.",
            "Otherwise the product over the layers vanishes or explodes."),
    _moment("compromise", "one variance for both directions", r"n = \tfrac{n_{\mathrm{in}} + n_{\mathrm{out}}}{2}",
            "The mean of the two sizes stands for both.", "A weight has one variance; the two conditions agree only where the sizes do."),
)  # fmt: skip
_LOSSES = tuple(
    Rule(key, title, formula, says, why, GOODFELLOW + "sec. 5.5", "", "")
    for key, title, formula, says, why in (
        (
            "log_product",
            "logarithm of a product",
            r"\log\prod_i a_i = \sum_i \log a_i",
            "The logarithm turns products into sums.",
            "log(ab) = log a + log b.",
        ),
        (
            "log_quotient",
            "logarithm of a quotient",
            r"\log\frac ab = \log a - \log b",
            "The logarithm turns quotients into differences.",
            "log(ab) = log a + log b.",
        ),
        (
            "definition",
            "definition of the model",
            r"p = \operatorname{softmax}(s)",
            "The probabilities are put in.",
            "Definition of the model.",
        ),
        (
            "entropy",
            "entropy of the truth",
            r"\sum_j q_j \log q_j = 0",
            "A certain truth has no entropy.",
            "1 log 1 = 0, and 0 log 0 = 0 by continuity.",
        ),
        (
            "named_loss",
            "the loss by its name",
            r"L = \frac1n\sum_i L_i",
            "The sum is the loss that the library knows.",
            "Definition of the loss.",
        ),
    )
)
RULES: dict[str, Rule] = {r.key: r for r in (*_GENERAL, *_MOMENTS, *_LOSSES)}


@lru_cache(maxsize=1024)
def rule_named(key: str) -> Rule:
    """A rule by its key; for an operation's name, the rule on its derivative.

    Raises:
        DerivativeError: SD301 when there is none.
    """
    if key in RULES:
        return RULES[key]
    from .. import ops  # noqa: F401 (fills the table)

    if key in OPS:
        return _of_operation(OPS[key])
    raise DerivativeError(f"there is no rule {key!r}", code="SD301")


def _of_operation(op: Op) -> Rule:
    """The rule on one operation, from its declaration."""
    if op.elementwise:
        why = (
            "It acts on every entry by itself, so its Jacobian is diagonal: the differential is the derivative times the change."
        )
    else:
        why = "The differential is declared with the operation, checked there against finite differences, and transposed mechanically."
    if op.name in WHYS:
        why = f"{WHYS[op.name]} {why}"
    if op.kinks:
        place = "where" if any(verb in op.kinks for verb in (" is ", " changes")) else "at"
        why += f" It is not differentiable {place} {op.kinks}; there the convention of the engine holds."
    target = next((n for n in op.example_vars), "x")
    return Rule(
        op.name, f"derivative of {spoken(op.name)}", "", op.says or f"{op.name}.", why, op.source or "definition", op.example,
        target,
        vars=op.example_vars,
    )  # fmt: skip


def rules_with_pages() -> list[Rule]:
    """All rules that a step can name: the general ones, then those of differentiable operations that the engine keeps as they
    are."""
    from .. import ops  # noqa: F401 (fills the table)

    kept = [
        op
        for op in OPS.values()
        if (any(p not in ("", "0", "?") for p in op.partials) or op.differential) and op.name not in RULES
    ]
    arithmetic = {"neg", "mul", "add", "div", "pow"}
    return [*_GENERAL, *(_of_operation(op) for op in kept if op.name not in arithmetic)]


__all__ = ["RULES", "Rule", "rule_named", "rules_with_pages"]
