"""Regular expressions that somebody else wrote: some take longer than the universe, so there is an end to trying."""

from __future__ import annotations

import re
import signal
import threading
from types import FrameType
from typing import NoReturn

SECONDS = 0.25
"""Of the processor's time, so that a busy machine makes no right pattern wrong."""


class TooSlow(Exception):
    """The expression has not come to an end in time."""


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` describes the whole of `text`. Raises `re.error` for what is no pattern, and `TooSlow`."""
    compiled = re.compile(pattern)
    if threading.current_thread() is not threading.main_thread():
        return compiled.fullmatch(text) is not None  # only the main thread can be interrupted
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        return compiled.fullmatch(text) is not None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(_: int, __: FrameType | None) -> NoReturn:
    raise TooSlow
