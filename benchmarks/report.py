"""Tables of ratios."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from typing import Any

SHOWN = (
    ("hand", "symderiv numpy / hand"), ("best", "symderiv numpy / best hand"), ("jax", "symderiv numpy / jax"),
    ("torch", "symderiv numpy / torch"), ("numba", "symderiv numba / hand"), ("struct/full", "symderiv structured / symderiv numpy"),
    ("struct/expert", "symderiv structured / jax by hand"),
    ("jax/jax", "symderiv jax / jax"), ("torch/torch", "symderiv torch / torch"),
)  # fmt: skip


def table(rows: list[dict[str, Any]], header: bool = True) -> str:
    """One line a row: milliseconds of hand and emitted code, then ratios (below 1 symderiv is faster), then the spread."""
    lines = []
    if header:
        shown = " ".join(f"{s:>13}" for s, _ in SHOWN)
        lines.append(f"{'work':27} {'kind':8} {'size':12} {'hand ms':>9} {'ours ms':>9} {shown}  p90/p10")
    for r in rows:
        ms = r["ms"]
        cells = " ".join(f"{r['ratios'][k]:13.4g}" if k in r["ratios"] else f"{'-':>13}" for _, k in SHOWN)
        times = " ".join(f"{ms[k]:9.4g}" if k in ms else f"{'-':>9}" for k in ("hand", "symderiv numpy"))
        spread = r["spread"].get("symderiv numpy", float("nan"))
        lines.append(f"{r['work']:27} {r['kind']:8} {r['size']:12} {times} {cells}  {spread:.2f}")
        if r["disagree"]:
            shown = ", ".join(f"{n} {r['errors'][n]:.1e}" for n in r["disagree"])
            lines.append(f"    DISAGREES with the hand-written form: {shown}")
    return "\n".join(lines)


def engine_table(rows: list[dict[str, Any]]) -> str:
    return "\n".join(f"{r['what']:40} {r['n']:7} {r['seconds']:9.3f} s" for r in rows)


def machine(threads: int) -> dict[str, Any]:
    """The kind of machine and the versions."""
    import importlib.metadata

    versions = {}
    for name in ("numpy", "numba", "jax", "torch", "sympy"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "threads": threads,
        "processor": processor(),
        "python": platform.python_version(),
        "versions": versions,
    }


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def medians(rows: list[dict[str, Any]], kinds: tuple[str, ...], key: str) -> tuple[float, float, int]:
    """Median and largest ratio of some kinds of work, and how many there are."""
    found = [r["ratios"][key] for r in rows if r["kind"] in kinds and key in r["ratios"]]
    return (statistics.median(found), max(found), len(found)) if found else (float("nan"), float("nan"), 0)


def merged(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Several runs on one machine as one; the first row of a work and size counts."""
    rows: dict[tuple, dict[str, Any]] = {}
    for f in found:
        for r in f["rows"]:
            rows.setdefault((r["work"], r["kind"], r["size"]), r)
    return {"machine": found[0]["machine"], "rows": list(rows.values()), "engine": [e for f in found for e in f["engine"]]}


def markdown(found: dict[str, Any]) -> str:
    """The results page."""
    m, rows = found["machine"], found["rows"]
    versions = ", ".join(f"{k} {v}" for k, v in m["versions"].items())
    lines = [
        "# Benchmarks", "",
        f"Measured {m['date']} by `python -m benchmarks` on a {m['cores']}-core machine ({m['processor']}), {m['threads']} threads for",
        f"every contender (none spins while another runs), float64, Python {m['python']}, {versions}. Every contender's result is compared with the hand-written closed form",
        "first (1e-10 relative); contenders run interleaved, and a ratio is the median of the ratios within rounds. Below 1 the emitted code is",
        "faster; *spread* is the 90th over the 10th percentile of the emitted code's time. The machine was shared with other work: ratios under",
        "1.3 are ties.", "",
        "*hand* is a careful person's closed form in NumPy, *best* the best variant known by hand; JAX is `jit(grad)`, `jit(hessian)`; torch is",
        "`autograd.grad`, `torch.func.hessian`. *numba* is the one-pass emission over *hand*; *structured* is the compressed Hessian over the",
        "full one, *expert* the compressed Hessian by a JAX program restructured by hand; *jax/jax* and *torch/torch* are emitted JAX and PyTorch code over the peers' automatic differentiation.", "",
        "| work | kind | size | hand ms | emitted ms | / hand | / best | / JAX | / torch | numba / hand | structured / full | structured / expert | jax/jax |"
        " torch/torch | spread |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in rows:
        cells = [f"{r['ratios'][k]:.3g}" if k in r["ratios"] else "" for _, k in SHOWN]
        times = [f"{r['ms'][k]:.3g}" if k in r["ms"] else "" for k in ("hand", "symderiv numpy")]
        spread = f"{r['spread'].get('symderiv numpy', 0):.2f}"
        lines.append("| " + " | ".join([r["work"], r["kind"], r["size"], *times, *cells, spread]) + " |")
    lines += ["", "| goal | median | largest | rows |", "|---|---|---|---|"]
    for title, kinds, key in (
        ("gradients and HVPs, NumPy over hand", ("gradient", "hvp"), "symderiv numpy / hand"),
        ("gradients and HVPs, NumPy over jitted JAX", ("gradient", "hvp"), "symderiv numpy / jax"),
        ("gradients and HVPs, NumPy over torch", ("gradient", "hvp"), "symderiv numpy / torch"),
        ("numba over hand", ("gradient", "hvp"), "symderiv numba / hand"),
        ("Hessians, NumPy over jitted JAX", ("hessian",), "symderiv numpy / jax"),
        ("Hessians, structured over full", ("hessian",), "symderiv structured / symderiv numpy"),
        ("emitted JAX over jit(grad), jit(hessian)", ("gradient", "hvp", "hessian"), "symderiv jax / jax"),
        ("emitted torch over autograd", ("gradient", "hvp", "hessian"), "symderiv torch / torch"),
    ):
        middle, largest, count = medians(rows, kinds, key)
        if count:
            lines.append(f"| {title} | {middle:.3g} | {largest:.3g} | {count} |")
    if found["engine"]:
        lines += ["", "| engine | n | seconds |", "|---|---|---|"]
        lines += [f"| {r['what']} | {r['n']} | {r['seconds']:.3f} |" for r in found["engine"]]
    return "\n".join(lines) + "\n"
