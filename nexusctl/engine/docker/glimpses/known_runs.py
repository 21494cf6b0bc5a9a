"""What lists do not tell of the runs of containers: it never changes, so it is asked once for each run.

An engine answers that only when nothing is being done to the container, such as an upload. Who cannot wait so long goes
on without it, and the next look has it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from nexusctl.engine.docker.bodies.inspect import AHEAD
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.late_regex import late_regex

Listed = Mapping[str, Any]
RunKey = tuple[str, ...]
"""The id of a container, and those of its places in networks."""

GOING = ("running", "paused", "restarting")
"""The states in which a run has begun, and has not ended for good."""

_SECONDS = late_regex(r"Up (?:Less than a second|(?P<seconds>\d+) seconds?)(?: \([^()]+\))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """When a run began, and how often the engine had started the container again."""

    started_at: str
    restarts: int


Reply = Future[KnownRun | None]
"""None where the container has gone."""


class AskedRuns:
    """What was asked about runs, by the ids of their containers."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self._replies = replies

    def hear(self, patience: float | None) -> None:
        """Wait until all is answered, or so many seconds."""
        wait(self._replies.values(), patience)

    def is_late(self, container_id: str) -> bool:
        """Whether the engine has not answered yet."""
        reply = self._replies.get(container_id)
        return reply is not None and not reply.done()

    def tell(self, container_id: str) -> KnownRun | None:
        """Waits for it where it is late; None where there is no such run. Raises `EngineError`."""
        reply = self._replies.get(container_id)
        return reply.result() if reply else None


class KnownRuns:
    """Those of the containers that were listed last. For any thread."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._mutex = threading.Lock()
        self._replies: dict[RunKey, Reply] = {}

    def ask(self, listed: Iterable[Listed]) -> AskedRuns:
        """Ask about the runs in `listed` that nobody has asked about, and do not wait."""
        going = {str(entry["Id"]): _key_of(entry) for entry in listed if entry["State"] in GOING}
        with self._mutex:
            replies = {one: self._replies.get(key) for one, key in going.items()}
            new: dict[str, Reply] = {one: Future() for one, reply in replies.items() if reply is None}
            known = {one: reply for one, reply in replies.items() if reply} | new
            # Of two looks at once one may forget what the other asks; then it is asked again.
            self._replies = {key: known[one] for one, key in going.items() if key}
        if new:
            # Whoever ends the process does not wait for the engine.
            threading.Thread(target=self._ask, args=(new,), name="runs", daemon=True).start()
        return AskedRuns(known)

    def _ask(self, new: Mapping[str, Reply]) -> None:
        ids = list(new)
        try:
            for first in range(0, len(ids), AHEAD):
                self._ask_some({one: new[one] for one in ids[first : first + AHEAD]})
        except BaseException as error:
            left = {id(reply): reply for reply in new.values() if not reply.done()}
            with self._mutex:
                self._replies = {key: reply for key, reply in self._replies.items() if id(reply) not in left}
            for reply in left.values():
                reply.set_exception(error)

    def _ask_some(self, new: Mapping[str, Reply]) -> None:
        with ExitStack() as stack:
            answers = {one: stack.enter_context(self._wire.ask_ahead(f"/containers/{one}/json")) for one in new}
            for one, read in answers.items():
                try:
                    found = _read(read())
                except NotFound:
                    found = None
                new[one].set_result(found)


def tell_start(status: str, now: float) -> str:
    """When a run began of which a list said `status` at the time `now`, in the middle of that second.

    Empty where it does not say it to the second. Pure.
    """
    match = _SECONDS.fullmatch(status)
    if match is None:
        return ""
    return datetime.fromtimestamp(now - int(match["seconds"] or 0) - 0.5, UTC).isoformat()


def _read(inspected: Mapping[str, Any]) -> KnownRun:
    started = str(inspected["State"].get("StartedAt", ""))
    return KnownRun(
        started_at="" if started.startswith("0001-") else started,
        restarts=int(inspected.get("RestartCount") or 0),
    )


def _key_of(entry: Listed) -> RunKey:
    """Of the run that a list shows; empty where it does not tell one from the next."""
    places = ((entry.get("NetworkSettings") or {}).get("Networks") or {}).values()
    ids = sorted(str((place or {}).get("EndpointID") or "") for place in places)
    return (str(entry["Id"]), *ids) if ids and all(ids) and entry["State"] in ("running", "paused") else ()
