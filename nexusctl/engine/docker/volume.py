"""Claiming a volume: creating one is an atomic test-and-set, in which whoever comes first puts the labels on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.engine.docker.wire import Wire
from nexusctl.errors import NotFound


def claim_volume(wire: Wire, name: str, marks: Mapping[str, str]) -> Mapping[str, Any]:
    """Make the volume `name` with the labels `marks` unless it is there; returns what is there then.

    An engine that was restarted answers for a volume from before without its labels: they are looked up where the
    answer's are not `marks`. Raises `EngineError`.
    """
    while True:
        entry: Mapping[str, Any] = wire.post("/volumes/create", {"Name": name, "Labels": dict(marks)})
        if bears(entry, marks):
            return entry
        try:
            entry = wire.get(f"/volumes/{name}")
        except NotFound:
            # It was removed in between, so it is free again.
            continue
        return entry


def bears(entry: Mapping[str, Any], marks: Mapping[str, str]) -> bool:
    found = entry["Labels"] or {}
    return all(found.get(key) == value for key, value in marks.items())
