"""Sandboxes that somebody has stopped or paused on purpose, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nexusctl.model.plan.plan import Held
from nexusctl.model.values.utc import utc
from nexusctl.render.text_style import quiet


def render_held(held: Iterable[Held]) -> Iterator[str]:
    """A line each, and what makes them go on."""
    stopped: list[str] = []
    expired: list[str] = []
    gone: list[str] = []
    for one in held:
        (gone if one.gone else expired if one.expired and not one.idle else stopped).append(one.name)
        wait = "; what the file says anew of it waits" if one.changes else ""
        how = "expired" if one.expired else f"{one.state} on purpose by {quiet(one.user)}"
        how = f"expired, as it was idle, and {one.state}" if one.idle else how
        wait = "; its container was removed since" if one.gone else wait
        yield f"{'=':>5} sandbox  {one.name}  {how} at {utc(one.since)}{wait}"
    if stopped:
        verb = f"`nexusctl start {' '.join(stopped)}`"
        yield f"{'':6}{verb} or `nexusctl apply --start-stopped` lets {_them(stopped)} go on"
    if gone:
        yield f"{'':6}`nexusctl apply --start-stopped` makes {_them(gone)} again"
    if expired:
        them = _them(expired)
        yield f"{'':6}apply leaves {them}; `nexusctl extend` or a longer `timeout` lets {them} go on"


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
