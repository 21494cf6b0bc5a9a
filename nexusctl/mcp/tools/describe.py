"""A sandbox as the tools describe it. Pure."""

from __future__ import annotations

from typing import Any

from nexusctl.mcp.looks import SandboxStatus, Seen, id_of
from nexusctl.mcp.tools.times import clock, utc


def state_of(seen: Seen, status: SandboxStatus) -> str:
    """How a sandbox is, in a word: a main program that ended by itself with an error has `failed`."""
    if status.state in ("exited", "dead"):
        declared = seen.stack.sandboxes.get(status.name)
        if declared and declared.state == "stopped":
            return "stopped"
        return "failed" if status.exit_code else "stopped"
    return status.state


def expires_at(status: SandboxStatus) -> str | None:
    """When its lifetime is over, None for one without."""
    return None if status.ends is None else utc(status.ends)


def cost_of(status: SandboxStatus, price: int | None) -> dict[str, Any] | None:
    """What it costs at so many credits an hour, and has cost since it was started; None without a price."""
    if price is None:
        return None
    return {"credits_per_hour": price, "credits": price * int(status.uptime or 0) * 100 // 3600 / 100}


def describe(seen: Seen, status: SandboxStatus, price: int | None) -> dict[str, Any]:
    """What `sandbox_list` says of each, and `sandbox_status` says first."""
    live = seen.container(status.name)
    made = live.created_at if live else 0
    return {
        "sandbox_id": id_of(status.name),
        "name": status.name,
        "template": status.template,
        "status": state_of(seen, status),
        "uptime": clock(status.uptime),
        "created_at": utc(made),
        "endpoint": status.endpoint or None,
        "health": status.health,
        "metadata": dict(status.metadata),
        "expires_at": expires_at(status),
        "cost": cost_of(status, price),
    }
