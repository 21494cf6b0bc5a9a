"""What running containers use, and what runs in them: asked only where somebody wants to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.memory_use import needed_memory
from nexusctl.model.observed.usage import Processes, Usage

_AT_ONCE = {"stream": False, "one-shot": True}
"""Without the second one the engine takes a sample more, and a second or two for it."""


def read_usage(wire: Wire, container_id: str) -> Usage | None:
    """None where it does not run, or goes while it is asked for. Raises `NotFound`."""
    found = wire.get(f"/containers/{container_id}/stats", _AT_ONCE) or {}
    cpu, memory = found.get("cpu_stats") or {}, found.get("memory_stats") or {}
    used = cpu.get("cpu_usage") or {}
    if not cpu.get("system_cpu_usage"):
        return None
    networks = (found.get("networks") or {}).values()
    blocks = (found.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    return Usage(
        cpu_time=used.get("total_usage") or 0,
        machine_time=cpu["system_cpu_usage"],
        cpus=cpu.get("online_cpus") or len(used.get("percpu_usage") or ()) or 1,
        memory=needed_memory(memory),
        memory_limit=memory.get("limit") or 0,
        pids=(found.get("pids_stats") or {}).get("current") or 0,
        received=sum((one.get("rx_bytes") or 0) for one in networks),
        sent=sum((one.get("tx_bytes") or 0) for one in networks),
        read=_add_up(blocks, "read"),
        written=_add_up(blocks, "write"),
    )


def list_processes(wire: Wire, container_id: str) -> Processes:
    """Raises `NotFound`, and `Conflict` where it does not run."""
    found = wire.get(f"/containers/{container_id}/top")
    return Processes(
        titles=tuple(found["Titles"] or ()),
        rows=tuple(map(tuple, found["Processes"] or ())),
    )


def _add_up(entries: Iterable[Mapping[str, Any]], what: str) -> int:
    # Which of the two ways it is written depends on the kernel's version of control groups.
    return sum((entry.get("value") or 0) for entry in entries if (entry.get("op") or "").lower() == what)
