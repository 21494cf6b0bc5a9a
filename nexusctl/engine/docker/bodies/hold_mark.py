"""What marks say of what was done to a container: that somebody has stopped it on purpose, and what is over. Pure.

The word that it is stopped goes when it is started, and a newer record takes the place of an older one. What both told
is kept as one mark (see `client/claim_volume.py`), which the next one replaces; the highest number counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from nexusctl.engine import labels
from nexusctl.model.observed.history import KEPT, Cause, Deed, DeedKind
from nexusctl.model.observed.hold import Hold

LONGEST = 4096
"""Characters of a label that are read: what we write is shorter."""

LONGEST_NAME = 64
"""Characters of a user's name that are kept."""


def read_hold(entry: Mapping[str, Any], since: int) -> Hold:
    """What a mark of a hold says, with the time `since` that its reader makes of what is written there."""
    marks = entry["Labels"]
    cause = marks.get(f"{labels.HOLD}cause")
    return Hold(
        state="paused" if marks.get(f"{labels.HOLD}state") == "paused" else "stopped",
        user=marks.get(f"{labels.HOLD}user", ""),
        since=since,
        name=entry["Name"],
        by_lifetime=cause in (labels.LIFETIME, labels.IDLE),
        idle=cause == labels.IDLE,
        killed=cause == labels.KILL,
    )


def name_cause(hold: Hold) -> str:
    """How a mark says why, or in what way, it was stopped; empty where there is nothing to say of that."""
    if hold.by_lifetime:
        return labels.IDLE if hold.idle else labels.LIFETIME
    return labels.KILL if hold.killed else ""


def write_past(deeds: Iterable[Deed]) -> str:
    """The text of a label that tells the last of these."""
    return json.dumps([_write(one) for one in [*deeds][-KEPT:]], ensure_ascii=False, separators=(",", ":"))


def read_past(entry: Mapping[str, Any]) -> Iterator[Deed]:
    """What a mark tells; what no version of nexusctl writes is left out."""
    marks = entry["Labels"]
    text = marks.get(labels.PAST, "")
    try:
        found = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        found = None
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and (deed := _read(one, marks)):
            yield deed


def _write(deed: Deed) -> dict[str, str | int]:
    said: dict[str, str | int] = {"at": deed.at, "kind": deed.kind, "user": deed.user[:LONGEST_NAME]}
    return said | ({"cause": deed.cause} if deed.cause else {})


def _read(one: Mapping[str, Any], marks: Mapping[str, str]) -> Deed | None:
    at, kind, user, cause = (one.get(key, "") for key in ("at", "kind", "user", "cause"))
    # A boolean is a number to Python.
    if type(at) is not int or labels.read_seconds(str(at)) != at or not isinstance(user, str):
        return None
    if kind not in get_args(DeedKind) or cause not in get_args(Cause):
        return None
    sandbox, container = marks.get(labels.SANDBOX, ""), marks.get(labels.CONTAINER, "")
    return Deed(at=at, sandbox=sandbox, kind=kind, user=user, container=container, cause=cause)
