"""Stacks of an engine, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from nexusctl.model.observed.listed import StackStatus
from nexusctl.model.observed.lock_holder import describe_holder
from nexusctl.render.format import FORMAT_VERSION, describe_hold, describe_lock, name_hold
from nexusctl.render.text_style import age, headed, quiet, utc


def render_stacks(found: Sequence[StackStatus], now: float, *, color: bool = False) -> str:
    """A row each, with ages at the moment `now`."""
    if not found:
        return "No stacks.\n"
    rows = [["STACK", "INSTANCE", "SANDBOXES", "STATE", "AGE", "OWNER"]]
    rows += [_row(one, now) for one in found]
    if any(one.lock for one in found):
        rows[0].append("LOCK")
        rows[1:] = [[*row, _describe_lock(one)] for row, one in zip(rows[1:], found, strict=True)]
    return "\n".join([*headed(rows, color=color), ""])


def stacks_document(found: Sequence[StackStatus]) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "stacks": [_document(one) for one in found]}


def _row(one: StackStatus, now: float) -> list[str]:
    owners = quiet(", ".join(one.owners)) or "-"
    return [
        quiet(one.stack),
        quiet(one.instance) or "-",
        str(one.sandboxes),
        _describe_state(one),
        age(one.created_at, now),
        owners,
    ]


def _describe_state(one: StackStatus) -> str:
    """As `docker compose ls` counts them, with who has stopped those that rest, and those that are not healthy."""
    held = Counter(name_hold(box.held) for box in one.held if box.held)
    states = Counter(one.states) - Counter(box.state for box in one.held)
    counts = [
        *sorted(states.items()),
        *sorted(held.items()),
        *((word, n) for word, n in sorted(one.health.items()) if word != "healthy"),
    ]
    return ", ".join(f"{word} ({number})" for word, number in counts) or "no sandboxes"


def _describe_lock(one: StackStatus) -> str:
    if one.lock is None:
        return "-"
    return quiet(describe_holder(one.lock)) + (", which has died" if one.lock.dead else "")


def _document(one: StackStatus) -> dict[str, Any]:
    return {
        "name": one.name,
        "stack": one.stack,
        "instance": one.instance,
        "sandboxes": one.sandboxes,
        "states": dict(sorted(one.states.items())),
        "health": dict(sorted(one.health.items())),
        "held": [{"sandbox": box.sandbox, **(describe_hold(box.held) or {})} for box in one.held],
        "lock": describe_lock(one.lock),
        "owners": list(one.owners),
        "created_at": utc(one.created_at) if one.created_at else None,
    }
