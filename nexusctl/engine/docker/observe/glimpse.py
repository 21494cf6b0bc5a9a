"""The sandboxes of one stack for whoever looks again and again: two list calls, and what is new since the last look.

Nothing is believed that may have changed: what a list does not tell is kept for one run of a container, which the
engine names by the ids of its places in networks, new ones at each start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.image_labels import without_image_claims
from nexusctl.engine.docker.bodies.inspect import WORKERS
from nexusctl.engine.docker.bodies.label_forms import find_copies, leave_malformed, set_apart
from nexusctl.engine.docker.bodies.list_status import parse_status
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.crash_loops import judge_restarts, may_restart
from nexusctl.engine.docker.objects.ended_tasks import group_ends, list_gone, with_end
from nexusctl.engine.docker.objects.ownership import read_volumes
from nexusctl.engine.docker.objects.pending_changes import read_notes
from nexusctl.engine.docker.observe.holds import (
    find_destroyed,
    group_extensions,
    group_holds,
    with_extensions,
    with_hold,
)
from nexusctl.engine.docker.observe.observe import (
    ask_state,
    group_amendments,
    heed_notes,
    is_sandbox,
    observe,
    read_sandbox,
)
from nexusctl.engine.threads import open_crew
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import Foreign, LiveSandbox, LiveState
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass

Listed = Mapping[str, Any]
RunKey = tuple[str, ...]
"""The id of a container, and those of its places in networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """What a list does not tell of a run: when it began, and how often the engine had started the container again."""

    started_at: str
    restarts: int


class Glimpses:
    """What is known from one look to the next. `take` is for any thread."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._runs: dict[RunKey, KnownRun] = {}
        self._images: dict[str, Listed] = {}

    def take(self, stack: Stack) -> LiveState:
        """See `Engine.glimpse`."""
        own_label = {"filters": {"label": [f"{labels.STACK}={stack.name}"]}}
        # Volumes after containers: a word about one comes after it.
        listed = self._wire.get("/containers/json", {"all": True, **own_label})
        marked = self._wire.get("/volumes", own_label)["Volumes"] or []
        if self._has_taken_over(listed, marked):
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
        read = self._read([*own, *gone], amendments)
        sandboxes = set_apart(stack.name, read, frozenset(find_copies(own)), strangers)
        extensions, notes = group_extensions(marked), read_notes((), marked, stack.name)
        sandboxes = tuple(
            heed_notes(with_extensions(with_hold(with_end(one, ends), holds), extensions), notes, amendments)
            for one in sandboxes
        )
        ids = {str(entry["Id"]) for entry in listed} | ends.keys()
        return LiveState(
            stack=stack.name,
            sandboxes=sandboxes,
            volumes=tuple(read_volumes(marked)),
            expired=find_destroyed(holds, ids) if holds else {},
        )

    def _has_taken_over(self, containers: Iterable[Listed], marked: Iterable[Listed]) -> bool:
        """Whether the stack has something that it did not make, which more has to be asked about."""
        marks = [entry["Labels"] or {} for entry in marked]
        known = {entry["Id"] for entry in containers}
        others = {found.get(labels.CONTAINER, "") for found in marks if found.get(labels.ROLE) == "amendment"} - known
        if any(found.get(labels.ROLE) == "adoption" for found in marks):
            return True
        # What is left of a container that has gone is no more than that.
        wanted = {"all": True, "filters": {"id": sorted(others - {""})}}
        return bool(others - {""} and self._wire.get("/containers/json", wanted))

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

    def _read(self, entries: list[Listed], amendments: Mapping[str, list[Listed]]) -> list[LiveSandbox]:
        kept = {key: run for entry in entries if (key := _key_of(entry)) and (run := self._runs.get(key))}
        unknown = [entry for entry in entries if entry["State"] != "created" and _key_of(entry) not in kept]
        asked = dict(zip([entry["Id"] for entry in unknown], self._ask_all(unknown), strict=True))
        new = {key: run for entry in unknown if (key := _key_of(entry)) and (run := asked[entry["Id"]])}
        # Of two looks at once one may forget what the other has learned; then it is asked again.
        self._runs = {**kept, **new}
        found = []
        for entry in entries:
            state = parse_status(entry["State"], entry["Status"]) or ask_state(self._wire, entry["Id"])
            if state is None:
                continue
            one = read_sandbox(entry, state, _find_none(entry), amendments.get(entry["Id"], []))
            run = kept.get(_key_of(entry)) or asked.get(entry["Id"])
            if run and one.state in ("running", "paused", "restarting"):
                one = replace(one, started_at=run.started_at)
                one = judge_restarts(one, run.restarts) if may_restart(one, str(entry["Status"])) else one
            found.append(one)
        return sorted(found, key=lambda sandbox: (sandbox.sandbox, sandbox.created_at, sandbox.id))

    def _ask_all(self, entries: list[Listed]) -> list[KnownRun | None]:
        if len(entries) < 3:
            return [self._ask(entry) for entry in entries]
        with open_crew(WORKERS) as pool:
            return list(pool.map(self._ask, entries))

    def _ask(self, entry: Listed) -> KnownRun | None:
        if entry["State"] not in ("running", "paused", "restarting"):
            return None
        try:
            inspected = self._wire.get(f"/containers/{entry['Id']}/json")
        except NotFound:
            return None
        started = str(inspected["State"].get("StartedAt", ""))
        return KnownRun(
            started_at="" if started.startswith("0001-") else started,
            restarts=int(inspected.get("RestartCount") or 0),
        )


def _find_none(entry: Listed) -> dict[str, str]:
    """The id of the network `none`, where the container is in it."""
    place = ((entry.get("NetworkSettings") or {}).get("Networks") or {}).get("none") or {}
    return {"none": str(place["NetworkID"])} if place.get("NetworkID") else {}


def _key_of(entry: Listed) -> RunKey:
    """Of the run that a list shows; empty where it does not tell one from the next."""
    places = ((entry.get("NetworkSettings") or {}).get("Networks") or {}).values()
    ids = sorted(str((place or {}).get("EndpointID") or "") for place in places)
    return (str(entry["Id"]), *ids) if ids and all(ids) and entry["State"] in ("running", "paused") else ()


def _with_start(sandbox: LiveSandbox) -> LiveSandbox:
    return replace(sandbox, started_at=sandbox.inspection.started_at) if sandbox.inspection else sandbox
