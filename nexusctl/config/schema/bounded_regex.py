"""Patterns that somebody else wrote: some take longer than the universe, so there is an end to trying."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TypeVar

SECONDS = 0.25
"""For one attempt, of the processor's time, so that a busy machine makes no right pattern wrong."""

TOTAL = 2.0
"""For all attempts of a load: a file has room for very many patterns."""

Result = TypeVar("Result")


class TooSlow(Exception):
    """The pattern has not come to an end in time."""


class Patience:
    """Lives as long as one load, which it bounds."""

    def __init__(self) -> None:
        self._left = TOTAL

    def matches(self, pattern: str, text: str) -> bool:
        """Whether `pattern` describes the whole of `text`. Raises `re.error` for what is no pattern, and `TooSlow`."""
        return self.attempt(lambda: re.fullmatch(pattern, text) is not None)

    def attempt(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, unless it takes too long. Raises `TooSlow`."""
        if threading.current_thread() is not threading.main_thread():
            return work()  # only the main thread can be interrupted
        if self._left <= 0:
            raise TooSlow
        given = min(SECONDS, self._left)
        before = signal.signal(signal.SIGVTALRM, _stop)
        signal.setitimer(signal.ITIMER_VIRTUAL, given)
        try:
            return work()
        finally:
            self._left -= given - signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0]
            signal.signal(signal.SIGVTALRM, before)


def _stop(_: int, __: FrameType | None) -> NoReturn:
    raise TooSlow
