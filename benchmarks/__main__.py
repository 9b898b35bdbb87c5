"""`python -m benchmarks [--quick] [--json FILE] [--only WORD]`: ratios of emitted code to hand-written code and to the peers."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

THREADS = os.environ.get("BENCHMARK_THREADS", "2")
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, THREADS)
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads of one contender do not spin while another runs
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
CONTENDERS = ("numpy", "numba", "structured", "jax", "torch")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only, under two minutes")
    parser.add_argument("--json", metavar="FILE", help="write all numbers to a file")
    parser.add_argument("--markdown", metavar="FILE", help="write the results page")
    parser.add_argument("--only", metavar="WORD", action="append", default=[], help="only works whose name or kind has this word")
    parser.add_argument("--contenders", nargs="*", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--seconds", type=float, default=0.0, help="time to spend on each size (2, or 0.4 with --quick)")
    parser.add_argument("--skip-slow", type=float, default=60.0, metavar="S", help="leave out a peer whose one call takes longer")
    parser.add_argument("--from-json", metavar="FILE", action="append", default=[], help="a page of earlier rows")
    parser.add_argument("--engine", action="store_true", help="only the engine's own times")
    options = parser.parse_args(argv)
    from .report import engine_table, machine, markdown, merged, table
    from .run import run_engine, run_works

    if "jax" in options.contenders:
        from .run import configure_jax

        configure_jax()
    if "torch" in options.contenders:
        from .run import configure_torch

        configure_torch(int(THREADS))
    seconds = options.seconds or (0.4 if options.quick else 2.0)
    rows = []
    if options.from_json:
        found = merged([json.loads(Path(name).read_text(encoding="utf-8")) for name in options.from_json])
        print(table(found["rows"]))
        if options.markdown:
            with open(options.markdown, "w", encoding="utf-8") as file:
                file.write(markdown(found))
        return 0
    if not options.engine:
        for row in run_works(tuple(options.contenders), options.quick, options.only, seconds, options.skip_slow):
            rows.append(row)
            if options.json:  # what is measured is kept, whatever comes after
                with open(options.json, "w", encoding="utf-8") as file:
                    json.dump({"machine": machine(int(THREADS)), "rows": rows, "engine": []}, file, indent=1)
            print(table([row], header=len(rows) == 1), flush=True)
        print()
    engine = run_engine(options.quick) if not options.only else []
    if engine:
        print(engine_table(engine))
    found = {"machine": machine(int(THREADS)), "rows": rows, "engine": engine}
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(markdown(found))
    return 1 if any(r["disagree"] for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
