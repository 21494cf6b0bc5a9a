"""How much memory a container uses, where it is to get less."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.observed.live import LiveSandbox, LiveState


def read_memory(wire: Wire, container_id: str) -> int:
    """The bytes that it cannot do without: what it has read of files is given up at need. Raises `EngineError`."""
    stats = wire.get(f"/containers/{container_id}/stats", {"stream": False, "one-shot": True}) or {}
    return needed_memory(stats.get("memory_stats") or {})


def needed_memory(found: Mapping[str, Any]) -> int:
    """The same out of what the engine tells of memory; the first version of control groups has a total of its own."""
    stats = found.get("stats") or {}
    spare = stats.get("total_inactive_file", stats.get("inactive_file"))
    return max(0, (found.get("usage") or 0) - (spare or 0))


def with_memory(wire: Wire, live: LiveState, ids: Collection[str]) -> LiveState:
    """`live` with what those of the `ids` use. Raises `EngineError`."""
    return replace(live, sandboxes=tuple(_look(wire, x) if x.id in ids else x for x in live.sandboxes))


def _look(wire: Wire, live: LiveSandbox) -> LiveSandbox:
    try:
        return replace(live, memory_used=read_memory(wire, live.id))
    except NotFound:
        # It has gone meanwhile.
        return live
