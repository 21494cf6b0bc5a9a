"""Statuses as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from nexusctl.errors import Diagnostic
from nexusctl.model.endpoint import bracketed
from nexusctl.model.observed.lock_holder import LockHolder, describe_holder
from nexusctl.model.stack import Port
from nexusctl.model.values.utc import utc
from nexusctl.plan.commands.status import SandboxStatus
from nexusctl.render.format import FORMAT_VERSION, describe_hold, describe_lock, name_hold
from nexusctl.render.plan.lifetimes import describe_idle, describe_left
from nexusctl.render.text_style import count, duration, headed, paint, quiet, size

_COLORS = {"running": "green", "healthy": "green", "done": "green", "starting": "yellow", "paused": "yellow"}


def render_status(statuses: Iterable[SandboxStatus], *, color: bool = False) -> str:
    """A row a sandbox; long cells are whole, so that a pipe can cut them as it likes."""
    statuses = list(statuses)
    rows = [["SANDBOX", "STATE", "HEALTH", "UPTIME", "TEMPLATE", "PORTS", "ENDPOINT"]]
    rows += [_row(status) for status in statuses]
    if any(status.storage for status in statuses):
        rows[0].append("STORAGE")
        rows[1:] = [[*row, _describe_storage(status)] for row, status in zip(rows[1:], statuses, strict=True)]
    if any(status.left is not None or _ends_idle(status) for status in statuses):
        rows[0].append("LIFETIME")
        rows[1:] = [[*row, _describe_lifetime(status)] for row, status in zip(rows[1:], statuses, strict=True)]
    if len(rows) == 1:
        return "No sandboxes.\n"
    head, *body = headed(rows, color=color)
    cells = [row[1] if row[2] == "-" else row[2] for row in rows[1:]]
    painted = [_paint_row(line, cell, color=color) for line, cell in zip(body, cells, strict=True)]
    return "\n".join([head, *painted, ""])


def find_overfull(statuses: Iterable[SandboxStatus]) -> Iterator[Diagnostic]:
    """A warning for each that has written more than it is to have, as it can where the engine does not limit that."""
    for status in statuses:
        if status.storage and status.written and status.written > status.storage:
            yield Diagnostic(
                f"{status.name} has written {size(status.written)}, which is more than its {size(status.storage)}",
                hint="remove files in it, or give it a volume, or more `resources.storage`",
                sandbox=status.name,
                severity="warning",
            )


def render_lock(stack: str, holder: LockHolder) -> str:
    """A line on who has the stack's lock, and what becomes of it where that has died."""
    if holder.dead:
        return f"The lock of stack {stack} is left by {_who(holder)}, which has died; the next apply takes it over."
    return f"Stack {stack} is being changed by {_who(holder)}."


def _who(holder: LockHolder) -> str:
    return quiet(describe_holder(holder))


def status_document(stack: str, statuses: Iterable[SandboxStatus], lock: LockHolder | None = None) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "stack": stack,
        "lock": describe_lock(lock),
        "sandboxes": [_describe(status) for status in statuses],
    }


def _describe(status: SandboxStatus) -> dict[str, Any]:
    said = asdict(status)
    ends, _ = said.pop("ends"), said.pop("left")
    return {
        **said,
        "metadata": dict(status.metadata),
        "held": describe_hold(status.held),
        "expires_at": None if ends is None else utc(ends),
        "expired": status.expired,
    }


def _row(status: SandboxStatus) -> list[str]:
    return [
        quiet(status.name),
        describe_state(status),
        "-" if status.health == "none" else status.health,
        "-" if status.uptime is None else duration(status.uptime),
        quiet(status.template or status.image),
        ", ".join(_describe_port(port) for port in status.ports) or "-",
        status.endpoint or "-",
    ]


def describe_state(status: SandboxStatus) -> str:
    """The state in a word or two; a task that ran is `done` or `failed (code)`."""
    if status.expired and not (status.kind == "task" and status.exit_code == 0):
        return f"expired ({status.state})" if status.state in ("running", "restarting") else "expired"
    if status.held:
        return name_hold(status.held)
    if status.restarts:
        return f"{status.state} ({count(status.restarts, 'restart')})"
    if status.exit_code is None:
        return status.state
    if status.kind == "task" and status.exit_code == 0:
        return "done"
    return f"{'failed' if status.kind == 'task' else status.state} ({status.exit_code})"


def _describe_lifetime(status: SandboxStatus) -> str:
    said = [] if status.left is None else [describe_left(status.left)]
    if _ends_idle(status):
        said.append(describe_idle(status.idle_timeout or 0, status.idle))
    return ", ".join(said) or "-"


def _ends_idle(status: SandboxStatus) -> bool:
    """What does not run does nothing for another reason."""
    return status.idle_timeout is not None and status.state == "running" and not status.expired


def _describe_storage(status: SandboxStatus) -> str:
    if status.storage is None:
        return "-"
    return f"{'?' if status.written is None else size(status.written)} of {size(status.storage)}"


def _describe_port(port: Port) -> str:
    inside = f"{port.container}/{port.protocol}"
    return f"{bracketed(port.address)}:{port.host}->{inside}" if port.host else inside


def _paint_row(line: str, cell: str, *, color: bool) -> str:
    style = _COLORS.get(cell, "red" if "(" in cell or cell in ("unhealthy", "absent", "partial", "dead") else "")
    return line.replace(cell, paint(cell, style, color=color), 1) if style else line
