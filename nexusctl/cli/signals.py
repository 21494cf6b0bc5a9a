"""Ctrl-C and SIGTERM: they end what has not begun; during an apply the first stops it, the second leaves at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from nexusctl.run.interrupt import Interrupt

_STOPPING = "Stopping: no new step is started, running ones come to their end. Once more to leave at once."
_LEAVING = "Left at once: what was running is unknown. `nexusctl plan` shows what is left to do."


def obey_sigterm() -> None:
    """From now on SIGTERM ends this process as Ctrl-C does: what it holds is let go on the way out."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def stoppable() -> Iterator[Interrupt]:
    """An interrupt that the signals set while inside; the former handlers come back afterwards."""
    interrupt = Interrupt()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if interrupt.requested:
            _say(_LEAVING)
            os._exit(130)
        interrupt.request()
        _say(_STOPPING)

    former = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    """A line on stderr, past Python's own buffer, which the interrupted code may be writing to at this moment."""
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())
