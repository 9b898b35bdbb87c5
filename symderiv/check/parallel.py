"""Chains judged in several processes; every process plans the document for itself and judges the blocks that it is given."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from typing import Any

from .findings import Relation
from .paper import Paper

BLOCK = 6  # chains a process takes at once
TICK = 0.25  # seconds
_checker: Any = None


def jobs_of(jobs: int) -> int:
    """The number of processes: 0 means as many as there are processors."""
    if jobs:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def judge_in_parallel(
    paper: Paper, options: Any, todo: Sequence[int], jobs: int, waiting: Callable[[], None]
) -> Iterator[tuple[int, list[tuple[Relation, str]]]]:
    """The relations of the chains with these numbers, as they are done; `waiting` is called several times a second."""
    blocks = [list(todo[k : k + BLOCK]) for k in range(0, len(todo), BLOCK)]
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(blocks)), context, _start, (paper, options))
    try:
        with _interrupts_are_ours():
            left = {pool.submit(_judge, block) for block in blocks}
        while left:
            done, left = wait(left, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
            waiting()
    except BaseException:  # whoever stops, stops at once, and leaves no process behind
        for process in list(getattr(pool, "_processes", None) or {}):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGTERM)
        pool.shutdown(wait=False)
        raise
    pool.shutdown()


@contextlib.contextmanager
def _interrupts_are_ours() -> Iterator[None]:
    """Processes that are started here do not hear Ctrl-C: who started them stops them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start(paper: Paper, options: Any) -> None:
    from .checker import Checker

    global _checker
    _checker = Checker(paper, options)
    _checker.plan()


def _judge(block: list[int]) -> list[tuple[int, list[tuple[Relation, str]]]]:
    return [(n, _checker.judged(n)) for n in block]


__all__ = ["jobs_of", "judge_in_parallel"]
