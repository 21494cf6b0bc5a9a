"""What is left of lifetimes, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nexusctl.model.plan.plan import Lifetime
from nexusctl.render.text_style import duration, listing

MOST = 8
"""So many are named, the first to end first."""


def render_lifetimes(lifetimes: Iterable[Lifetime]) -> Iterator[str]:
    """A line for those that are over, and one for those that are not."""
    over = [one for one in lifetimes if one.left is not None and one.left <= 0]
    if over:
        yield f"Expired: {listing([f'{one.name} ({describe_left(one.left or 0)})' for one in over], MOST)}."
    if coming := [one for one in lifetimes if one not in over]:
        yield f"Lifetimes: {listing([f'{one.name} {_describe(one)}' for one in coming], MOST)}."


def _describe(one: Lifetime) -> str:
    said = [] if one.left is None else [describe_left(one.left)]
    said += [] if one.idle_timeout is None else [describe_idle(one.idle_timeout)]
    return " and ".join(said)


def describe_left(left: int) -> str:
    """Such as `expires in 1 h 12 min`, or `expired 5 min 3 s ago`; `left` is in seconds."""
    if left <= 0:
        return "expired just now" if left > -1 else f"expired {duration(-left)} ago"
    return f"expires in {duration(left)}"


def describe_idle(timeout: int, idle: float | None = None) -> str:
    """What is left until it has been idle for `timeout` seconds; it was for `idle` ones, where that is known."""
    if idle is None:
        return f"ends when idle for {duration(timeout)}"
    if not idle:
        return f"in use, ends when idle for {duration(timeout)}"
    return f"ends in {duration(max(timeout - idle, 0))} unless it is used"
