"""Running the works: agreement first, then time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from .contenders import everyone
from .measure import TOLERANCE, disagreement, ratio, time_all
from .problems import WORKS, Work


def configure_jax() -> None:
    try:
        import jax
    except ImportError:
        print("jax is not installed: its rows are missing", file=sys.stderr)
        return
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")


def configure_torch(threads: int) -> None:
    try:
        import torch
    except ImportError:
        print("torch is not installed: its rows are missing", file=sys.stderr)
        return
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float64)


def run_works(wanted: tuple[str, ...], quick: bool, only: list[str], seconds: float, slow: float) -> Iterator[dict[str, Any]]:
    for work in WORKS:
        if only and not all(w in f"{work.name} {work.kind}" for w in only):
            continue
        for size in work.sizes[: -1 if quick and len(work.sizes) > 1 else None]:
            left_out = work.too_large if size is work.sizes[-1] else ()
            yield run_one(work, size, wanted, seconds, slow, left_out)


def run_one(
    work: Work, size: dict[str, int], wanted: tuple[str, ...], seconds: float, slow: float, left_out: tuple[str, ...] = ()
) -> dict[str, Any]:
    """One row: medians, spreads and ratios of all contenders at one size."""
    D = work.data(np.random.default_rng(7), size)
    runs = {name: run for name, run in everyone(work, D, wanted).items() if name not in left_out}
    known = work.hand(D)
    errors: dict[str, float] = {}
    for name in list(runs):
        start = time.perf_counter()
        value = runs[name]()
        if name == "jax by hand" and work.expand is not None:
            value = work.expand(value, D)
        errors[name] = disagreement(value, known)
        if time.perf_counter() - start > slow:
            del runs[name]
    timings = time_all({n: r for n, r in runs.items() if errors[n] <= TOLERANCE}, seconds)
    row: dict[str, Any] = {
        "work": work.name,
        "kind": work.kind,
        "size": "×".join(map(str, size.values())),
        "errors": errors,
        "disagree": [n for n, e in errors.items() if e > TOLERANCE],
        "ms": {n: round(t.median * 1e3, 5) for n, t in timings.items()},
        "least_ms": {n: round(t.least * 1e3, 5) for n, t in timings.items()},
        "spread": {n: round(t.spread, 2) for n, t in timings.items()},
        "rounds": len(next(iter(timings.values())).rounds) if timings else 0,
    }
    row["ratios"] = {f"{a} / {b}": round(ratio(timings[a], timings[b]), 5) for a, b in PAIRS if a in timings and b in timings}
    return row


PAIRS = (
    ("symderiv numpy", "hand"), ("symderiv numpy", "best hand"), ("symderiv numpy", "jax"), ("symderiv numpy", "torch"),
    ("symderiv numba", "hand"), ("symderiv structured", "symderiv numpy"), ("symderiv structured", "jax"),
    ("symderiv structured", "jax by hand"),
    ("symderiv jax", "jax"), ("symderiv torch", "torch"),
)  # fmt: skip


# the engine --------------------------------------------------------------------------------------------------------------------
def net(depth: int, residual: bool = False) -> tuple[str, dict[str, str], list[str]]:
    """A deep tanh network, plain or residual, and its declarations."""
    lines, last = [], "X"
    for k in range(depth):
        lines.append(f"h{k} = {f'{last} + ' if residual else ''}tanh({last} @ W{k})")
        last = f"h{k}"
    names = [f"W{k}" for k in range(depth)]
    text = "\n".join([*lines, f"L = sum(({last} - Y)**2)"])
    return text, {"X": "n,d", "Y": "n,d", **dict.fromkeys(names, "d,d")}, names


def run_engine(quick: bool) -> list[dict[str, Any]]:
    """Seconds for deriving deep networks and wide sums, and for starting the command."""
    import symderiv as sd

    rows = []

    def timed(what: str, n: int, job: Any) -> None:
        start = time.perf_counter()
        job()
        rows.append({"what": what, "n": n, "seconds": round(time.perf_counter() - start, 4)})

    sd.derive("sum((X @ w - y)**2)", wrt="w", vars={"X": "n,d", "w": "d", "y": "n"})
    for residual in (False, True):
        for depth in (25, 50) if quick else (25, 50, 100, 200):
            text, declared, names = net(depth, residual)
            timed("residual network, all gradients" if residual else "network, all gradients", depth,
                  lambda: sd.derive(sd.parse(text, declared), wrt=names))  # noqa: B023  # fmt: skip
    for n in (100, 1000) if quick else (100, 1000, 10_000):
        text = " + ".join(f"{k + 1}*sin(x + {k})" for k in range(n))
        try:
            timed("sum of n terms, gradient", n, lambda: sd.derive(f"sum({text})", wrt="x", vars={"x": "d"}))  # noqa: B023
        except sd.SymDerivError as error:
            rows.append({"what": f"sum of n terms, gradient: refused ({error.code})", "n": n, "seconds": float("nan")})
    for _ in range(3):
        timed(
            "symderiv --help",
            1,
            lambda: subprocess.run([sys.executable, "-m", "symderiv", "--help"], capture_output=True, check=True),
        )
    return rows
