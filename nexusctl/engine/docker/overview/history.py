"""Who has done what to a stack, by the labels and times of its containers and of the marks beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.hold_mark import read_hold, read_past
from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.observed.history import Deed, sort_history, tell_end


def list_history(wire: Wire, stack: str) -> tuple[Deed, ...]:
    """The newest first. Raises `EngineError`."""
    own = {"filters": {"label": [f"{labels.STACK}={stack}"]}}
    containers = wire.get("/containers/json", {"all": True, **own})
    volumes = wire.get("/volumes", own)["Volumes"] or []
    present = {entry["Id"] for entry in containers}
    found = [*_read_containers(containers), *_read_marks(volumes, present)]
    return sort_history(found)


def _read_containers(entries: list[Mapping[str, Any]]) -> Iterator[Deed]:
    for entry in entries:
        marks = entry["Labels"] or {}
        if marks.get(labels.ROLE) == "sandbox" and (name := marks.get(labels.SANDBOX, "")):
            user = marks.get(labels.MAKER, "")
            yield Deed(at=int(entry["Created"]), sandbox=name, kind="created", user=user, container=entry["Id"])


def _read_marks(entries: list[Mapping[str, Any]], present: Collection[str]) -> Iterator[Deed]:
    """`present` are the ids of the containers that there are."""
    for entry in entries:
        marks = entry["Labels"] or {}
        name, container = marks.get(labels.SANDBOX, ""), marks.get(labels.CONTAINER, "")
        if not name:
            # None of ours.
            continue
        if marks.get(labels.ROLE) == "amendment":
            at, user = _read_time(str(entry.get("CreatedAt", ""))), marks.get(labels.MAKER, "")
            yield Deed(at=at, sandbox=name, kind="changed", user=user, container=container)
        elif marks.get(labels.ROLE) == "extension":
            yield Deed(
                at=labels.read_seconds(marks.get(f"{labels.EXTENSION}since", "")),
                sandbox=name,
                kind="extended",
                user=marks.get(f"{labels.EXTENSION}user", ""),
                container=container,
                until=labels.read_seconds(marks.get(f"{labels.EXTENSION}until", "")) or None,
            )
        elif marks.get(labels.ROLE) == "past":
            yield from read_past(entry)
        elif marks.get(labels.ROLE) == "hold":
            hold = read_hold(entry, labels.read_seconds(marks.get(f"{labels.HOLD}since", "")))
            yield tell_end(hold, name, container, present=container in present)


def _read_time(text: str) -> int:
    try:
        return max(0, int(datetime.fromisoformat(text).timestamp()))
    except (ValueError, OverflowError):
        return 0
