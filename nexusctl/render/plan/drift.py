"""Drift as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nexusctl.model.plan.plan import Change, Plan
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.plan.plan import change_document, render_busy, render_difference
from nexusctl.render.text_style import count, paint, quiet


def render_drift(found: Plan, *, named: bool = False, color: bool = False) -> str:
    """What differs from what was applied, for a person; a difference goes from how it was to how it is: what is gone is
    a `-`. Where sandboxes were `named`, nothing is said of the others.
    """
    return "".join([*render_busy(found), _render_whole(found, named=named, color=color)])


def _render_whole(found: Plan, *, named: bool, color: bool) -> str:
    if not found.changes:
        number = count(len(found.unchanged), "sandbox")
        if named:
            verb = "is" if len(found.unchanged) == 1 else "are"
            return f"No drift: {number} of stack {found.stack} {verb} as applied.\n"
        return f"No drift: stack {found.stack} is as it was applied ({number}).\n"
    lines = [paint(f"Stack {found.stack} has drifted", "bold", color=color), ""]
    width = max(len(change.name) for change in found.changes)
    for change in found.changes:
        lines += _render_change(change, width, color=color)
    return "\n".join([*lines, "", "`nexusctl apply --deep` puts it right.", ""])


def drift_document(found: Plan) -> dict[str, Any]:
    """Drift as plain JSON values; the changes are those that would put it right."""
    return {
        "format_version": FORMAT_VERSION,
        "stack": found.stack,
        "drifted": bool(found.changes),
        "changes": [change_document(change) for change in found.changes],
        "unchanged": list(found.unchanged),
        "busy": found.busy,
        "in_flight": list(found.in_flight),
    }


def _render_change(change: Change, width: int, *, color: bool) -> Iterator[str]:
    head = f"{change.kind:>9} {change.name:<{width}}"
    yield f"{paint(head, 'yellow', color=color)}  {quiet(_explain(change))}".rstrip()
    for difference in change.differences:
        happened = replace(difference, before=difference.after, after=difference.before)
        yield f"{'':11}{render_difference(happened, color=color)}"


def _explain(change: Change) -> str:
    match change.action:
        case "create":
            return "is missing"
        case "remove":
            return f"should not be there: {change.reason}"
        case "start" | "resume" | "pause" | "stop" | "rename":
            return change.reason
    return "was changed behind nexusctl's back"
