"""Sandboxes that must not be destroyed. Pure."""

from __future__ import annotations

from nexusctl.errors import Diagnostic
from nexusctl.model.plan.actions import ACTIONS
from nexusctl.model.plan.plan import Change, Plan


def find_forbidden(plan: Plan) -> tuple[Diagnostic, ...]:
    """A diagnostic for each sandbox that `plan` would remove or replace although it must not be destroyed."""
    return tuple(_describe(change) for change in plan.changes if change.protected)


def _describe(change: Change) -> Diagnostic:
    return Diagnostic(
        f"sandbox {change.name} must not be destroyed, and would be {ACTIONS[change.action].done}: {change.reason}",
        sandbox=change.name,
        hint=f"to let it go, apply `lifecycle: {{prevent_destroy: false}}` for it first{_name_other_way(change)}",
    )


def _name_other_way(change: Change) -> str:
    if change.action == "remove":
        return ""
    fields = ", ".join(d.field for d in change.differences if d.effect == "replace")
    return f"; to keep it, take back {fields}, or leave it out with `--exclude {change.name}`" if fields else ""
