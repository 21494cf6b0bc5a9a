"""What another nexusctl has in flight while somebody only looks: what is half made then is no drift. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.observed.lock_holder import describe_holder
from nexusctl.model.plan.plan import Change, Plan

SHARED = ("network", "volume", "image", "record", "courier", "secrets")
"""The kinds of objects that a sandbox gets before its container and that are left for a moment after it."""


def mark_flight(plan: Plan, live: LiveState) -> Plan:
    """The plan with a word on who holds the lock, and on each change that this one is about to make or has begun.

    Unchanged where nobody holds it, or its holder has died: then what is half made is left over.
    """
    if live.lock is None or live.lock.dead:
        return plan
    flying = _find_flying(live)
    changes = tuple(
        replace(change, notes=(*change.notes, "in flight: see above")) if _is_flying(change, flying) else change
        for change in plan.changes
    )
    return replace(plan, busy=describe_holder(live.lock), in_flight=_list_flying(plan, flying), changes=changes)


def leave_flight(plan: Plan, live: LiveState) -> Plan:
    """The plan without the changes that the holder of the lock has in flight, and with a word on who that is."""
    if live.lock is None or live.lock.dead:
        return plan
    flying = _find_flying(live)
    changes = tuple(change for change in plan.changes if not _is_flying(change, flying))
    return replace(plan, busy=describe_holder(live.lock), in_flight=_list_flying(plan, flying), changes=changes)


def _find_flying(live: LiveState) -> frozenset[str]:
    """Sandboxes with a container that is not ready, is going, is one of two, or differs from its record meanwhile."""
    containers = Counter(found.sandbox for found in live.sandboxes)
    return frozenset(f.sandbox for f in live.sandboxes if _is_between(f) or containers[f.sandbox] > 1)


def _is_between(found: LiveSandbox) -> bool:
    return found.partial or found.unsure or found.state in ("removing", "restarting")


def _is_flying(change: Change, flying: frozenset[str]) -> bool:
    return change.kind in SHARED or change.name in flying


def _list_flying(plan: Plan, flying: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_names(plan, flying)))


def _names(plan: Plan, flying: frozenset[str]) -> Iterator[str]:
    for change in plan.changes:
        if _is_flying(change, flying):
            yield change.name if change.kind == "sandbox" else f"{change.kind} {change.name}"
