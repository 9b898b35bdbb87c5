"""Interleaved timing: every contender runs in every round, so that a busy machine slows all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

TOLERANCE = 1e-10


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median, the least, and the 10th and 90th percentile over rounds."""

    median: float
    least: float
    low: float
    high: float
    rounds: list[float]

    @property
    def spread(self) -> float:
        return self.high / self.low if self.low > 0 else float("inf")


def ratio(mine: Timing, other: Timing) -> float:
    """The median of the ratios within rounds."""
    return statistics.median(a / b for a, b in zip(mine.rounds, other.rounds, strict=True))


def as_arrays(value: Any) -> list[np.ndarray]:
    """A contender's result as NumPy arrays in order."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [a for v in value for a in as_arrays(v)]
    if hasattr(value, "dense"):
        value = value.dense()
    return [np.asarray(value.detach() if hasattr(value, "detach") else value, dtype=float)]


def disagreement(got: Any, known: Any) -> float:
    """The largest difference, relative to the largest entry of each array."""
    a, b = as_arrays(got), as_arrays(known)
    if [x.shape for x in a] != [x.shape for x in b]:
        return float("inf")
    return max(
        float(np.max(np.abs(x - y), initial=0) / max(np.max(np.abs(y), initial=0), 1e-300)) for x, y in zip(a, b, strict=True)
    )


def time_all(
    contenders: Mapping[str, Callable[[], Any]], budget: float, least_rounds: int = 3, most_rounds: int = 60
) -> dict[str, Timing]:
    """Time all contenders in rounds for about `budget` seconds."""
    repeats: dict[str, int] = {}
    once: dict[str, float] = {}
    for name, run in contenders.items():
        run()
        start = time.perf_counter()
        run()
        once[name] = time.perf_counter() - start
        repeats[name] = max(1, min(200, int(2e-3 / max(once[name], 1e-7))))
    each_round = sum(once[n] * (repeats[n] + 1) for n in contenders)
    rounds = int(max(least_rounds, min(most_rounds, budget / max(each_round, 1e-6))))
    times: dict[str, list[float]] = {n: [] for n in contenders}
    names = list(contenders)
    gc.collect()
    gc.disable()
    try:
        for k in range(rounds):
            for name in names[k % len(names) :] + names[: k % len(names)]:
                run, count = contenders[name], repeats[name]
                run()  # untimed: threads of the contender before go to sleep, its data leave the cache
                start = time.perf_counter()
                for _ in range(count):
                    run()
                times[name].append((time.perf_counter() - start) / count)
    finally:
        gc.enable()
    return {n: summary(t) for n, t in times.items()}


def summary(rounds: list[float]) -> Timing:
    ordered = sorted(rounds)
    at = lambda q: ordered[min(len(ordered) - 1, int(q * len(ordered)))]  # noqa: E731
    return Timing(statistics.median(rounds), ordered[0], at(0.1), at(0.9), rounds)
