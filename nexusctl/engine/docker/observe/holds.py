"""What somebody says of live containers, as marks (see `client/claim_volume.py`): that they are stopped on purpose,
that they live longer, and what was done to them before. Pure.

Labels of a container cannot change, and what a sandbox itself writes is not believed, so such a word is a volume of its
own beside the container. It survives a restart of the engine, and prunes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.hold_mark import read_hold
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveSandbox, Orphan

Listed = Mapping[str, Any]


def group_holds(marked: Iterable[Listed]) -> dict[str, Listed]:
    """The stack's marks of holds by container id."""
    return {
        entry["Labels"].get(labels.CONTAINER, ""): entry
        for entry in marked
        if entry["Labels"].get(labels.ROLE) == "hold"
    }


def with_hold(sandbox: LiveSandbox, holds: Mapping[str, Listed]) -> LiveSandbox:
    if not (entry := holds.get(sandbox.id)):
        return sandbox
    hold = read_hold(entry, _since(entry))
    return replace(sandbox, hold=hold, amendments=(*sandbox.amendments, hold.name))


def _since(entry: Listed) -> int:
    return int(entry["Labels"][f"{labels.HOLD}since"])


def group_words(marked: Iterable[Listed]) -> dict[str, list[Listed]]:
    """The stack's marks of longer lifetimes, and of what was done before, by container id."""
    found: dict[str, list[Listed]] = {}
    for entry in marked:
        if entry["Labels"].get(labels.ROLE) in ("extension", "past"):
            found.setdefault(entry["Labels"].get(labels.CONTAINER, ""), []).append(entry)
    return found


def with_words(sandbox: LiveSandbox, words: Mapping[str, list[Listed]]) -> LiveSandbox:
    """The latest extension counts."""
    if not (entries := words.get(sandbox.id)):
        return sandbox
    extensions = [entry for entry in entries if entry["Labels"][labels.ROLE] == "extension"]
    return replace(
        sandbox,
        extended=max((int(entry["Labels"][f"{labels.EXTENSION}until"]) for entry in extensions), default=0),
        extensions=tuple(entry["Name"] for entry in extensions),
        past=tuple(entry["Name"] for entry in entries if entry not in extensions),
        amendments=(*sandbox.amendments, *(entry["Name"] for entry in entries)),
    )


def find_destroyed(holds: Mapping[str, Listed], ids: Collection[str]) -> dict[str, Hold]:
    """By sandbox, those that went with their containers when they had lived their time."""
    return {name: hold for name, hold in _read_left(holds, ids).items() if hold.by_lifetime}


def find_pruned(holds: Mapping[str, Listed], ids: Collection[str]) -> dict[str, Hold]:
    """By sandbox, words on those stopped on purpose, whose containers somebody has removed, as prunes do."""
    return {name: hold for name, hold in _read_left(holds, ids).items() if not hold.by_lifetime}


def _read_left(holds: Mapping[str, Listed], ids: Collection[str]) -> dict[str, Hold]:
    """The latest of each."""
    left = sorted((holds[key] for key in holds.keys() - set(ids)), key=lambda entry: (_since(entry), entry["Name"]))
    return {entry["Labels"][labels.SANDBOX]: read_hold(entry, _since(entry)) for entry in left}


def find_orphaned(
    holds: Mapping[str, Listed], words: Mapping[str, list[Listed]], ids: Collection[str]
) -> Iterator[Orphan]:
    """Those of no container that there is."""
    yield from (Orphan(kind="amendment", name=holds[key]["Name"]) for key in sorted(holds.keys() - set(ids)))
    for key in sorted(words.keys() - set(ids)):
        yield from (Orphan(kind="amendment", name=entry["Name"]) for entry in words[key])
