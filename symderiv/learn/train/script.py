"""A training script: readable, alone, NumPy only. `sd.train` runs the very text that it hands out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from sympy import Expr, Symbol

from ...code.numpy import numpy_source
from ...errors import InputError
from ...expr.nodes import Call, Node, Num, Var
from ...expr.walk import postorder, replace
from ..model_text import is_long, lines_of
from ..models import Model
from . import template

KINDS = {"classes": "", "binary": "_binary", "regression": "_value"}
RESERVED = {"X", "y", "np", "sys", "seed", "rng", "parameters", "penalties", "fit", "main", "scores", "predict", "accuracy",
            "mean", "scale", "classes", "labels", "sizes", "initial"}  # fmt: skip


def training_script(
    model: Model,
    settings: Mapping[str, Any],
    penalties: Mapping[str, float],
    sizes: Mapping[str, int],
    test: float = 0.25,
    one_scale: bool = False,
) -> str:
    """The text of a script that trains `model`.

    Args:
        model: with a task.
        settings: of `fit`: epochs, batch, step, decay, momentum, seed.
        penalties: name of a scalar in the text -> its value (`lam1`, `lam2`).
        sizes: sizes that the data do not give (`h1`).
        test: the part of the rows that the script holds out.
        one_scale: all features are divided by one deviation, as pixels are.

    Raises:
        InputError: SD156 for a model that cannot be trained this way.
    """
    if model.task not in KINDS:
        raise InputError(
            f"{model.name} has no data to train on", code="SD156", hint="softmax, svm, logistic, linear, perceptron-2 …"
        )
    parts = [
        _head(model),
        *_derived(model, list(penalties)),
        _constants(model, settings, penalties, test, one_scale),
        _initial(model, sizes),
    ]
    ends = KINDS[model.task]
    chosen: list[tuple[str, str]] = [
        ("predict", ends),
        ("accuracy", "_value" if ends == "_value" else ""),
        ("gradient_check", ""),
    ]
    chosen += [("fit", ""), ("read_data", ""), ("labels", ""), ("is_number", ""), ("example_data", ends), ("main", "")]
    for name, ending in chosen:
        source = inspect.getsource(getattr(template, name + ending)).rstrip()
        parts.append(source.replace(f"def {name}{ending}(", f"def {name}(", 1))
    parts.append('if __name__ == "__main__":\n    main(sys.argv[1:])')
    return "\n\n\n".join(parts) + "\n"


def _head(model: Model) -> str:
    derived = model.gradients()
    gradients = str(derived)
    if is_long(derived):  # by the names of the text, and with names for what repeats
        gradients = "\n".join(lines_of(derived, code=True))
    lines = [f"{model.title[0].upper()}{model.title[1:]}: training with gradients derived by symderiv.", "", "The problem:", ""]
    lines += [f"    {line}" for line in model.text.split("\n")]
    lines += ["", "Its gradients, each checked against finite differences when they were derived:", ""]
    lines += [f"    {line}" for line in gradients.split("\n")]
    lines += [
        "",
        "    python this_file.py [data.npz | data.csv]",
        "",
        "needs NumPy and nothing else; without data it trains on a small example.",
    ]
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n"""\n\nimport sys\n\nimport numpy as np'


def _derived(model: Model, penalties: list[str]) -> list[str]:
    """Helpers, `scores`, and `loss_and_gradients`, from the engine's emitter."""
    problem = model.problem
    clash = [n for n in problem.vars if n in RESERVED - {"X", "y"}]
    if clash:
        raise InputError(f"the script uses the name {clash[0]} itself", code="SD156", hint="rename it in the text")
    scores = problem.definitions[model.scores]
    wanted = [problem.vars[n] for n in model.parameters]
    extra = [problem.vars[n] for n in penalties]
    X, y = problem.vars["X"], problem.vars["y"]
    unknown = [n for n, v in problem.vars.items() if v not in (X, y, *wanted, *extra)]
    if unknown:
        raise InputError(f"no value for {', '.join(unknown)}", code="SD156", hint="make them parameters, or numbers in the text")
    gradients = [g.expr for g in model.gradients().values()]
    forward = numpy_source(scores, name="scores", args=[X, *wanted], doc=f"S = {_short(scores)}")
    values = ["L", *(f"d{n}" for n in model.parameters)]
    backward = numpy_source(sharing_softmax([problem.expr, *gradients]), name="_values", args=[X, y, *wanted, *extra],
                            doc="The loss and its gradients.", value_names=values)  # fmt: skip
    helpers, functions = {}, []
    for text in (forward, backward):
        *before, function = text.strip().split("\n\n\n")
        helpers.update(dict.fromkeys(before[1:]))  # the first is the import
        functions.append(function)
    functions[1] = _as_dictionary(functions[1], model.parameters)
    return [*helpers, *functions]


