"""How much lies in containers and volumes: asked only where somebody wants to know, for the engine adds it all up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.overview import PATIENCE
from nexusctl.errors import EngineError

_PAUSE = 0.1
"""Seconds until an engine that adds up for somebody else is asked again."""


def measure(wire: Wire, container_ids: Iterable[str]) -> dict[str, int]:
    """The bytes in the writable layers of these containers; the engine leaves a size of nothing out."""
    wanted = {"id": sorted(container_ids)}
    entries = wire.get("/containers/json", {"all": True, "size": True, "filters": wanted}) if wanted["id"] else []
    return {str(entry["Id"]): int(entry.get("SizeRw") or 0) for entry in entries}


def measure_volumes(wire: Wire, names: Iterable[str], patience: float = PATIENCE) -> dict[str, int]:
    """The bytes in these volumes, without those that the engine does not tell, or not in `patience` seconds."""
    wanted = frozenset(names)
    found = _add_up(wire, patience) if wanted else {}
    sizes = {entry["Name"]: (entry.get("UsageData") or {}).get("Size", -1) for entry in found.get("Volumes") or ()}
    return {name: size for name, size in sizes.items() if name in wanted and size >= 0}


def _add_up(wire: Wire, patience: float) -> Mapping[str, Any]:
    """What the engine says within that time; nothing where it has too much, as a plan holds without sizes."""
    until = time.monotonic() + patience
    while (left := until - time.monotonic()) > 0:
        try:
            found: Mapping[str, Any] = wire.call("GET", "/system/df", {"type": "volume"}, timeout=left)
        except EngineError as error:
            if "already running" not in str(error):
                break
            # It does that for one at a time.
            time.sleep(min(_PAUSE, left))
        else:
            return found
    return {}
