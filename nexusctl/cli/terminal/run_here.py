"""A command of the user's on this machine, with this terminal: watched to its end, whatever ends it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType

from nexusctl.cli.options import say

PATIENCE = 5.0
"""Seconds that it has to clean up in after a signal; CI systems that cancel a job leave ten for everything."""

PAUSE = 0.5
"""Seconds after which a clock is looked at again; a signal and the end of the command are noticed at once."""

TIMED_OUT, CANNOT_RUN, NOT_FOUND = 124, 126, 127
"""The exit codes that shells and coreutils' `timeout` have for these."""


def run_here(words: Sequence[str], environ: Mapping[str, str], *, timeout: float | None) -> int:
    """Run it to its end; returns its exit code, 128 + N where the signal N ended it or this process got it.

    After `timeout` seconds it is ended with all that it started, with 124. One that cannot be run is told: 126, 127.
    """
    # On a terminal it stays where Ctrl-C reaches it and may read what is typed; elsewhere it and its children are one.
    apart = not sys.stdin.isatty()
    with _Watch() as watch:
        try:
            process = subprocess.Popen(list(words), env={**os.environ, **environ}, start_new_session=apart)
        except OSError as error:
            return _refuse(words[0], error)
        return watch.follow(process, apart=apart, timeout=timeout)


def _refuse(name: str, error: OSError) -> int:
    say(f"error: {name} cannot be run: {(error.strerror or str(error)).lower()}")
    if " " in name:
        say("  = help: `sh -c '...'` runs a line of a shell")
    return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN


class _Watch:
    """Signals of this process are the command's while inside."""

    def __init__(self) -> None:
        self._caught: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._apart = False

    def __enter__(self) -> _Watch:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
        self._former = {number: signal.signal(number, self._handle) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def follow(self, process: subprocess.Popen[bytes], *, apart: bool, timeout: float | None) -> int:
        self._process, self._apart = process, apart
        if self._caught:
            self._send(self._caught[0])
        limit = math.inf if timeout is None else time.monotonic() + timeout
        end, late = math.inf, False
        while (code := _wait(process)) is None:
            now = time.monotonic()
            if end == math.inf and (self._caught or now >= limit):
                end, late = now + PATIENCE, not self._caught
                if late:
                    say("The time of the run is over: its command is ended.")
                    self._send(signal.SIGTERM)
            elif now >= end:
                self._send(signal.SIGKILL)
        if (late or self._caught) and apart:
            # What it has started may have outlived it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if self._caught:
            return 128 + self._caught[0]
        return TIMED_OUT if late else code if code >= 0 else 128 - code

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._caught.append(number)
        # A terminal has given it Ctrl-C itself. Whoever repeats that means it.
        if self._apart or number != signal.SIGINT or self._caught.count(signal.SIGINT) > 1:
            again = self._caught.count(signal.SIGINT) > 1
            self._send(signal.SIGKILL if again else number)

    def _send(self, number: int) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            if self._apart:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(PAUSE)
    except subprocess.TimeoutExpired:
        return None
