"""Sandboxes that must not be destroyed. Pure."""

from __future__ import annotations

from nexusctl.errors import Diagnostic
from nexusctl.model.plan import Change, Plan


def find_forbidden(plan: Plan) -> tuple[Diagnostic, ...]:
    """A diagnostic for each sandbox that `plan` would remove or replace although it must not be destroyed."""
    return tuple(_describe(change) for change in plan.changes if change.protected)


def _describe(change: Change) -> Diagnostic:
    would = "removed" if change.action == "remove" else "replaced"
    way_out = f"`--exclude {change.name}` leaves it out"
    if change.action != "remove":
        fields = [d.field for d in change.differences if d.effect == "replace"]
        way_out = f"take back the change of {', '.join(fields)}" if fields else way_out
    return Diagnostic(
        f"sandbox {change.name} must not be destroyed, and would be {would}: {change.reason}",
        sandbox=change.name,
        hint=f"{way_out}; to let it go, apply `lifecycle: {{prevent_destroy: false}}` first",
    )
