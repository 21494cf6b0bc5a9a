"""What sandboxes use, and what runs in them, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexusctl.model.observed.usage import Processes
from nexusctl.plan.commands.status import SandboxStats
from nexusctl.render.format import FORMAT_VERSION, describe_hold
from nexusctl.render.status import describe_state
from nexusctl.render.text_style import headed, quiet, size, table

_HEAD = ("SANDBOX", "STATE", "CPU", "MEMORY", "LIMIT", "MEMORY %", "NETWORK IN/OUT", "DISK READ/WRITTEN", "PROCESSES")


def render_stats(stats: Sequence[SandboxStats], *, color: bool = False) -> str:
    """A row a sandbox; CPU is in percent of one processor, as Docker counts it."""
    if not stats:
        return "No sandboxes.\n"
    return "\n".join([*headed([list(_HEAD), *map(_row, stats)], color=color), ""])


def stats_document(stack: str, stats: Sequence[SandboxStats]) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "stack": stack, "sandboxes": [_document(one) for one in stats]}


def render_processes(found: Processes) -> str:
    """As `ps` has it; what a program calls itself moves no cursor."""
    return table([list(found.titles), *([quiet(cell) for cell in row] for row in found.rows)]) + "\n"


def processes_document(sandbox: str, found: Processes) -> dict[str, Any]:
    processes = [dict(zip(map(str.lower, found.titles), row, strict=False)) for row in found.rows]
    return {"format_version": FORMAT_VERSION, "sandbox": sandbox, "processes": processes}


def _row(one: SandboxStats) -> list[str]:
    usage = one.usage
    named = [quiet(one.status.name), describe_state(one.status)]
    if usage is None:
        return [*named, *["-"] * (len(_HEAD) - 2)]
    share = f"{usage.memory / usage.memory_limit:.1%}" if usage.memory_limit else "-"
    return [
        *named,
        "-" if one.cpu_percent is None else f"{one.cpu_percent:.1f}%",
        size(usage.memory),
        size(usage.memory_limit) if usage.memory_limit else "-",
        share,
        f"{size(usage.received)} / {size(usage.sent)}",
        f"{size(usage.read)} / {size(usage.written)}",
        str(usage.pids),
    ]


def _document(one: SandboxStats) -> dict[str, Any]:
    usage = one.usage
    return {
        "name": one.status.name,
        "state": one.status.state,
        "held": describe_hold(one.status.held),
        "cpu_percent": None if one.cpu_percent is None else round(one.cpu_percent, 2),
        "cpu_seconds": usage.cpu_time / 10**9 if usage else None,
        "memory": usage.memory if usage else None,
        "memory_limit": usage.memory_limit if usage else None,
        "pids": usage.pids if usage else None,
        "network_received": usage.received if usage else None,
        "network_sent": usage.sent if usage else None,
        "disk_read": usage.read if usage else None,
        "disk_written": usage.written if usage else None,
    }
