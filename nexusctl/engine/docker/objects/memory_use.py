"""How much memory a container uses, where it is to get less."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.live import LiveSandbox, LiveState


def read_memory(wire: Wire, container_id: str) -> int:
    """The bytes that it cannot do without: what it has read of files is given up at need. Raises `EngineError`."""
    stats = wire.get(f"/containers/{container_id}/stats", {"stream": False, "one-shot": True}) or {}
    found = stats.get("memory_stats") or {}
    return int(found.get("usage") or 0) - int((found.get("stats") or {}).get("inactive_file") or 0)


def with_memory(wire: Wire, live: LiveState, ids: Collection[str]) -> LiveState:
    """`live` with what those of the `ids` use. Raises `EngineError`."""
    return replace(live, sandboxes=tuple(_look(wire, x) if x.id in ids else x for x in live.sandboxes))


def _look(wire: Wire, live: LiveSandbox) -> LiveSandbox:
    try:
        return replace(live, memory_used=read_memory(wire, live.id))
    except NotFound:
        # It has gone meanwhile.
        return live
