"""Claiming a volume: creating one is an atomic test-and-set, in which whoever comes first puts the labels on.

A mark is a volume that is there for its labels alone: a lock, an amendment, an adoption, a deed, a note. Nobody mounts
it, and what nobody mounts goes with `docker volume prune`. But prunes leave volumes with mount options alone, because
there is no space to be won by them (measured on 20.10 and 26.1, also `system prune -af --volumes`; tags of images are
no refuge: `image prune -a` takes all of an image's tags but one, also while containers run from it). So a mark has
some, of a file system that does not exist: nothing is ever stored in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound

UNPRUNED = {"type": "none", "device": "none"}


def claim_mark(wire: Wire, name: str, marks: Mapping[str, str]) -> Mapping[str, Any]:
    """As `claim_volume`, for one that is there for its labels alone and that no prune may take."""
    return claim_volume(wire, name, marks, UNPRUNED)


def claim_volume(
    wire: Wire, name: str, marks: Mapping[str, str], options: Mapping[str, str] | None = None, driver: str = ""
) -> Mapping[str, Any]:
    """Make the volume `name` with the labels `marks` unless it is there; returns what is there then.

    An engine that was restarted answers for a volume from before without its labels: they are looked up where the
    answer's are not `marks`. Raises `EngineError`.
    """
    while True:
        body = {"Name": name, "Labels": dict(marks), "DriverOpts": dict(options or {})}
        body |= {"Driver": driver} if driver else {}
        entry: Mapping[str, Any] = wire.post("/volumes/create", body)
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
