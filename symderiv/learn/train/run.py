"""`sd.train`: derive, write the script, check its gradients, run it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CertificateError, CodeError, InputError
from ..models import Model, models, own_model
from .data import Data, split
from .script import given_sizes, training_script

MOST_PARAMETERS = 120  # of a loss whose largest step is told
CHECKED = 1e-4  # the worst relative difference that the gradient check at the start may show


@dataclass
class Trained:
    """What training leaves.

    Attributes:
        model: what was trained, penalties included.
        parameters: name -> array.
        script: the text that ran; it stands alone.
        losses: of each epoch.
        history: rows (epoch, training accuracy, test accuracy); R² for regression.
        gradient_error: worst relative difference to finite differences at the start.
        seconds: spent in the loop.
        largest_step: `2/λ_max` of the Hessian of a quadratic loss, all rows in one batch: longer steps diverge.
        data: what it was trained on.
    """

    model: Model
    parameters: dict[str, np.ndarray]
    script: str
    losses: list[float] = field(default_factory=list)
    history: list[tuple[int, float, float]] = field(default_factory=list)
    gradient_error: float = float("nan")
    seconds: float = 0.0
    largest_step: float | None = None
    data: Data | None = None
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    _names: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def train_accuracy(self) -> float:
        return self.history[-1][1]

    @property
    def test_accuracy(self) -> float:
        """Of the held out rows; nan if there are none."""
        return self.history[-1][2]

    def scores(self, X: Any) -> np.ndarray:
        """Scores of raw rows (n, d): they are standardised as the training data were."""
        return self._names["scores"](self._standard(X), **self.parameters)

    def predict(self, X: Any) -> np.ndarray:
        """Labels (or numbers, for regression) of raw rows (n, d)."""
        return self._names["predict"](self._standard(X), self.parameters)

    def accuracy(self, X: Any, y: Any) -> float:
        """The part of raw rows that is predicted right; R² for regression."""
        return self._names["accuracy"](self._standard(X), np.asarray(y), self.parameters)

    def _standard(self, X: Any) -> np.ndarray:
        X = np.asarray(X, dtype=float)
        assert self.mean is not None and self.scale is not None
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise CodeError(f"rows of {len(self.mean)} values are needed, not an array of shape {X.shape}", code="SD507")
        return (X - self.mean) / self.scale

    def save(self, path: str | Path) -> None:
        """Write a .npz file: parameters, standardisation, the script. `load_model` reads it.

        Raises:
            CodeError: SD510 when it cannot be written.
        """
        extra = {"_model": np.array([self.model.name, self.model.title, self.model.text, self.model.task]),
                 "_parameters": np.array(self.model.parameters), "_script": np.array(self.script),
                 "_classes": np.array(self.classes),
                 "_mean": self.mean, "_scale": self.scale, "_losses": np.array(self.losses),
                 "_history": np.array(self.history).reshape(-1, 3)}  # fmt: skip
        try:
            with open(path, "wb") as stream:
                np.savez(stream, **self.parameters, **extra)  # type: ignore[arg-type]
        except OSError as error:
            raise CodeError(f"cannot write {path}: {error.strerror}", code="SD510") from None

    def plot(self, path: str | Path) -> None:
        """Draw the loss and the accuracy of each epoch (needs the extra `plot`)."""
        from .curves import draw_curves

        draw_curves(self, str(path))


def train(
    model: str | Model,
    X: Any = None,
    y: Any = None,
    *,
    data: Data | None = None,
    epochs: int = 300,
    batch: int | str | None = None,
    step: float = 0.5,
    decay: float = 0.0,
    momentum: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    hidden: int | Sequence[int] = 128,
    activation: str | None = None,
    test: float = 0.25,
    seed: int = 0,
    report: Callable[[int, float, float, float], None] | None = None,
    every: int | None = None,
) -> Trained:
    """Gradient descent `p ← p - α ∂L/∂p` on a model, with gradients that the engine derives.

    Args:
        model: a name of `sd.models`, a `Model`, or a problem text with `X`, `y`, scores `S` and a loss.
        X, y: rows (n, d) and targets (n,), split and standardised here; or give `data`.
        epochs: passes over the data.
        batch: None or "full", a number of rows, or 1 for stochastic descent.
        step, decay, momentum: the step of epoch t is `step/(1 + decay t)`; velocity `v ← momentum v - step ∂L/∂p`.
        l1, l2: weights of `l1 Σ|W|` and `l2/2 Σ W²`.
        hidden: sizes of hidden layers: one for all, or one each.
        activation: of a perceptron.
        test: the part that is held out.
        seed: of the split, the start and the batches; the same seed gives the same result.
        report: called with epoch, loss, training and test accuracy, `every` so many epochs.

    Raises:
        InputError: SD15x for a model or data that cannot be trained.
        CertificateError: SD403 when the gradient check at the start fails.
        CodeError: SD521 when the loss is no longer finite.
    """
    chosen = _model(model, activation).regularised(l1 > 0, l2 > 0)
    settings = _settings(epochs, batch, step, decay, momentum, seed, l1, l2)
    if data is None:
        if X is None or y is None:
            raise InputError("there is nothing to train on", code="SD155", hint="give X and y, or data=load_data(…)")
        X, labels, classes = np.asarray(X, dtype=float), *_labels(y, chosen.task)
        data = split(X, labels, classes, test, seed, "arrays")
    _check_targets(chosen, data)
    penalties = {name: float(v) for name, v in (("lam1", l1), ("lam2", l2)) if v > 0}
    held = len(data.y_test) / (len(data.y) + len(data.y_test))
    one_scale = len(data.scale) > 1 and not np.ptp(data.scale)
    source = training_script(chosen, settings, penalties, _hidden_sizes(chosen, hidden), held, one_scale)
    names = compiled(source)
    parameters = names["initial"](*names["sizes"](data.X, np.append(data.y, max(0, len(data.classes) - 1))), seed=seed)
    out = Trained(chosen, parameters, source, data=data, mean=data.mean, scale=data.scale, classes=data.classes, _names=names)
    out.gradient_error = names["gradient_check"](data.X, data.y, parameters, penalties)
    if not out.gradient_error < CHECKED:
        raise CertificateError(
            f"the gradients differ from finite differences by {out.gradient_error:.1e} at the start",
            code="SD403",
            hint="please report it",
        )
    if batch in (None, "full"):
        out.largest_step = _largest_step(names["loss_and_gradients"], data, parameters, penalties, momentum)
    every = every or max(1, epochs // 50)

    def measure(epoch: int, loss: float, now: Mapping[str, np.ndarray]) -> None:
        if (epoch + 1) % every and epoch + 1 != epochs and epoch:
            return
        on_train = names["accuracy"](data.X, data.y, now)
        on_test = names["accuracy"](data.X_test, data.y_test, now) if len(data.y_test) else float("nan")
        out.history.append((epoch + 1, on_train, on_test))
        if report is not None:
            report(epoch + 1, loss, on_train, on_test)

    start = time.perf_counter()
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # a loss that is not finite is told below
            out.parameters, out.losses = names["fit"](data.X, data.y, parameters, penalties, report=measure, **settings)
    except FloatingPointError as error:
        most = out.largest_step
        limit = f": this loss is quadratic, and full-batch steps below {most:.4g} (2/λ_max) converge" if most else ", or decay"
        raise CodeError(str(error), code="SD521", hint=f"a smaller step{limit}") from None
    out.seconds = time.perf_counter() - start
    return out


def _largest_step(
    derived: Callable[..., Any], data: Data, parameters: dict[str, Any], penalties: dict[str, float], momentum: float
) -> float | None:
    """`2(1 + momentum)/λ_max` of a quadratic loss; None where it is none, or has too many parameters to tell quickly."""
    from ..descent import largest_step

    shapes = {n: np.shape(v) for n, v in parameters.items()}
    counts = [int(np.prod(s)) for s in shapes.values()]
    if sum(counts) > MOST_PARAMETERS:
        return None

    def gradient(flat: np.ndarray) -> np.ndarray:
        parts = np.split(flat, np.cumsum(counts)[:-1])
        point = {n: p.reshape(s) for (n, s), p in zip(shapes.items(), parts, strict=True)}
        found = derived(data.X, data.y, **point, **penalties)[1]
        return np.concatenate([np.ravel(found[n]) for n in shapes])

    with np.errstate(all="ignore"):
        limit = largest_step(gradient, sum(counts))
    return None if limit is None else limit * (1 + momentum)


def compiled(source: str) -> dict[str, Any]:
    """The names of a script that this package wrote."""
    namespace: dict[str, Any] = {"__name__": "symderiv_training"}
    # text written by this package from checked nodes and validated identifiers, never a user's
    exec(compile(source, "<symderiv training>", "exec"), namespace)
    return namespace


def _model(model: str | Model, activation: str | None) -> Model:
    if isinstance(model, str):
        model = own_model(model) if "\n" in model or "=" in model else models[model]
    if activation is not None:
        kind, _, count = model.name.partition("-")
        if kind != "perceptron":
            raise InputError(f"{model.name} has no activation to choose", code="SD151", hint="use perceptron-2, perceptron-3, …")
        model = models.perceptron(int(count), activation)
    return model


def _settings(epochs, batch, step, decay, momentum, seed, l1, l2) -> dict[str, Any]:
    given = batch
    if isinstance(batch, str):
        batch = None if batch == "full" else int(batch) if batch.isdigit() else -1
    whole = isinstance(epochs, int) and epochs > 0 and (batch is None or (isinstance(batch, int) and batch > 0))
    if not whole:
        raise InputError(f"epochs={epochs!r}, batch={given!r}: whole numbers from 1 (batch may be full)", code="SD157")
    numbers = {"step": step, "decay": decay, "momentum": momentum, "l1": l1, "l2": l2}
    for name, value in numbers.items():
        if not np.isfinite(value) or value < 0 or (name == "step" and value == 0) or (name == "momentum" and value >= 1):
            rule = {"step": "above 0", "momentum": "from 0 to below 1"}.get(name, "0 or more")
            raise InputError(f"{name} must be a number {rule}, not {value!r}", code="SD157")
    return {
        "epochs": epochs,
        "batch": batch,
        "step": float(step),
        "decay": float(decay),
        "momentum": float(momentum),
        "seed": int(seed),
    }


def _labels(y: Any, task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    y = np.asarray(y)
    if task == "regression":
        return y.astype(float), ()
    names, labels = np.unique(y, return_inverse=True)
    if len(names) < 2:
        raise InputError("there is only one class in y", code="SD155", hint="two are needed to tell them apart")
    return labels, tuple(map(str, names))


def _check_targets(model: Model, data: Data) -> None:
    if model.task == "binary" and len(data.classes) != 2:
        hint = "use softmax or a perceptron"
        raise InputError(f"{model.name} tells two classes apart; there are {len(data.classes)}", code="SD155", hint=hint)


def _hidden_sizes(model: Model, hidden: int | Sequence[int]) -> dict[str, int]:
    if model.task == "":
        return {}
    names = [str(s) for s in given_sizes(model)[1]]
    sizes = [hidden] * len(names) if isinstance(hidden, (int, np.integer)) else list(hidden)
    if len(sizes) == 1:
        sizes = sizes * len(names)
    if (len(sizes) != len(names) and names) or any(not isinstance(h, (int, np.integer)) or h < 1 for h in sizes):
        raise InputError(f"hidden={hidden!r} does not say {len(names)} sizes ({', '.join(names)})", code="SD157")
    return dict(zip(names, map(int, sizes), strict=False))


def load_model(path: str | Path) -> Trained:
    """A model saved with `Trained.save`; it predicts, and is not run from the file's script: that is derived again.

    Raises:
        InputError: SD154 when the file is not such a model.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            values = {name: stored[name] for name in stored.files}
        name, title, text, task = (str(v) for v in values["_model"])
        parameters = tuple(str(n) for n in values["_parameters"])
        arrays = {n: values[n] for n in parameters}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path} is not a model that symderiv saved ({error})", code="SD154") from None
    model = Model(name, title, text, "", parameters, task)
    sizes = {str(s): 1 for s in given_sizes(model)[1]}
    penalties: dict[str, float] = {n: 0.0 for n in ("lam1", "lam2") if n in model.problem.vars}
    names = compiled(training_script(model, {"epochs": 1}, penalties, sizes))
    history = [(int(e), float(a), float(b)) for e, a, b in values["_history"]]
    return Trained(model, arrays, str(values["_script"]), list(values["_losses"]), history, mean=values["_mean"],
                   scale=values["_scale"], classes=tuple(map(str, values["_classes"])), _names=names)  # fmt: skip
