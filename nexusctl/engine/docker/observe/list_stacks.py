"""Which stacks there are on an engine, and little of each of their sandboxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.hold_mark import read_hold
from nexusctl.engine.docker.bodies.list_status import STATES, ListedState, parse_status
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.pending_changes import sequence_of
from nexusctl.engine.docker.observe.holds import Listed, group_holds
from nexusctl.model.engine_names import without_run
from nexusctl.model.instance import check_branch
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.listed import ListedSandbox
from nexusctl.model.observed.live import State

_MARKED = {"filters": {"label": [labels.STACK]}}


def list_stacks(wire: Wire) -> frozenset[str]:
    """The names that the labels of containers, networks and volumes have for stacks."""
    return frozenset(list_sandboxes(wire))


def list_sandboxes(wire: Wire) -> dict[str, tuple[ListedSandbox, ...]]:
    """By those names; what no version of nexusctl writes as a sandbox is left out."""
    containers = wire.get("/containers/json", {"all": True, **_MARKED})
    volumes = wire.get("/volumes", _MARKED)["Volumes"] or []
    others = [*wire.get("/networks", _MARKED), *volumes]
    names, holds = _names_anew(others), group_holds(volumes)
    found: dict[str, list[ListedSandbox]] = {}
    for entry in (*containers, *others):
        marks = entry["Labels"] or {}
        if name := without_run(marks.get(labels.STACK, "")):
            own = found.setdefault(name, [])
            if marks.get(labels.ROLE) == "sandbox" and marks.get(labels.SANDBOX):
                own.append(_read(entry, marks, names.get(entry["Id"]) or marks[labels.SANDBOX], holds))
    return {name: tuple(sorted(own, key=lambda one: (one.sandbox, one.id))) for name, own in found.items()}


def _names_anew(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What containers are called that were moved since they were made: their newest amendment says it."""
    amendments = (entry for entry in entries if entry["Labels"].get(labels.ROLE) == "amendment")
    return {
        entry["Labels"].get(labels.CONTAINER, ""): entry["Labels"].get(labels.SANDBOX, "")
        for entry in sorted(amendments, key=sequence_of)
    }


def _read(entry: Listed, marks: Mapping[str, str], name: str, holds: Mapping[str, Listed]) -> ListedSandbox:
    known = parse_status(entry["State"], entry["Status"])
    if known is None:
        # To ask for each that an engine words in a way of its own is more than a list is worth.
        known = ListedState(state=STATES.get(entry["State"], "dead"), health="none")
    return ListedSandbox(
        id=entry["Id"],
        sandbox=name,
        state=known.state,
        health=known.health,
        exit_code=known.exit_code,
        created_at=int(entry["Created"]),
        maker=marks.get(labels.MAKER, ""),
        branch=check_branch(marks.get(labels.BRANCH, "")),
        held=_find_hold(entry["Id"], marks[labels.STACK], known.state, holds),
    )


def _find_hold(container: str, stack: str, state: State, holds: Mapping[str, Listed]) -> Hold | None:
    """What keeps it as it is, by the word that the same stack has for it."""
    entry = holds.get(container)
    if entry is None or entry["Labels"][labels.STACK] != stack:
        return None
    hold = read_hold(entry, labels.read_seconds(entry["Labels"].get(f"{labels.HOLD}since", "")))
    return hold if hold.holds(state) else None
