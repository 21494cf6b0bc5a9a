"""What is left of what was done before, and goes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.model.engine_names import is_outgoing
from nexusctl.model.plan.plan import Change
from nexusctl.plan.compare.claims import Leftover
from nexusctl.plan.decide.decide import Decision, find_void


def describe_leftover(name: str, leftover: Leftover) -> Change:
    replaced = is_outgoing(leftover.live.name)
    phrase = "was replaced and not yet removed" if replaced else "claims to be this sandbox too"
    if leftover.cause == "partial":
        phrase = "never became ready"
    return Change(
        action="remove",
        kind="sandbox",
        name=name,
        cause=leftover.cause,
        reason=f"container {leftover.live.name} {phrase}",
        leaving=leftover.live.id,
    )


def describe_void(name: str, decision: Decision) -> Iterator[Change]:
    """Where the word that somebody has stopped it counts no more."""
    if void := find_void(decision):
        whose = "its lifetime" if void.by_lifetime else void.user
        reason = f"{whose} had {void.state} {name}, which runs again"
        yield Change(action="remove", kind="record", name=void.name, cause="superseded", reason=reason)
