"""Data to train on: scikit-learn's bundled sets or a CSV file, split and standardised with a fixed seed."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from .. import interpret
from ..extras import need

BUNDLED = {"digits": "load_digits", "iris": "load_iris", "breast-cancer": "load_breast_cancer"}
DRAWN = {"xor": "xor", "bulls-eye": "bulls_eye"}  # points of the plane, made with the seed
MAX_BYTES = 200_000_000


@dataclass
class Data:
    """Arrays to train and to test with. `X` is standardised: `(raw - mean)/scale` of the training part.

    Attributes:
        X, y: training rows and their targets; labels are 0 to k - 1.
        X_test, y_test: held out.
        classes: the names of the labels; empty for regression.
        mean, scale: of the columns.
        features: names of the columns.
        name: where it is from.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    features: tuple[str, ...] = ()
    name: str = ""

    @property
    def raw(self) -> tuple[np.ndarray, np.ndarray]:
        """All rows as they were before they were standardised, and their targets."""
        return np.concatenate([self.X, self.X_test]) * self.scale + self.mean, np.concatenate([self.y, self.y_test])


def load_data(source: str, task: str = "classes", target: str = "", test: float = 0.25, seed: int = 0) -> Data:
    """The data called `source`: digits, iris, breast-cancer (scikit-learn), xor, bulls-eye, or a CSV file.

    Args:
        source: a name or a path.
        task: "classes" and "binary" make labels of the target column, "regression" numbers.
        target: the column of a CSV file with the targets, by name or number; the last by default.
        test: the part that is held out.
        seed: of the split.

    Raises:
        InputError: SD154 when there is no such set or file, SD155 with line and column for a cell that cannot be used.
        CodeError: SD520 when scikit-learn is needed and not installed.
    """
    if source in DRAWN:
        X, y = getattr(interpret, DRAWN[source])(seed=seed)
        return split(
            X,
            y.astype(float) if task == "regression" else y,
            () if task == "regression" else ("0", "1"),
            test,
            seed,
            source,
            ("x1", "x2"),
        )
    if source in BUNDLED:
        bunch = getattr(need("sklearn.datasets", f"the {source} set"), BUNDLED[source])()
        X, y = np.asarray(bunch.data, dtype=float), np.asarray(bunch.target)
        names = tuple(str(c) for c in bunch.target_names)
        if task == "regression":
            return split(X, y.astype(float), (), test, seed, source)
        found, features = _binary(y, names, task, source), tuple(map(str, bunch.feature_names))
        # pixels share a unit: dividing each by its own deviation would blow up the ones that are nearly always blank
        return split(X, found, names, test, seed, source, features, one_scale=source == "digits")
    path = Path(source)
    if not path.is_file():
        hint = f"there are {', '.join((*BUNDLED, *DRAWN))}, or give the path of a .csv file"
        raise InputError(f"there is no data set and no file {source!r}", code="SD154", hint=hint)
    X, raw, features = read_csv(path, target)
    if task == "regression":
        y = np.array([_number(cell, path, line, "the target") for line, cell in raw])
        return split(X, y, (), test, seed, source, features)
    labels = sorted({cell for _, cell in raw}, key=_label_order)
    empty = next((line for line, cell in raw if not cell), None)
    if empty is not None:
        raise InputError(f"{path}, line {empty}: the target is empty", code="SD155", hint="fill in or drop the row")
    fractions = any(_is_number(c) and not float(c).is_integer() for c in labels)
    if len(labels) > max(50, len(raw) // 2) or (fractions and len(labels) > max(2, len(raw) // 4)):
        hint = "name the column of the labels with --target, or use a regression model (linear, absolute)"
        raise InputError(f"{path}: {len(labels)} different labels in {len(raw)} rows", code="SD155", hint=hint)
    index = {c: i for i, c in enumerate(labels)}
    y = np.array([index[cell] for _, cell in raw])
    return split(X, _binary(y, tuple(labels), task, source), tuple(labels), test, seed, source, features)


def _binary(y: np.ndarray, classes: tuple[str, ...], task: str, source: str) -> np.ndarray:
    if len(classes) < 2:
        raise InputError(f"{source}: there is only one class", code="SD155", hint="two are needed to tell them apart")
    if task == "binary" and len(classes) != 2:
        hint = "use softmax or a perceptron"
        raise InputError(f"{source} has {len(classes)} classes; this model tells two apart", code="SD155", hint=hint)
    return y


def split(
    X: np.ndarray,
    y: np.ndarray,
    classes: tuple[str, ...] = (),
    test: float = 0.25,
    seed: int = 0,
    name: str = "",
    features: tuple[str, ...] = (),
    one_scale: bool = False,
) -> Data:
    """Shuffle with the seed, hold `test` out, and standardise by the training part (`one_scale`: all columns by one deviation).

    Raises:
        InputError: SD155 when the arrays do not fit or nothing would be left.
    """
    X = np.asarray(X, dtype=float)
    y = np.asarray(y)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise InputError(f"data must be (n, d) and (n,), not {X.shape} and {y.shape}", code="SD155")
    if not np.all(np.isfinite(X)):
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise InputError(f"the value in row {row}, column {column} is {X[row, column]}", code="SD155", hint="fill in or drop it")
    held = round(test * len(X))
    if not 0 <= test < 1 or len(X) - held < 2:
        raise InputError(f"holding out {test:g} of {len(X)} rows leaves too little", code="SD155", hint="0 <= test < 1")
    order = np.random.default_rng(seed).permutation(len(X))
    rest, kept = order[held:], order[:held]
    with np.errstate(over="ignore"):
        mean, scale = X[rest].mean(axis=0), X[rest].std(axis=0)
    if not (np.all(np.isfinite(mean)) and np.all(np.isfinite(scale))):
        column = int(np.argmin(np.isfinite(mean) & np.isfinite(scale)))
        raise InputError(f"the values of column {column} are too large to be standardised", code="SD155", hint="use other units")
    scale = np.where(scale > 1e-12 * (1 + np.abs(mean)), scale, 1.0)  # a constant column stays 0
    if one_scale:
        scale = np.full_like(mean, (X[rest] - mean).std() or 1.0)
    Z = (X - mean) / scale
    return Data(Z[rest], y[rest], Z[kept], y[kept], classes, mean, scale, features, name)


def read_csv(path: Path, target: str = "") -> tuple[np.ndarray, list[tuple[int, str]], tuple[str, ...]]:
    """Features (n, d), targets as (line, text), names of the features.

    Raises:
        InputError: SD154 for a file that cannot be read, SD155 for its contents.
    """
    rows = _rows(path)
    line, first = rows[0]
    header = not all(_is_number(c) for c in first[:-1]) or (
        not _is_number(first[-1]) and len(rows) > 1 and _is_number(rows[1][1][-1])
    )
    names = tuple(first) if header else tuple(f"column {i + 1}" for i in range(len(first)))
    rows = rows[1:] if header else rows
    if not rows:
        raise InputError(f"{path}: there are no rows under the header", code="SD155")
    column = _target_column(target, names, path)
    for line, cells in rows:
        if len(cells) != len(names):
            raise InputError(
                f"{path}, line {line}: {len(cells)} cells; line {1 if header else rows[0][0]} has {len(names)}", code="SD155"
            )
    keep = [j for j in range(len(names)) if j != column]
    if not keep:
        raise InputError(
            f"{path} has one column: there is nothing to predict from",
            code="SD155",
            hint="separate cells by commas, semicolons or tabs",
        )
    X = np.array([[_number(cells[j], path, line, names[j]) for j in keep] for line, cells in rows])
    return X, [(line, cells[column]) for line, cells in rows], tuple(names[j] for j in keep)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES // 10**6} MB", code="SD154")
        with path.open(newline="", encoding="utf-8-sig") as stream:
            sample = stream.readline()
            stream.seek(0)
            delimiter = max(",;\t|", key=sample.count)
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            rows = [(reader.line_num, [c.strip() for c in row]) for row in reader if any(c.strip() for c in row)]
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8", code="SD154", hint="save it as CSV, UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{path} is not CSV: {error}", code="SD154") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", code="SD154") from None
    if not rows:
        raise InputError(f"{path} is empty", code="SD155")
    return rows


def _target_column(target: str, names: tuple[str, ...], path: Path) -> int:
    if not target:
        return len(names) - 1
    if target in names:
        return names.index(target)
    if target.lstrip("-").isdigit() and -len(names) <= int(target) < len(names):
        return int(target) % len(names)
    raise InputError(f"{path} has no column {target!r}", code="SD155", hint="there are " + ", ".join(names[:20]))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, path: Path, line: int, name: str) -> float:
    if not _is_number(cell) or not np.isfinite(float(cell)):
        what = f"{cell!r} is not a finite number" if cell else "the cell is empty"
        hint = "fill in or drop the row, or encode words as numbers"
        if re.fullmatch(r"-?\d+,\d+", cell):
            hint = "write numbers with a decimal point"
        raise InputError(f"{path}, line {line}, {name}: {what}", code="SD155", hint=hint)
    return float(cell)


def _label_order(label: str) -> tuple[int, float, str]:
    return (0, float(label), "") if _is_number(label) else (1, 0.0, label)
