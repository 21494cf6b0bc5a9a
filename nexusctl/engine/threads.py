"""Threads for calls that wait for somebody else: nobody waits for them after Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def open_crew(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of `workers` threads. Where something is raised inside, what has not begun is dropped, the rest is left.

    The library's own would wait for the rest, whatever that waits for.
    """
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
