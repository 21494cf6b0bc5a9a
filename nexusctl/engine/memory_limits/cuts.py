"""Of which sandboxes somebody has to know how much memory they use, as they are to have less. Pure."""

from __future__ import annotations

from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.stack import Resources, Stack
from nexusctl.plan.compare.moved import find_moves


def list_shrinking(stack: Stack, live: LiveState) -> frozenset[str]:
    """The ids of containers that run with a higher limit on memory than `stack` has for them, or with none."""
    limits = {name: s.resources for name, s in stack.sandboxes.items() if s.resources.memory is not None}
    if not limits:
        return frozenset()
    moves = find_moves(stack, live)
    found = ((live, limits.get(moves.get(live.sandbox, live.sandbox))) for live in live.sandboxes)
    return frozenset(live.id for live, limits in found if limits is not None and _exceeds(live, limits))


def _exceeds(live: LiveSandbox, wanted: Resources) -> bool:
    known, limit = live.inspection or live.record, wanted.memory
    if known is None or limit is None or live.state not in ("running", "paused"):
        return False
    if live.record and "memory" in wanted.keep_of(live.record.resources):
        return False
    return known.resources.memory is None or known.resources.memory > limit
