"""The models, losses and regularisers of a first course, each a problem in the input language.

    sd.models["softmax"].text            what it is
    sd.models["softmax"].gradients()     what the engine derives from it
    sd.models.perceptron(3, "tanh")      a network with any number of layers and any activation

Nothing here is differentiated by hand: a model is text, and everything else follows from the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..read.problem import Problem
    from ..result import Derivatives
    from .origin import Origin

ACTIVATIONS = {  # name -> how it is applied to {x}; {a} is a learned slope
    "identity": "{x}",
    "sigmoid": "sigmoid({x})",
    "tanh": "tanh({x})",
    "relu": "relu({x})",
    "leaky_relu": "leaky_relu({x})",
    "prelu": "prelu({x}, {a})",
    "elu": "elu({x})",
    "selu": "selu({x})",
    "gelu": "gelu({x})",
    "silu": "silu({x})",
    "softplus": "softplus({x})",
    "hardtanh": "hardtanh({x})",
}
RECTIFIERS = {"relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "softplus"}  # half of the input passes: Var[w] = 2/n_in


@dataclass(frozen=True)
class Model:
    """A problem and what its names are for.

    Attributes:
        name: what `sd.models[...]` and the command line call it.
        title: one line.
        text: declarations and definitions in the input language; the last definition is the result.
        says: how the formula comes about.
        parameters: what it is differentiated by, and what training changes.
        task: "classes" (labels 0 to k - 1), "binary" (0 and 1), "regression" (numbers), or "" where there is nothing to train.
        scores: the definition that predictions are made of.
        gain: parameter -> the variance of its initial entries times the number of its inputs; 0 starts at zero.
        start: parameter -> initial value of all entries.
    """

    name: str
    title: str
    text: str
    says: str
    parameters: tuple[str, ...]
    task: str = ""
    scores: str = "S"
    gain: Mapping[str, str] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def problem(self) -> Problem:
        """The text, read."""
        from ..read.problem import parse

        return parse(self.text)

    def gradients(self, check: bool = True) -> Derivatives:
        """The derivatives by all parameters, from one sweep, certified."""
        from ..api import derive

        return derive(self.problem, list(self.parameters), check=check)  # type: ignore[return-value]

    def origin(self) -> Origin:
        """How the loss comes about, from a likelihood or a divergence, as a derivation.

        Raises:
            InputError: SD150 for a model whose loss is not derived from anything here.
        """
        from .origin import origin

        return origin(self.name)

    def regularised(self, l1: bool = False, l2: bool = True) -> Model:
        """`L + lam1 Σ|W| + lam2/2 Σ W²`: the same model with penalties on its weights (biases and slopes are left alone).

        Raises:
            InputError: SD150 for a model without a loss.
        """
        if not (l1 or l2):
            return self
        if not self.task:
            raise InputError(f"{self.name} is not a loss: there is nothing to regularise", code="SD150")
        taken = {*self.problem.vars, *self.problem.definitions}
        if taken & {"lam1", "lam2"}:
            raise InputError("the text uses lam1 or lam2 itself", code="SD150", hint="rename it, or leave out l1 and l2")
        weights = [n for n in self.parameters if self.problem.vars[n].rank == 2 or n == "w"]
        terms = []
        if l1:
            terms.append("lam1*(" + " + ".join(f"sum(abs({w}))" for w in weights) + ")")
        if l2:
            terms.append("lam2/2*(" + " + ".join(f"sum({w}**2)" for w in weights) + ")")
        declared = [f"{name}: scalar nonnegative" for name, on in (("lam1", l1), ("lam2", l2)) if on]
        last = self.problem.name or "L"
        head, equals, loss = self.text.rstrip().rpartition(f"\n{last} = ")
        if not equals:
            raise InputError(f"the last line of the text must be `{last} = …`", code="SD150")
        text = "\n".join([*declared, head, f"{last} = {loss} + {' + '.join(terms)}"])
        kind = "elastic net" if l1 and l2 else "L1" if l1 else "L2"
        return replace(self, text=text, title=f"{self.title}, {kind}")


def _trainable(name: str, title: str, target: str, loss: str, says: str, task: str, weights: str = "w: d\nb: scalar") -> Model:
    names = tuple(line.partition(":")[0] for line in weights.split("\n"))
    dot = f"X @ {names[0]} + {names[1]}"
    text = f"X: n, d\n{weights}\ny: {target}\nS = {dot}\n{loss}"
    return Model(name, title, text, says, names, task)


_MATRIX = "W: d, k\nb: k"
_ALL = [
    _trainable("linear", "linear regression, squared error", "n", "L = mean((y - S)**2)",
               "|y - wᵀx|² averaged over the samples; w_j ← w_j + 2α/n Σ_i δ_i x_ij with δ = y - Xw - b.", "regression"),
    _trainable("absolute", "linear regression, absolute error", "n", "L = mean(abs(y - S))",
               "|y - wᵀx| averaged over the samples; only the signs of the errors reach the update.", "regression"),
    _trainable("squared-sigmoid", "a sigmoid unit with squared error", "n", "L = mean((y - sigmoid(S))**2)",
               "d = Xw + b, δ = y - σ(d); the update carries σ(d)(1 - σ(d)), which is 0 where the unit saturates.",
               "binary"),
    _trainable("logistic", "logistic regression", "n", "L = mean(softplus(S) - y*S)",
               "-log of the likelihood Π σ(s)^y (1 - σ(s))^(1-y), averaged; softplus(s) - y s is its form without overflow.",
               "binary"),
    _trainable("softmax", "softmax regression, cross-entropy", "n integer", "L = cross_entropy(S, y)",
               "The likelihood is Π P(Y = y_i | x_i) with P = softmax(s); its negative logarithm, averaged, is the "
               "cross-entropy, which differs from KL(truth ‖ P) by the entropy of the truth: 0 for labels.", "classes", _MATRIX),
    _trainable("svm", "multiclass support vector machine", "n integer", "L = hinge(S, y)",
               "L_i = Σ_{j≠y_i} max(0, s_j - s_{y_i} + 1), averaged over the samples.", "classes", _MATRIX),
    Model("scores", "a linear classifier's scores", "W: k, m\nx: m\nb: k\nf = W @ x + b",
          "f(x, W) = Wx + b: one score for each of k classes from m pixels.", ("W", "b", "x")),
    Model("bias-trick", "the bias as a last column", "V: k, m + 1\nx: m\nf = V @ concatenate((x, ones(1)))",
          "V = [W b] and x' = [x 1]: V x' = Wx + b, one array to learn instead of two.", ("V", "x")),
    Model("softmax-function", "softmax and its Jacobian", "s: k\np = softmax(s)",
          "P(Y = k | x) = exp(s_k)/Σ_j exp(s_j); ∂p/∂s = diag(p) - p pᵀ. Computed with s - max s, which changes nothing.",
          ("s",)),
    Model("likelihood", "cross-entropy of one sample, from maximum likelihood",
          "s: k\ny: scalar integer\nL = -log(softmax(s)[y])",
          "Maximise Π P(Y = y_i | x_i) ⇔ minimise -Σ log P(Y = y_i | x_i). ∂L/∂s = p - onehot(y).", ("s",)),
    Model("kl", "cross-entropy of one sample, from KL", "s: k\nq: k simplex\nL = kl(q, softmax(s))",
          "KL(q ‖ p) = Σ q log q - Σ q log p; only the second part depends on s. ∂L/∂s = p - q.", ("s",)),
    Model("svm-sample", "the multiclass hinge of one sample",
          "s: k\ny: scalar integer\nL = sum(maximum(0, s[j] - s[y] + 1) for j in range(k) if j != y)",
          "Each wrong class within the margin adds 1 to its own entry and -1 to that of the truth.", ("s",)),
    Model("logistic-sample", "-log σ(wᵀx) as blocks", "w: d\nx: d\nu = w @ x\np = sigmoid(u)\nL = -log(p)",
          "u = wᵀx, p = σ(u), L = -log p; ∂L/∂w = -(1 - σ(wᵀx)) xᵀ.", ("w", "x")),
    Model("layer", "a fully connected layer", "W: m, d\nx: d\nu: m\nL = dot(u, W @ x)",
          "h = W x with the gradient u = ∂L/∂h given: ∂L/∂x = Wᵀ u (1×d = (1×m)(m×d) as rows), ∂L/∂W = u xᵀ.", ("W", "x")),
    Model("l1", "L1 regulariser", "W: d, k\nlam: scalar nonnegative\nR = lam*sum(abs(W))",
          "λ Σ|W|: adds -αλ sign(W) to the update, a step of one length towards 0.", ("W",)),
    Model("l2", "L2 regulariser", "W: d, k\nlam: scalar nonnegative\nR = lam*sum(W**2)",
          "λ Σ W²: adds -2αλ W to the update, a step towards 0 in proportion (weight decay).", ("W",)),
    Model("elastic-net", "elastic net", "W: d, k\nlam: scalar nonnegative\nbeta: scalar\nR = lam*(beta*sum(W**2) + sum(abs(W)))",
          "λ (β Σ W² + Σ|W|): both at once.", ("W",)),
]  # fmt: skip


def perceptron(layers: int, activation: str = "relu") -> Model:
    """`s = W_L φ(… φ(W₁ x))`: a network of `layers` layers, cross-entropy at its end, for rows of `X`.

    Sizes: `X` (n, d), `W1` (d, h1), `b1` (h1,), …, the last `W` (h, k); every `b` is one row.

    Raises:
        InputError: SD151 for a number of layers that is not from 1 to 100, or an activation that is not known.
    """
    if isinstance(layers, bool) or not isinstance(layers, int) or not 1 <= layers <= 100:
        raise InputError(f"a network has 1 to 100 layers, not {layers!r}", code="SD151")
    check_activation(activation)
    sizes = ["d", *(f"h{i}" for i in range(1, layers)), "k"]
    lines, names, gain, start, value = ["X: n, d"], [], {}, {}, "X"
    for i in range(1, layers + 1):
        lines += [f"W{i}: {sizes[i - 1]}, {sizes[i]}", f"b{i}: {sizes[i]}"]
        names += [f"W{i}", f"b{i}"]
        gain[f"W{i}"] = _gain(activation) if i < layers else "xavier"
        if activation == "prelu" and i < layers:
            lines.append(f"a{i}: scalar positive")
            names.append(f"a{i}")
            start[f"a{i}"] = 0.25
    lines.append("y: n integer")
    for i in range(1, layers):
        lines.append(f"H{i} = " + ACTIVATIONS[activation].format(x=f"{value} @ W{i} + b{i}", a=f"a{i}"))
        value = f"H{i}"
    lines += [f"S = {value} @ W{layers} + b{layers}", "L = cross_entropy(S, y)"]
    of = f", {activation}" if layers > 1 else ""
    return Model(f"perceptron-{layers}", f"perceptron of {layers} layer{'s' * (layers > 1)}{of}", "\n".join(lines),
                 "Scores of a chain of linear layers with an activation between them; every gradient from one backward sweep.",
                 tuple(names), "classes", "S", gain, start)  # fmt: skip


def check_activation(activation: str) -> str:
    """The name of an activation.

    Raises:
        InputError: SD151.
    """
    if activation not in ACTIVATIONS:
        import difflib

        near = difflib.get_close_matches(str(activation), ACTIVATIONS, 1)
        hint = f"did you mean {near[0]}?" if near else "there are " + ", ".join(ACTIVATIONS)
        raise InputError(f"there is no activation {activation!r}", code="SD151", hint=hint)
    return activation


def _gain(activation: str) -> str:
    return "he" if activation in RECTIFIERS else "lecun" if activation == "selu" else "xavier"


def own_model(text: str, parameters: tuple[str, ...] = ()) -> Model:
    """A model from a problem text with data `X`, targets `y`, scores `S` and a scalar loss as the result.

    Raises:
        InputError: SD152 when one of them is missing.
    """
    from ..read.problem import parse

    problem = parse(text)
    missing = [n for n in ("X", "y") if n not in problem.vars] + ["S"] * ("S" not in problem.definitions)
    if missing or problem.expr.rank or not problem.name:
        what = f"lacks {', '.join(missing)}" if missing else "must end with `L = …`, a scalar"
        hint = "declare data `X: n, d` and targets `y: n` (`y: n integer` for classes); define scores `S = …` and a loss `L = …`"
        raise InputError(f"a text to train {what}", code="SD152", hint=hint)
    found = tuple(n for n, v in problem.vars.items() if n not in ("X", "y") and not v.is_a("integer"))
    chosen = parameters or found
    unknown = [n for n in chosen if n not in found]
    if unknown or not chosen:
        raise InputError(f"no such parameter: {', '.join(unknown) or 'none'}", code="SD152", hint=f"there are {', '.join(found)}")
    task = "classes" if problem.vars["y"].is_a("integer") else "regression"
    return Model("own", "a model of your own", text, "Given as text.", chosen, task, "S", {}, {})


class Models(Mapping[str, Model]):
    """The library of models by name; `sd.models["perceptron-5"]` is a network of five layers."""

    perceptron = staticmethod(perceptron)

    def __init__(self) -> None:
        self._models = {m.name: m for m in _ALL}
        self._models.update({f"perceptron-{i}": perceptron(i) for i in (2, 3)})

    def __getitem__(self, name: str) -> Model:
        if name in self._models:
            return self._models[name]
        kind, _, count = str(name).partition("-")
        if kind == "perceptron" and count.isdigit() and len(count) < 4:
            return perceptron(int(count))
        import difflib

        near = difflib.get_close_matches(str(name), self._models, 1)
        hint = f"did you mean {near[0]}?" if near else "there are " + ", ".join(self._models)
        raise NoModel(f"there is no model {name!r}", code="SD153", hint=hint)

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return "\n".join(f"{m.name:18} {m.title}" for m in self._models.values())


class NoModel(InputError, KeyError):
    """A name that no model has: also a `KeyError`, so that `in` and `get` work."""

    __str__ = InputError.__str__


models = Models()

__all__ = ["ACTIVATIONS", "Model", "Models", "check_activation", "models", "own_model", "perceptron"]
