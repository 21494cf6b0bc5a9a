"""The process of the reaper: it looks every few seconds, and lets each stack end in a thread of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from nexusctl.api import connection
from nexusctl.api.connection import Engine
from nexusctl.api.inspection import JOURNAL as JOURNAL_PATH
from nexusctl.api.lifetimes.reap import END_AT_ONCE, end_expired, find_due
from nexusctl.api.reaper.itself import has_lifetimes, leave, move_in
from nexusctl.errors import LockHeld, NexusError
from nexusctl.model.plan.event import Failed, Planned
from nexusctl.reaper.lookout import Lookout
from nexusctl.reaper.sightings import Sightings, read, write

PAUSE = 5.0
"""Seconds between two looks."""

SILENCE = 20.0
"""Seconds without an answer of the engine after which it begins anew."""

IDLE = 3
"""Looks without any lifetime after which it goes: nothing is gained by coming and going."""

JOURNAL = Path(JOURNAL_PATH)


class Reaper:
    """Holds which stacks it is at work on."""

    def __init__(self, engine: Engine, container_id: str) -> None:
        self._engine, self._id = engine, container_id
        self._lookout = Lookout(_recall())
        self._busy: set[str] = set()
        self._mutex = threading.Lock()
        self._idle = 0

    def look(self) -> None:
        """One look, with what follows from it. Raises `EngineError`."""
        states = self._lookout.look(self._engine)
        _remember(self._lookout.seen)
        self._idle = 0 if any(map(has_lifetimes, states)) else self._idle + 1
        if self._idle >= IDLE and not self._busy:
            self._idle = 0
            leave(self._engine, self._id)
        for live in states:
            if find_due(*self._lookout.weigh(live)):
                self._begin(live.stack)

    def _begin(self, stack: str) -> None:
        with self._mutex:
            if stack in self._busy:
                return
            self._busy.add(stack)
        threading.Thread(target=self._end, args=(stack,), daemon=True).start()

    def _end(self, stack: str) -> None:
        try:
            for event in end_expired(self._engine, stack, END_AT_ONCE, self._lookout.weigh_again):
                if isinstance(event, Planned):
                    for change in event.plan.changes:
                        _say(f"{stack}: {change.action} {change.name}: {change.reason}")
                elif isinstance(event, Failed):
                    _say(f"{stack}: {event.problem.summary}")
        except LockHeld:
            _say(f"{stack}: it is being changed; its turn comes the next time")
        except NexusError as error:
            _say(f"{stack}: {'; '.join(problem.summary for problem in error.diagnostics)}")
        finally:
            with self._mutex:
                self._busy.discard(stack)


def main() -> NoReturn:
    """Look until there is nothing left to do. Exits with 1 where this is not the engine that is meant."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    engine = connection.connect()
    meant = os.environ.get("NEXUS_REAPER_ENGINE", "")
    if meant and engine.identity() != meant:
        _say("the socket that was given leads to another engine than the one that is meant")
        sys.exit(1)
    reaper = Reaper(engine, move_in(engine))
    _say("looks")
    heard = time.monotonic()
    while True:
        try:
            reaper.look()
            heard = time.monotonic()
        except NexusError as error:
            _say("; ".join(problem.summary for problem in error.diagnostics))
            if time.monotonic() - heard > SILENCE:
                # An engine that was restarted has a new socket, which only a new start of this container finds.
                sys.exit(1)
        time.sleep(PAUSE)


def _recall() -> Sightings:
    try:
        return read(JOURNAL.read_text())
    except OSError:
        return Sightings()


def _remember(seen: Sightings) -> None:
    """At once or not at all. Without it the clock on the wall is believed after a restart."""
    with contextlib.suppress(OSError):
        draft = JOURNAL.with_suffix(".new")
        draft.write_text(write(seen))
        draft.replace(JOURNAL)


def _say(line: str) -> None:
    # Names come from labels, which are anybody's to write.
    print(line.encode("unicode_escape", "replace").decode(), flush=True)  # noqa: T201 - its log


if __name__ == "__main__":
    main()
