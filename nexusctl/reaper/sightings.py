"""How old containers are by a clock that nobody sets. Pure: the times are arguments.

The engine tells when a container was made by the clock on the wall, which people and time servers set; the kernel's
clock since boot runs on whatever they do. So a container's age is read from the wall once, when it is first seen, and
counted on from there. One that was not there at the last look cannot be older than that look: a jump of the clock just
before it was seen makes it no older. All this survives the reaper in a file of its container; another boot begins anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.values.frozen import dataclass
from nexusctl.reaper.idleness import Trace, as_lists, from_lists

JUMP = 5.0
"""Seconds by which the two clocks may part from one look to the next without anybody having set one."""

DOUBT = 45.0
"""Seconds that a wall clock which was set forward is not believed: it may be set back at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`boot` tells this boot from others; `uptime` is in seconds since then, `wall` in seconds since 1970."""

    boot: str
    uptime: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """`born` has the uptime at which each container was made, by its id, as far as that can be told.

    `traces` tell what has happened in those that end when they are idle. `looked` is the last look. A wall clock that
    was set forward is doubted until the uptime `doubted`, and goes by `offset`, what it was ahead of the uptime before.
    """

    looked: Moment | None = None
    born: Mapping[str, float] = field(default_factory=dict)
    offset: float = 0.0
    doubted: float = 0.0
    traces: Mapping[str, Trace] = field(default_factory=dict)


def look(before: Sightings, now: Moment, states: Iterable[LiveState]) -> Sightings:
    """What is known after another look."""
    last = before.looked if before.looked and before.looked.boot == now.boot else None
    known = before.born if last else {}
    born: dict[str, float] = {}
    for sandbox in (found for live in states for found in live.sandboxes):
        age = max(0.0, now.wall - sandbox.created_at)
        age = min(age, now.uptime - last.uptime) if last else age
        born[sandbox.id] = known.get(sandbox.id, now.uptime - age)
    offset = now.wall - now.uptime
    if last is None:
        return Sightings(looked=now, born=born, offset=offset)
    before = replace(before, looked=now, born=born)
    if now.uptime < before.doubted:
        return before
    if offset - (last.wall - last.uptime) > JUMP:
        return replace(before, offset=last.wall - last.uptime, doubted=now.uptime + DOUBT)
    return replace(before, offset=offset, doubted=0.0)


def steady(known: Sightings, uptime: float, live: LiveState) -> LiveState:
    """`live` as it would be had nobody set a clock: for whoever asks it how long it is since something was made."""
    now = live.observed_at
    if uptime < known.doubted:
        now = min(now, int(uptime + known.offset))
    sandboxes = tuple(_steady(known.born[x.id], uptime, now, x) if x.id in known.born else x for x in live.sandboxes)
    return replace(live, sandboxes=sandboxes, observed_at=now)


def _steady(born: float, uptime: float, now: int, sandbox: LiveSandbox) -> LiveSandbox:
    # Cut off, an age is never more than it is.
    created = now - math.floor(max(0.0, uptime - born))
    timed = sandbox.record is not None and sandbox.record.timeout is not None
    moved = sandbox.extended + created - sandbox.created_at if sandbox.extended and timed else sandbox.extended
    return replace(sandbox, created_at=created, extended=moved)


def write(known: Sightings) -> str:
    """As text, for `read`."""
    at = known.looked
    return json.dumps(
        {
            "looked": [at.boot, at.uptime, at.wall] if at else None,
            "born": dict(known.born),
            "offset": known.offset,
            "doubted": known.doubted,
            "traces": as_lists(known.traces),
        }
    )


def read(text: str) -> Sightings:
    """What `write` has written; nothing is known by what cannot be read."""
    try:
        found = json.loads(text)
        boot, uptime, wall = found["looked"]
        return Sightings(
            looked=Moment(boot=str(boot), uptime=float(uptime), wall=float(wall)),
            born={str(key): float(value) for key, value in found["born"].items()},
            offset=float(found["offset"]),
            doubted=float(found["doubted"]),
            traces=from_lists(found["traces"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return Sightings()
