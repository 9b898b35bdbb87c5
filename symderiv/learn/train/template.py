"""The parts of a training script that do not depend on the model; `script.py` puts them after the derived functions.

They are kept as functions of this module, so that they are checked and tested like all code, and their source is what is written.
`PARAMETERS`, `loss_and_gradients`, `scores` and the like stand in the script itself.
"""

# mypy: ignore-errors
# ruff: noqa: F821

from __future__ import annotations

import numpy as np


def predict(X, parameters):
    """The most probable class of each row."""
    return np.argmax(scores(X, **parameters), axis=1)


def predict_binary(X, parameters):
    """1 where the score is positive, else 0."""
    return (scores(X, **parameters) > 0).astype(int)


def predict_value(X, parameters):
    """The predicted number of each row."""
    return scores(X, **parameters)


def accuracy(X, y, parameters):
    """The part of the rows that is predicted right."""
    return float(np.mean(predict(X, parameters) == y))


def accuracy_value(X, y, parameters):
    """R² = 1 - Σ (y - s)²/Σ (y - ȳ)²: 1 is perfect, 0 no better than the mean."""
    return float(1 - np.sum((y - predict(X, parameters)) ** 2) / np.sum((y - np.mean(y)) ** 2))


def gradient_check(X, y, parameters, penalties, seed=0, entries=8):
    """The worst relative difference between the gradients and central differences of the loss, at random entries.

    The point is moved a little from `parameters`, so that it lies on no kink.
    """
    rng = np.random.default_rng(seed)
    point = {name: value + 0.01 * rng.standard_normal(np.shape(value)) for name, value in parameters.items()}
    X, y = X[:32], y[:32]
    gradients = loss_and_gradients(X, y, **point, **penalties)[1]
    worst = 0.0
    for name in PARAMETERS:
        largest = np.max(np.abs(gradients[name])) + 1e-8
        for _ in range(min(entries, np.size(point[name]))):
            at = tuple(int(rng.integers(size)) for size in np.shape(point[name]))
            errors = []
            for h in (1e-5, 1e-6):
                values = []
                for sign in (1, -1):
                    moved = np.array(point[name])
                    moved[at] += sign * h
                    values.append(loss_and_gradients(X, y, **{**point, name: moved}, **penalties)[0])
                errors.append(abs((values[0] - values[1]) / (2 * h) - np.asarray(gradients[name])[at]))
            worst = max(worst, float(min(errors) / largest))
    return worst


def fit(
    X,
    y,
    parameters,
    penalties,
    *,
    epochs=100,
    batch=None,
    step=0.1,
    decay=0.0,
    momentum=0.0,
    seed=0,
    report=None,
):
    """Gradient descent: v <- momentum v - step dL/dp; p <- p + v. Returns the parameters and the loss of each epoch.

    `batch` rows at a time: None is full batch, 1 stochastic, anything between mini-batch. The step of epoch t is
    step/(1 + decay t). `report(epoch, loss, parameters)` is called after each epoch.
    """
    rng = np.random.default_rng(seed)
    n = len(X)
    parameters = dict(parameters)
    velocity = dict.fromkeys(PARAMETERS, 0.0)
    losses = []
    for epoch in range(epochs):
        rate = step / (1 + decay * epoch)
        if batch is None or batch >= n:
            batches = [slice(None)]
        else:
            order = rng.permutation(n)
            batches = [order[i : i + batch] for i in range(0, n, batch)]
        total = 0.0
        for rows in batches:
            X_rows, y_rows = X[rows], y[rows]
            loss, gradients = loss_and_gradients(X_rows, y_rows, **parameters, **penalties)
            total += float(loss) * len(X_rows)
            for name in PARAMETERS:
                velocity[name] = momentum * velocity[name] - rate * gradients[name]
                parameters[name] = parameters[name] + velocity[name]
        losses.append(total / n)
        if not np.isfinite(losses[-1]):
            raise FloatingPointError(f"the loss is {losses[-1]} in epoch {epoch + 1}: try a smaller step than {step:g}")
        if report is not None:
            report(epoch, losses[-1], parameters)
    return parameters, losses


