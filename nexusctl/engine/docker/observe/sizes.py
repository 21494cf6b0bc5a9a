"""How much lies in containers and volumes: asked only where somebody wants to know, for the engine adds it all up."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.overview import PATIENCE
from nexusctl.errors import EngineError


def measure(wire: Wire, container_ids: Iterable[str]) -> dict[str, int]:
    """The bytes in the writable layers of these containers; the engine leaves a size of nothing out."""
    wanted = {"id": sorted(container_ids)}
    entries = wire.get("/containers/json", {"all": True, "size": True, "filters": wanted}) if wanted["id"] else []
    return {str(entry["Id"]): int(entry.get("SizeRw") or 0) for entry in entries}


def measure_volumes(wire: Wire, names: Iterable[str], patience: float = PATIENCE) -> dict[str, int]:
    """The bytes in these volumes, without those that the engine does not tell, or not in `patience` seconds."""
    wanted = frozenset(names)
    try:
        found = wire.call("GET", "/system/df", {"type": "volume"}, timeout=patience) if wanted else {}
    except EngineError:
        # It is asked already, which it takes from one at a time, or has too much; a plan holds without sizes.
        return {}
    sizes = {entry["Name"]: (entry.get("UsageData") or {}).get("Size", -1) for entry in found.get("Volumes") or ()}
    return {name: size for name, size in sizes.items() if name in wanted and size >= 0}
