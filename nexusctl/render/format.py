"""What JSON documents of several commands have in common; `schemas/` describes them."""

from __future__ import annotations

from typing import Any

from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.values.utc import utc
from nexusctl.render.text_style import quiet

FORMAT_VERSION = "1.0"
"""The version of every JSON document that a command prints."""


def name_hold(held: Hold) -> str:
    """In a word or two, wherever a state is told: `expired`, `stopped by USER`."""
    return "expired" if held.by_lifetime else f"{held.state} by {quiet(held.user)}"


def describe_lock(holder: LockHolder | None) -> dict[str, Any] | None:
    """Whoever holds a lock as JSON, None for nobody."""
    if holder is None:
        return None
    return {
        "user": holder.user,
        "host": holder.host,
        "pid": holder.pid,
        "command": holder.command,
        "since": utc(holder.since),
        "dead": holder.dead,
    }


def describe_hold(held: Hold | None) -> dict[str, Any] | None:
    """As JSON, None for nobody's."""
    return (
        {"state": held.state, "user": held.user, "since": utc(held.since), "by_lifetime": held.by_lifetime}
        if held
        else None
    )