def sharing_softmax(words: list[Node]) -> list[Node]:
    """The same values with `softmax(S)` as `exp(log_softmax(S))` where the loss is the cross-entropy of `S`.

    Loss and gradients then share the logarithms and the one-hot rows, which halves the time of a small model.
    """
    rule: dict[Node, Node] = {}
    for node in postorder(words[0]):
        if isinstance(node, Call) and node.name == "cross_entropy" and node.operands[1].rank == 1 and node.operands[0].rank == 2:
            scores, labels = node.operands
            logs = Call("log_softmax", scores, axis=-1)
            rows = Call("onehot", labels, k=scores.shape[1])
            rule[node] = Call("neg", Call("div", Call("sum", Call("mul", rows, logs)), Num(scores.shape[0])))
            for other in postorder(*words[1:]):
                last = isinstance(other, Call) and other.name == "softmax" and other.params["axis"] in (-1, other.rank - 1)
                if last and other.operands[0] is scores:
                    rule[other] = Call("exp", logs)
    return [replace(w, rule) for w in words] if len(rule) > 1 else words


def _as_dictionary(source: str, parameters: tuple[str, ...]) -> str:
    """`return (L, dW, db)` as `return L, {"W": dW, "b": db}`, with the name that users see."""
    body, _, values = source.rpartition("    return (")
    parts = _split_top(values.rstrip().removesuffix(")").removesuffix(","))
    pairs = "".join(f'\n        "{name}": {value},' for name, value in zip(parameters, parts[1:], strict=True))
    return body.replace("def _values(", "def loss_and_gradients(", 1) + f"    return {parts[0]}, {{{pairs}\n    }}"


def _split_top(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    out, depth, quote, begin = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            out.append(text[begin:i].strip())
            begin = i + 1
    return [*out, text[begin:].strip()]


def _constants(model: Model, settings: Mapping[str, Any], penalties: Mapping[str, float], test: float, one_scale: bool) -> str:
    measure = "R²" if model.task == "regression" else "accuracy"
    lines = [
        f"PARAMETERS = {tuple(model.parameters)!r}",
        f"SETTINGS = {dict(settings)!r}",
        f"PENALTIES = {dict(penalties)!r}",
        f"TARGETS = {'float' if model.task == 'regression' else 'int'}",
        f"MEASURE = {measure!r}",
        f"TEST = {test!r}  # the part of the rows that is held out",
        f"ONE_SCALE = {one_scale!r}  # whether all features share one deviation",
    ]
    return "\n".join(lines)


def given_sizes(model: Model) -> tuple[Symbol | None, list[Symbol]]:
    """The size that is the number of classes, and the sizes that neither data nor labels give (hidden layers)."""
    problem = model.problem
    X = problem.vars["X"]
    of_scores = problem.definitions[model.scores].shape
    classes = of_scores[-1] if model.task == "classes" and len(of_scores) == 2 and isinstance(of_scores[-1], Symbol) else None
    known = {*X.shape, *problem.vars["y"].shape, classes}
    found: dict[Any, None] = {}
    for name in model.parameters:
        for size in problem.vars[name].shape:
            found.update(dict.fromkeys(s for s in sorted(size.free_symbols, key=str) if s not in known))
    return classes, list(found)  # type: ignore[arg-type]


def _initial(model: Model, sizes: Mapping[str, int]) -> str:
    """`sizes(X, y)` and `initial(d, k, h1=64, seed=0)`."""
    classes, hidden = given_sizes(model)
    missing = [str(s) for s in hidden if str(s) not in sizes]
    if missing:
        raise InputError(f"the size {', '.join(missing)} is open", code="SD156", hint="give it with hidden= (--hidden 64,32)")
    d = model.problem.vars["X"].shape[1]
    names = ([str(d)] if isinstance(d, Symbol) else []) + ([str(classes)] if classes is not None else [])
    values = (["X.shape[1]"] if isinstance(d, Symbol) else []) + (["int(np.max(y)) + 1"] if classes is not None else [])
    tuple_text = f"({', '.join(values)}{',' if len(values) == 1 else ''})"
    heads = names + [f"{s}={sizes[str(s)]}" for s in hidden] + ["seed=0"]
    lines = ["def sizes(X, y):", '    """The sizes that the data give."""', f"    return {tuple_text}", "", ""]
    lines += [f"def initial({', '.join(heads)}):", '    """Parameters to start from."""']
    entries = [f'        "{n}": {_start(model, model.problem.vars[n])},' for n in model.parameters]
    if any("rng" in e for e in entries):
        lines.append("    rng = np.random.default_rng(seed)")
    return "\n".join([*lines, "    return {", *entries, "    }"])


def _start(model: Model, v: Var) -> str:
    shape = [_size(s) for s in v.shape]
    of = f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
    if v.name in model.start:
        value = model.start[v.name]
        return f"np.full({of}, {value})" if v.shape else f"np.float64({value})"
    gain = model.gain.get(v.name, "xavier" if model.name == "own" and v.rank == 2 else "")
    if not gain or v.rank != 2:
        return f"np.zeros({of})"
    n_in, n_out = shape
    deviation = {"he": f"2/{n_in}", "xavier": f"2/({n_in} + {n_out})", "lecun": f"1/{n_in}"}[gain]
    return f"rng.standard_normal({of})*np.sqrt({deviation})"


def _size(size: Expr) -> str:
    text = str(size)
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def _short(node: Any) -> str:
    return str(node) if node.tree_size < 200 else "the scores"
