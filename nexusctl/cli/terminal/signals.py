"""Ctrl-C and SIGTERM: they end what has not begun; during an apply the first stops it, the second leaves at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from nexusctl.api.execution import Interrupt

STOPPING = "Stopping: no new step is started, builders and pulls are ended. Ctrl-C once more leaves at once."
TIME_IS_OVER = "Its time is over: no new step is started, builders and pulls are ended, others have 30 s left."
_LEAVING = "Left at once: what was running is unknown. `nexusctl plan` shows what is left to do."


def obey_sigterm() -> None:
    """From now on SIGTERM ends this process as Ctrl-C does: what it holds is let go on the way out."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def stoppable(*, painted: bool = False) -> Iterator[Interrupt]:
    """An interrupt that the signals set while inside; the former handlers come back afterwards.

    With `painted` it is shown on a board, which would wipe away what is said here.
    """
    interrupt = Interrupt()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if interrupt.requested:
            leave(130)
        interrupt.request()
        if not painted:
            _say(STOPPING)

    former = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def leave(code: int) -> None:
    """End this process whatever it does, and say so. Its locks are taken over from the dead."""
    _say(_LEAVING)
    os._exit(code)


def _say(line: str) -> None:
    """A line on stderr, past Python's own buffer, which the interrupted code may be writing to at this moment."""
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())
