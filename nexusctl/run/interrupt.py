"""Whether the user asked to stop."""

from __future__ import annotations

import threading


class Interrupt:
    """Set once by a signal; waits look at it, and the executor starts no new step after it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def request(self) -> None:
        self._event.set()

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake up at once when a stop is requested."""
        self._event.wait(seconds)
