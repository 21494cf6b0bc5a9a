"""Tasks that have ended well, as marks (see `client/claim_volume.py`).

Whatever prunes containers takes one that has ended, and with it went all that says that a task has run. So where the
end of a task is seen, a mark takes over the task's record: without the container, it is the sandbox. It goes where
the container would have to go, too: before another run, and with the sandbox.

A prune can also come between the end and the look at it. Then the engine's events still tell how it ended.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.claim_volume import claim_mark
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.observed.live import LiveSandbox

Listed = Mapping[str, Any]

_RECENT = 60
"""Seconds that the engine is asked back for; it keeps some hundred events."""


def note_end(wire: Wire, stack: str, sandbox: str, container_id: str) -> None:
    """Write down that the task `sandbox` has ended with 0 in this container, which may be gone by now."""
    try:
        found = wire.get(f"/containers/{container_id}/json")["Config"]["Labels"] or {}
    except NotFound:
        found = _recall_death(wire, container_id)
    marks = {
        labels.STACK: stack,
        labels.SANDBOX: sandbox,
        labels.ROLE: "end",
        labels.CONTAINER: container_id,
        # One that was taken over has none but its amendment.
        labels.RECORD: found.get(labels.RECORD, ""),
    }
    claim_mark(wire, f"nexusctl_end_{container_id[:16]}", marks)


def has_ended_well(wire: Wire, container_id: str) -> bool:
    """Whether a container that is gone by now had ended with 0, as far as the engine remembers."""
    return _recall_death(wire, container_id, besides=("destroy",)).get(labels.EXIT_CODE) == "0"


def group_ends(marked: Iterable[Listed]) -> dict[str, Listed]:
    """The stack's marks of ends by container id."""
    return {
        entry["Labels"].get(labels.CONTAINER, ""): entry
        for entry in marked
        if entry["Labels"].get(labels.ROLE) == "end"
    }


def with_end(sandbox: LiveSandbox, ends: Mapping[str, Listed]) -> LiveSandbox:
    end = ends[sandbox.id]["Name"] if sandbox.id in ends else ""
    # Only what stands for a container that is gone was never made.
    gone = not sandbox.created_at
    return replace(sandbox, amendments=(*sandbox.amendments, end), end=end, gone=gone) if end else sandbox


def list_gone(ends: Mapping[str, Listed], ids: Collection[str], listed: str) -> Iterator[Listed]:
    """What stands for each container that is gone: an entry like those of the engine's list; its name is `listed`."""
    for container_id, entry in sorted(ends.items()):
        if container_id not in ids:
            name = listed.format(entry["Labels"].get(labels.SANDBOX, ""))
            yield {
                "Id": container_id,
                "Names": [f"/{name}"],
                "Labels": entry["Labels"],
                "State": "exited",
                "Status": "Exited (0) before it was pruned",
                "Created": 0,
                "Image": "",
                "ImageID": "",
                "Ports": [],
            }


def _recall_death(wire: Wire, container_id: str, besides: tuple[str, ...] = ()) -> Mapping[str, str]:
    """What the engine said of a container when it ended, its labels among it; empty where it remembers nothing.

    An event tells labels and what the engine says in one, and a label of an image comes before the engine's own word.
    So it is empty, too, where one of the events `besides`, of which the engine tells no exit code, has one.
    """
    now = time.time()
    query = {
        "since": int(now) - _RECENT,
        "until": f"{now:.9f}",
        "filters": {"container": [container_id], "event": ["die", *besides]},
    }
    found: Mapping[str, str] = {}
    for event in wire.lines("GET", "/events", query):
        told = event["Actor"]["Attributes"] or {}
        if event["Action"] == "die":
            found = told
        elif labels.EXIT_CODE in told:
            return {}
    return found
