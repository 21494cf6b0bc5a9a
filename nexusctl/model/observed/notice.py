"""What is said while something is waited for, before there is an answer: to whoever listens at that moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[str], None]

_listeners: list[Tell] = []


@contextmanager
def listening(tell: Tell) -> Iterator[None]:
    """While inside, `tell` hears what is said, from any thread, in the place of who heard it before."""
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


def say(text: str) -> None:
    """Say a line to the last who listens, if anybody does."""
    if _listeners:
        _listeners[-1](text)
