"""Instances of stacks, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexusctl.model.observed.listed import StackStatus
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import age, headed, quiet, utc


def render_instances(found: Sequence[StackStatus], now: float, *, color: bool = False) -> str:
    """A row each, with ages at the moment `now`."""
    if not found:
        return "No instances.\n"
    rows = [["STACK", "INSTANCE", "BRANCH", "RUNNING", "AGE", "OWNER", "NAME"]]
    rows += [_row(one, now) for one in found]
    return "\n".join([*headed(rows, color=color), ""])


def instances_document(found: Sequence[StackStatus]) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "instances": [_document(one) for one in found]}


def _row(one: StackStatus, now: float) -> list[str]:
    owners = quiet(", ".join(one.owners)) or "-"
    names = [quiet(one.stack), quiet(one.instance), quiet(one.branch) or "-"]
    return [*names, f"{one.running}/{one.sandboxes}", age(one.created_at, now), owners, quiet(one.name)]


def _document(one: StackStatus) -> dict[str, Any]:
    return {
        "stack": one.stack,
        "instance": one.instance,
        "name": one.name,
        "running": one.running,
        "sandboxes": one.sandboxes,
        "owners": list(one.owners),
        "branch": one.branch or None,
        "created_at": utc(one.created_at) if one.created_at else None,
    }
