"""Whoever reads what a follower writes may go while there is nothing to write: then nobody would ever say so."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading

_FAILED = 1
"""As where a write finds that nobody reads."""


def end_with_reader() -> None:
    """From now on let this process end when nobody reads its stdout any more; only for what has nothing to finish."""
    try:
        descriptor = sys.stdout.fileno()
        kind = os.fstat(descriptor).st_mode
    except (OSError, ValueError):
        return
    # A file and a terminal have no reader whose end a poll would tell.
    if (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)) and hasattr(select, "poll"):
        threading.Thread(target=_watch, args=(descriptor,), name="reader", daemon=True).start()


def _watch(descriptor: int) -> None:
    poll = select.poll()
    # Errors are told without being asked for.
    poll.register(descriptor, 0)
    if any(told & (select.POLLERR | select.POLLHUP) for _, told in poll.poll()):
        os._exit(_FAILED)
