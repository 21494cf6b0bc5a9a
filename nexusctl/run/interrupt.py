"""Whether the user asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """Set once by a signal; waits look at it, and the executor starts no new step after it."""

    def __init__(self) -> None:
        self._requested = False
        self._alarms: set[threading.Event] = set()

    def request(self) -> None:
        self._requested = True
        for alarm in tuple(self._alarms):
            alarm.set()

    @property
    def requested(self) -> bool:
        return self._requested

    @contextmanager
    def alarm(self) -> Iterator[threading.Event]:
        """Something to sleep on that wakes up at once when a stop is requested, and when anybody else sets it."""
        alarm = threading.Event()
        self._alarms.add(alarm)
        try:
            yield alarm
        finally:
            self._alarms.discard(alarm)
