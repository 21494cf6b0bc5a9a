"""Calls that an engine leaves unanswered: what is said while they are waited for, and how long that is.

An engine can lock itself up: it says that it is there, and never answers what needs the lock of its networks or of
one container. Only the time that passes tells that from one that has much to do.
"""

from __future__ import annotations

import threading
import time
from _socket import MSG_PEEK, socket

from nexusctl.engine.docker.client.http1 import Plug
from nexusctl.model.observed import notice

TOLD_AFTER = 10.0
"""Seconds without an answer after which the one who waits is told so."""

LIST_TIMEOUT = 50.0
"""Seconds that what waits for no single container may take: whom agents ask for an answer waits for a minute."""

REPEATED_TIMEOUT = 10.0
"""Seconds that a look has on an engine which has left the last call unanswered."""

PING_TIMEOUT = 5.0

LISTS = frozenset({"/containers/json", "/networks", "/volumes", "/images/json", "/info", "/version"})

LOCKED_UP = (
    "where it has little to do, it has locked itself up, and only a restart ends that: `systemctl restart docker`;"
    " containers run on where the engine has `live-restore`, else they end with it"
)
"""What to do about an engine that says that it is there, and no more."""


class Silence:
    """How long calls of one engine are waited for, with what the last ones have taught. Safe to share by threads."""

    def __init__(self, usual: float, lists: float) -> None:
        self._usual = usual
        self._lists = lists
        self._mutex = threading.Lock()
        self._unanswered = False
        self._told_at = 0.0

    def limit(self, method: str, path: str) -> float:
        """Seconds without a byte after which this call counts as unanswered."""
        usual = self._lists if method == "GET" and path in LISTS else self._usual
        # What changes something may have been done when its time is over, so it always has all of it.
        return min(usual, REPEATED_TIMEOUT) if self._unanswered and method == "GET" else usual

    def note(self, *, answered: bool) -> None:
        """Hear how a call has ended."""
        self._unanswered = not answered

    def wait(self, plug: Plug, url: str, call: str, limit: float) -> None:
        """Wait until an answer begins, for `TOLD_AFTER` seconds; then say what is waited for. Raises `OSError`."""
        if limit > TOLD_AFTER and plug.is_silent(TOLD_AFTER):
            self._tell(
                f"The engine at {url} has not answered {call} for {TOLD_AFTER:g} s; it has {limit - TOLD_AFTER:g} s"
                " more. Ctrl-C leaves; `nexusctl doctor` says what is wrong with it."
            )

    def _tell(self, text: str) -> None:
        """Once for all threads that wait at the same time."""
        with self._mutex:
            now = time.monotonic()
            if self._told_at and now - self._told_at < TOLD_AFTER:
                return
            self._told_at = now
        notice.say(text)


def is_silent(plug: socket, seconds: float) -> bool:
    """Whether nothing comes within `seconds`, not even the end; what comes is left to be read.

    These seconds are taken off the time that the other side has.
    """
    patience = plug.gettimeout()
    plug.settimeout(seconds)
    try:
        plug.recv(1, MSG_PEEK)
    except TimeoutError:
        patience = None if patience is None else max(patience - seconds, 0.001)
        return True
    finally:
        plug.settimeout(patience)
    return False
