"""Ctrl-C and SIGTERM during an apply: the first asks it to stop, the second ends the process at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nexusctl.cli.options import say
from nexusctl.run.interrupt import Interrupt


@contextmanager
def stoppable() -> Iterator[Interrupt]:
    """An interrupt that the signals set while inside; the former handlers come back afterwards."""
    interrupt = Interrupt()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if interrupt.requested:
            os._exit(130)
        interrupt.request()
        say("Stopping: no new step is started, running ones come to their end. Once more to leave at once.")

    former = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
