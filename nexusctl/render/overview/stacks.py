"""Stacks of an engine, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexusctl.model.observed.listed import StackStatus
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import age, headed, quiet, utc


def render_stacks(found: Sequence[StackStatus], now: float, *, color: bool = False) -> str:
    """A row each, with ages at the moment `now`."""
    if not found:
        return "No stacks.\n"
    rows = [["STACK", "INSTANCE", "SANDBOXES", "STATE", "AGE", "OWNER"]]
    rows += [_row(one, now) for one in found]
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
    """As `docker compose ls` counts them, with those that are not healthy."""
    counts = [*sorted(one.states.items()), *((word, n) for word, n in sorted(one.health.items()) if word != "healthy")]
    return ", ".join(f"{word} ({number})" for word, number in counts) or "no sandboxes"


def _document(one: StackStatus) -> dict[str, Any]:
    return {
        "name": one.name,
        "stack": one.stack,
        "instance": one.instance,
        "sandboxes": one.sandboxes,
        "states": dict(sorted(one.states.items())),
        "health": dict(sorted(one.health.items())),
        "owners": list(one.owners),
        "created_at": utc(one.created_at) if one.created_at else None,
    }