def read_data(path):
    """Rows and targets from a .npz file with X and y, or a .csv file with the target last (a header is skipped)."""
    if path.endswith(".npz"):
        with np.load(path) as stored:
            return np.asarray(stored["X"], dtype=float), stored["y"]
    with open(path, encoding="utf-8-sig") as stream:
        table = [[cell.strip() for cell in line.split(",")] for line in stream if line.strip()]
    try:
        [float(cell) for cell in table[0][:-1]]
        first = 0
    except ValueError:
        first = 1
    rows = []
    for number, cells in enumerate(table[first:], first + 1):
        try:
            rows.append([float(cell) for cell in cells[:-1]])
        except ValueError:
            raise SystemExit(f"{path}, row {number}: {cells} holds a feature that is no number") from None
        if len(cells) != len(table[0]) or not cells[-1]:
            raise SystemExit(f"{path}, row {number}: {cells} has no target or another number of cells than the first row")
    return np.array(rows), np.array([cells[-1] for cells in table[first:]])


def labels(y):
    """Targets as numbers: classes as 0 to k - 1 with their names, or values to predict with none."""
    if TARGETS is float:
        return np.asarray(y, dtype=float), ()
    names = sorted(set(y.tolist()), key=lambda name: (0, float(name), "") if is_number(name) else (1, 0.0, name))
    return np.array([names.index(name) for name in y.tolist()]), names


def is_number(text):
    """Whether a label reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def example_data(seed=0):
    """Two hundred points of three clouds, for a first run without a file."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=200)
    return rng.standard_normal((200, 4)) + 3 * np.eye(3, 4)[y], y


def example_data_binary(seed=0):
    """Two hundred points of two clouds, for a first run without a file."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=200)
    return rng.standard_normal((200, 4)) + 2 * np.eye(2, 4)[y], y


def example_data_value(seed=0):
    """Two hundred points near a plane, for a first run without a file."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((200, 4))
    return X, X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * rng.standard_normal(200)


def main(arguments):
    X, y = read_data(arguments[0]) if arguments else example_data()
    y, names = labels(y)
    if len(X) < 4 or not np.all(np.isfinite(X)):
        raise SystemExit("at least 4 rows of finite numbers are needed")
    held = round(TEST * len(X))
    order = np.random.default_rng(SETTINGS["seed"]).permutation(len(X))
    train, test = order[held:], order[:held]
    mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
    scale = np.where(scale > 1e-12 * (1 + np.abs(mean)), scale, 1.0)
    if ONE_SCALE:
        scale = np.full_like(mean, (X[train] - mean).std() or 1.0)
    X = (X - mean) / scale
    X, y, X_test, y_test = X[train], y[train], X[test], y[test]
    parameters = initial(*sizes(X, np.append(y, max(0, len(names) - 1))), seed=SETTINGS["seed"])
    worst = gradient_check(X, y, parameters, PENALTIES)
    print(f"gradient check: worst relative difference {worst:.1e}")
    if not worst < 1e-4:
        raise SystemExit("the gradients disagree with finite differences")

    def report(epoch, loss, parameters):
        if epoch == 0 or (epoch + 1) % max(1, SETTINGS["epochs"] // 10) == 0:
            on_train = accuracy(X, y, parameters)
            on_test = accuracy(X_test, y_test, parameters) if held else float("nan")
            print(f"epoch {epoch + 1:4d}  loss {loss:.4g}  {MEASURE} {on_train:.4f}  on held out data {on_test:.4f}")

    parameters, _ = fit(X, y, parameters, PENALTIES, report=report, **SETTINGS)
    np.savez("trained.npz", mean=mean, scale=scale, classes=np.array(names), **parameters)
    print("wrote trained.npz: the parameters, and mean and scale of the features")
