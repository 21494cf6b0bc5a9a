"""The sandboxes of one stack for whoever looks again and again: two list calls, and what is new since the last look.

Nothing is believed that may have changed: what a list does not tell is kept for one run of a container, which the
engine names by the ids of its places in networks, new ones at each start.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.image_labels import without_image_claims
from nexusctl.engine.docker.bodies.inspect import read_created
from nexusctl.engine.docker.bodies.label_forms import find_copies, leave_malformed, set_apart
from nexusctl.engine.docker.bodies.list_status import ListedState, parse_status
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.glimpses.known_runs import GOING, AskedRuns, KnownRuns, tell_start
from nexusctl.engine.docker.objects.crash_loops import judge_restarts, may_restart
from nexusctl.engine.docker.objects.ended_tasks import group_ends, list_gone, with_end
from nexusctl.engine.docker.objects.ownership import read_volumes
from nexusctl.engine.docker.objects.pending_changes import read_notes
from nexusctl.engine.docker.observe.holds import (
    find_destroyed,
    find_pruned,
    group_holds,
    group_words,
    with_hold,
    with_words,
)
from nexusctl.engine.docker.observe.observe import (
    ask_state,
    group_amendments,
    heed_notes,
    is_sandbox,
    observe,
    read_sandbox,
)
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import Foreign, LiveSandbox, LiveState
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass

Listed = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedReading:
    """The `sandbox` that was read of what was `asked`: an entry but for its prose, its state and its amendments."""

    asked: tuple[Listed, ListedState, list[Listed]]
    sandbox: LiveSandbox


class Glimpses:
    """What is known from one look to the next. `take` is for any thread."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._runs = KnownRuns(wire)
        self._images: dict[str, Listed] = {}
        self._readings: dict[str, ListedReading] = {}

    def take(self, stack: Stack, patience: float | None = None) -> LiveState:
        """See `Engine.glimpse`."""
        own_label = {"filters": {"label": [f"{labels.STACK}={stack.name}"]}}
        # Volumes after containers: a word about one comes after it.
        listed = self._wire.get("/containers/json", {"all": True, **own_label})
        now, runs = time.time(), self._runs.ask(listed)
        marked = self._wire.get("/volumes", own_label)["Volumes"] or []
        runs.hear(patience)
        if self._has_taken_over(stack.name, listed, marked):
            found = observe(self._wire, stack, deep=True)
            return replace(found, sandboxes=tuple(map(_with_start, found.sandboxes)))
        strangers: list[Foreign] = []
        honest = without_image_claims(listed, self._find_images(listed))
        containers = leave_malformed(stack.name, "container", honest, strangers)
        marked = leave_malformed(stack.name, "volume", marked, strangers)
        marked = [entry for entry in marked if (entry["Labels"] or {}).get(labels.STACK) == stack.name]
        own = [entry for entry in containers if is_sandbox(entry, stack.name)]
        ends, holds, amendments = group_ends(marked), group_holds(marked), group_amendments(marked)
        gone = list_gone(ends, {entry["Id"] for entry in listed}, container_name(stack.name, "{}")) if ends else ()
        read = self._read([*own, *gone], runs, now, amendments)
        copies = find_copies(own, partial(read_created, self._wire))
        sandboxes = set_apart(stack.name, read, copies, strangers)
        words, notes = group_words(marked), read_notes((), marked, stack.name)
        sandboxes = tuple(
            heed_notes(with_words(with_hold(with_end(one, ends), holds), words), notes, amendments) for one in sandboxes
        )
        ids = {str(entry["Id"]) for entry in listed} | ends.keys()
        return LiveState(
            stack=stack.name,
            sandboxes=sandboxes,
            volumes=tuple(read_volumes(marked)),
            expired=find_destroyed(holds, ids) if holds else {},
            pruned=find_pruned(holds, ids) if holds else {},
        )

    def _has_taken_over(self, stack: str, containers: Iterable[Listed], marked: Iterable[Listed]) -> bool:
        """Whether the stack has something that it did not make, which more has to be asked about."""
        marks = [entry["Labels"] or {} for entry in marked]
        known = {entry["Id"] for entry in containers}
        others = {found.get(labels.CONTAINER, "") for found in marks if found.get(labels.ROLE) == "amendment"} - known
        if any(found.get(labels.ROLE) == "adoption" for found in marks):
            return True
        if not others - {""}:
            return False
        # What is left of a container that has gone is no more than that, and one of its own is younger than the list.
        found = self._wire.get("/containers/json", {"all": True, "filters": {"id": sorted(others - {""})}})
        return any((entry["Labels"] or {}).get(labels.STACK) != stack for entry in found)

    def _find_images(self, containers: Iterable[Listed]) -> list[Listed]:
        """The labels of the images of `containers`: those of an image never change."""
        found: dict[str, Listed] = {}
        for image in {str(entry.get("ImageID", "")) for entry in containers} - {""}:
            known = self._images.get(image)
            if known is None:
                try:
                    config = self._wire.get(f"/images/{image}/json").get("Config") or {}
                    known = {"Id": image, "Labels": config.get("Labels") or {}}
                except NotFound:
                    # Removed by force while its containers run; nobody can ask what it claimed.
                    known = {"Id": image, "Labels": {}}
            found[image] = known
        self._images = found
        return list(found.values())

    def _read(
        self, entries: list[Listed], runs: AskedRuns, now: float, amendments: Mapping[str, list[Listed]]
    ) -> list[LiveSandbox]:
        found, readings = [], dict[str, ListedReading]()
        for entry in entries:
            state = parse_status(entry["State"], entry["Status"]) or ask_state(self._wire, entry["Id"])
            if state is None:
                continue
            read = self._readings.get(entry["Id"])
            asked = ({**entry, "Status": ""}, state, amendments.get(entry["Id"], []))
            if read is None or read.asked != asked:
                # Most of what a look costs is to read what was there at the one before.
                read = ListedReading(asked=asked, sandbox=read_sandbox(entry, state, _find_none(entry), asked[2]))
            readings[entry["Id"]], one = read, read.sandbox
            found.append(_with_run(one, entry, runs, now) if one.state in GOING else one)
        self._readings = readings
        return sorted(found, key=lambda sandbox: (sandbox.sandbox, sandbox.created_at, sandbox.id))


def _with_run(one: LiveSandbox, entry: Listed, runs: AskedRuns, now: float) -> LiveSandbox:
    """`one`, listed as `entry` at the time `now`, with when its run began, and as restarting where it is."""
    status = str(entry["Status"])
    loops = may_restart(one, status)
    if runs.is_late(one.id) and not loops and (started_at := tell_start(status, now)):
        return replace(one, started_at=started_at)
    run = runs.tell(one.id)
    if run is None:
        return one
    one = replace(one, started_at=run.started_at)
    return judge_restarts(one, run.restarts) if loops else one


def _find_none(entry: Listed) -> dict[str, str]:
    """The id of the network `none`, where the container is in it."""
    place = ((entry.get("NetworkSettings") or {}).get("Networks") or {}).get("none") or {}
    return {"none": str(place["NetworkID"])} if place.get("NetworkID") else {}


def _with_start(sandbox: LiveSandbox) -> LiveSandbox:
    return replace(sandbox, started_at=sandbox.inspection.started_at) if sandbox.inspection else sandbox
