"""Threads for calls that wait for somebody else: nobody waits for them after Ctrl-C.

The library's own pools bring logging and tracebacks along, which take a tenth of a `status` to load.
"""

from __future__ import annotations

import threading
from _queue import SimpleQueue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

T = TypeVar("T")
Given = TypeVar("Given")


class Crew:
    """At most so many threads at work."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._dropped = threading.Event()

    def map(self, do: Callable[[Given], T], given: Iterable[Given]) -> Iterator[T]:
        """What `do` makes of each, in their order; all are begun now. Raises what the first of them raises."""
        todo = deque(enumerate(given))
        done: SimpleQueue[tuple[int, T | None, BaseException | None]] = SimpleQueue()
        count = len(todo)

        def work() -> None:
            while todo and not self._dropped.is_set():
                try:
                    number, one = todo.popleft()
                except IndexError:
                    return
                try:
                    done.put((number, do(one), None))
                except BaseException as error:
                    done.put((number, None, error))

        for _ in range(min(self._workers, count)):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()
        return _in_order(count, done)

    def drop(self) -> None:
        """Begin nothing more."""
        self._dropped.set()

    def join(self) -> None:
        """Wait until all is done."""
        for thread in self._threads:
            thread.join()


def _in_order(count: int, done: SimpleQueue[tuple[int, T | None, BaseException | None]]) -> Iterator[T]:
    came: dict[int, tuple[T | None, BaseException | None]] = {}
    for number in range(count):
        while number not in came:
            which, made, error = done.get()
            came[which] = made, error
        made, error = came.pop(number)
        if error is not None:
            raise error
        yield cast("T", made)


@contextmanager
def open_crew(workers: int) -> Iterator[Crew]:
    """A crew of `workers` threads. Where something is raised inside, what has not begun is dropped, the rest is left.

    The library's own would wait for the rest, whatever that waits for.
    """
    crew = Crew(workers)
    try:
        yield crew
    except BaseException:
        crew.drop()
        raise
    crew.join()
