"""Chains judged in several processes; every process plans the document for itself and judges the blocks that it is given."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from .findings import Relation
from .paper import Paper

BLOCK = 6  # chains a process takes at once
_checker: Any = None


def jobs_of(jobs: int) -> int:
    """The number of processes: 0 means as many as there are processors."""
    if jobs:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def judge_in_parallel(
    paper: Paper, options: Any, todo: Sequence[int], jobs: int
) -> Iterator[tuple[int, list[tuple[Relation, str]]]]:
    """The relations of the chains with these numbers, as they are done."""
    blocks = [list(todo[k : k + BLOCK]) for k in range(0, len(todo), BLOCK)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(blocks)), context, _start, (paper, options)) as pool:
        for done in pool.map(_judge, blocks):
            yield from done


def _start(paper: Paper, options: Any) -> None:
    from .checker import Checker

    global _checker
    _checker = Checker(paper, options)
    _checker.plan()


def _judge(block: list[int]) -> list[tuple[int, list[tuple[Relation, str]]]]:
    return [(n, _checker.judged(n)) for n in block]


__all__ = ["jobs_of", "judge_in_parallel"]
