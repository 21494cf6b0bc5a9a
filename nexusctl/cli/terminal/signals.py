"""Ctrl-C and SIGTERM: they end what has not begun; during an apply the first stops it, the second leaves at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from nexusctl.api.execution import Interrupt, handled, interruptible

STOPPING = "Stopping: no new step is started, builders and pulls are ended. Ctrl-C once more leaves at once."
CLEARING = "The stack is being removed. Ctrl-C once more leaves at once, and the next run removes what is left."
TIME_IS_OVER = "Its time is over: no new step is started, builders and pulls are ended, others have 30 s left."
_LEAVING = "Left at once: what was running is unknown. `nexusctl plan` shows what is left to do."


SIGNALS = (signal.SIGINT, signal.SIGTERM)


def obey_sigterm() -> None:
    """From now on SIGTERM ends this process as Ctrl-C does: what it holds is let go on the way out."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def obey_hangup() -> None:
    """The same for the end of its terminal, unless that is ignored, as `nohup` wants it."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)


@contextmanager
def stoppable(*, painted: bool = False, clears: bool = False) -> Iterator[Interrupt]:
    """An interrupt that the signals set while inside; the former handlers come back afterwards.

    With `painted` it is shown on a board, which would wipe away what is said here. With `clears` all is removed
    afterwards, whatever it was: what runs is abandoned, and only a person who repeats it leaves at once.
    """

    def hear() -> None:
        if not painted:
            _say(STOPPING)

    def hear_again(number: int) -> None:
        if number == signal.SIGINT or not clears:
            leave(130)

    with interruptible(SIGNALS, hear_again, hear, abandons=clears) as interrupt:
        yield interrupt


@contextmanager
def breakable() -> Iterator[None]:
    """While inside, a signal raises `KeyboardInterrupt`, whatever was to become of it outside."""

    def hear(_: int) -> None:
        raise KeyboardInterrupt

    with handled(_heard(), hear):
        yield


@contextmanager
def shielded() -> Iterator[None]:
    """While inside, what has to be done is done in spite of signals; only a second Ctrl-C leaves at once.

    Afterwards all is done and the exit code is known: nothing ends this process but its end.
    """
    pressed = 0

    def hear(number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += number == signal.SIGINT
        if pressed > 1:
            leave(130)
        _say(CLEARING)

    numbers = _heard()
    for number in numbers:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


def _heard() -> tuple[signal.Signals, ...]:
    """Also the end of the terminal, unless that is ignored."""
    hangup = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return (*SIGNALS, signal.SIGHUP) if hangup else SIGNALS


def leave(code: int) -> None:
    """End this process whatever it does, and say so. Its locks are taken over from the dead."""
    _say(_LEAVING)
    os._exit(code)


def _say(line: str) -> None:
    """A line on stderr, past Python's own buffer, which the interrupted code may be writing to at this moment."""
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())
