"""Everything that is there for one stack, in three list calls however many sandboxes it has, and one for each image."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.image_labels import without_image_claims
from nexusctl.engine.docker.bodies.inspect import inspect_all, read_aliases, read_condition, read_created, read_origins
from nexusctl.engine.docker.bodies.label_forms import disclaim, find_copies, leave_malformed, set_apart
from nexusctl.engine.docker.bodies.list_status import ListedState, parse_status
from nexusctl.engine.docker.bodies.newest_record import read_newest
from nexusctl.engine.docker.client.client import ONE_NAME, Wire
from nexusctl.engine.docker.images.named_images import AskedImages, list_claimants, read_named
from nexusctl.engine.docker.images.registry import find_unreachable
from nexusctl.engine.docker.objects.crash_loops import read_restarts
from nexusctl.engine.docker.objects.ended_tasks import group_ends, list_gone, with_end
from nexusctl.engine.docker.objects.image_health import find_unprobed
from nexusctl.engine.docker.objects.lock import find_holder
from nexusctl.engine.docker.objects.own_volumes import find_image_volumes, find_loose
from nexusctl.engine.docker.objects.ownership import (
    find_absent,
    find_closed,
    find_foreign_binds,
    find_host_ports,
    find_outer,
    find_taken,
    is_free,
    read_binds,
    read_networks,
    read_volumes,
)
from nexusctl.engine.docker.objects.pending_changes import notes_of, number_of, read_notes, sequence_of
from nexusctl.engine.docker.objects.storage_limit import limits_storage, needs_storage
from nexusctl.engine.docker.observe.attached import read_attached, read_ports
from nexusctl.engine.docker.observe.holds import (
    find_destroyed,
    find_pruned,
    group_holds,
    group_words,
    with_hold,
    with_words,
)
from nexusctl.engine.docker.observe.holds import find_orphaned as find_orphaned_holds
from nexusctl.engine.docker.observe.neighbours import find_neighbours
from nexusctl.engine.docker.observe.orphans import find_couriers, find_orphaned, find_secrets, name_of
from nexusctl.engine.docker.observe.owners import find_owners
from nexusctl.engine.memory_limits.cuts import list_shrinking
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import container_name
from nexusctl.model.env_file_text import is_withheld
from nexusctl.model.observed.live import (
    Adopt,
    Foreign,
    LiveNetwork,
    LiveSandbox,
    LiveState,
    LiveVolume,
    Orphan,
)
from nexusctl.model.stack import Stack
from nexusctl.plan.decide.networks import lacks_networks

Listed = Mapping[str, Any]
"""One entry of a list call."""


def observe(
    wire: Wire,
    stack: Stack,
    *,
    deep: bool = False,
    adopt: Adopt = None,
    also: Iterable[str] = (),
    whole: bool = False,
) -> LiveState:
    """What bears the labels of `stack`, and what of others is in its way; `deep` inspects each sandbox too.

    `also` are images that are asked for beside those that are named. Where all goes, notes of before are wanted from
    images that nothing runs from, too: a `whole` look lists all images.

    Raises `EngineError` when any look fails: nothing is ever reported as absent because it could not be seen.
    """
    containers = wire.get("/containers/json", {"all": True})
    networks = wire.get("/networks")
    volumes = wire.get("/volumes")["Volumes"] or []
    asked = AskedImages(wire, every=whole)
    asked.ask(list_claimants(containers, stack.name))
    strangers: list[Foreign] = []
    containers = leave_malformed(
        stack.name, "container", without_image_claims(containers, asked.list_known()), strangers
    )
    networks = leave_malformed(stack.name, "network", networks, strangers)
    volumes = leave_malformed(stack.name, "volume", volumes, strangers)
    marked = [entry for entry in volumes if (entry["Labels"] or {}).get(labels.STACK) == stack.name]
    notes = read_notes(asked.list_known(), marked, stack.name)
    amendments, ends, holds = group_amendments(marked), group_ends(marked), group_holds(marked)
    words = group_words(marked)
    ids = {str(entry["Id"]) for entry in containers} | ends.keys()
    own = [entry for entry in containers if is_sandbox(entry, stack.name)]
    sandboxes = read_sandboxes(wire, own, networks, amendments)
    if ends:
        gone = list_gone(ends, {entry["Id"] for entry in containers}, container_name(stack.name, "{}"))
        sandboxes = _sorted((*sandboxes, *read_sandboxes(wire, gone, networks, amendments)))
    sandboxes = set_apart(stack.name, (read := sandboxes), find_copies(own, partial(read_created, wire)), strangers)
    if apart := {sandbox.id for sandbox in read} - {sandbox.id for sandbox in sandboxes}:
        containers = [disclaim(entry) if entry["Id"] in apart else entry for entry in containers]
    foreign = _Foreign(wire, stack, containers, networks, volumes, marked, amendments, adopt=adopt)
    sandboxes = _sorted((*sandboxes, *foreign.sandboxes)) if foreign.sandboxes else sandboxes
    if ends:
        sandboxes = tuple(with_end(sandbox, ends) for sandbox in sandboxes)
    if holds:
        sandboxes = tuple(with_hold(sandbox, holds) for sandbox in sandboxes)
    sandboxes = tuple(with_words(found, words) for found in sandboxes) if words else sandboxes
    if notes:
        sandboxes = tuple(heed_notes(sandbox, notes, amendments) for sandbox in sandboxes)
    if any(is_withheld(text) for found in sandboxes if found.record for text in found.record.env.values()):
        # Most stacks have no env file.
        from nexusctl.engine.docker.observe.env_file_values import read_withheld  # noqa: PLC0415 - deferred: start-up time

        sandboxes = read_withheld(wire, sandboxes)
    if stack.digests and not deep:
        # What a lock fixes is seen unasked.
        sandboxes = read_origins(wire, sandboxes)
    if not deep:
        # A list does not have them, and few stacks give any.
        sandboxes = read_aliases(wire, sandboxes)
    seen = inspect_all(wire, sandboxes) if deep else sandboxes
    images = read_named(asked, stack, seen, also)
    own_volumes = (*foreign.leave_out_volumes(read_volumes(marked)), *foreign.volumes)
    loose = tuple(find_loose(stack, sandboxes, own_volumes, volumes, containers))
    every_volume = (*own_volumes, *loose)
    found = LiveState(
        stack=stack.name,
        sandboxes=seen,
        networks=(*read_networks(stack.name, networks), *foreign.networks),
        volumes=every_volume,
        images=images,
        taken=foreign.leave_out(find_taken(stack, containers, networks, volumes), loose),
        host_ports=find_host_ports(stack.name, [entry for entry in containers if entry["Id"] not in foreign.ids]),
        unreachable=find_unreachable(wire, stack, images),
        absent=find_absent(stack, networks, volumes),
        unprobed=find_unprobed(wire, stack, images),
        image_volumes=find_image_volumes(wire, stack, sandboxes, every_volume, images),
        outer=(outer := find_outer(stack, networks)),
        closed=find_closed(outer, networks),
        neighbours=find_neighbours(wire, stack, containers, foreign.ids),
        owners=find_owners(stack, containers, networks, volumes),
        one_name=wire.endpoint.speaks(ONE_NAME),
        limits_storage=needs_storage(stack, sandboxes) and limits_storage(wire),
        orphans=(
            *find_orphaned(amendments, notes, ids),
            *find_orphaned_holds(holds, words, ids),
            *foreign.orphans,
            *find_couriers(stack.name, containers),
            *find_secrets(containers, marked),
        ),
        foreign=tuple(strangers),
        foreign_binds=find_foreign_binds(stack, containers),
        lock=find_holder(volumes, stack.name),
        observed_at=int(time.time()),
        expired=find_destroyed(holds, ids) if holds else {},
        pruned=find_pruned(holds, ids) if holds else {},
    )
    if shrinking := list_shrinking(stack, found):
        # Most plans lower no limit.
        from nexusctl.engine.docker.objects.memory_use import with_memory  # noqa: PLC0415 - deferred: start-up time

        found = with_memory(wire, found, shrinking)
    if not lacks_networks(stack, found):
        return found
    # Most looks find all networks there.
    from nexusctl.engine.docker.objects.subnets import read_address_space  # noqa: PLC0415 - deferred: start-up time

    return replace(found, addresses=read_address_space(wire, networks))


class _Foreign:
    """What of others belongs to the stack: taken over before, or with `adopt` to be taken over now.

    Lives as long as one look, which costs next to nothing where nothing was taken over: the stack's own volumes, the
    `marked` ones, say whether anything was. `ids` are those of the containers.
    """

    def __init__(
        self,
        wire: Wire,
        stack: Stack,
        containers: Iterable[Listed],
        networks: Iterable[Listed],
        volumes: Iterable[Listed],
        marked: Iterable[Listed],
        amendments: Mapping[str, list[Listed]],
        *,
        adopt: Adopt,
    ) -> None:
        ours = [entry for entry in containers if entry["Id"] in amendments and is_free(entry)] if amendments else []
        adoptions = any(entry["Labels"].get(labels.ROLE) == "adoption" for entry in marked)
        self.sandboxes: tuple[LiveSandbox, ...] = ()
        self.networks: tuple[LiveNetwork, ...] = ()
        self.volumes: tuple[LiveVolume, ...] = ()
        self.orphans: tuple[Orphan, ...] = ()
        if ours or adoptions or adopt is not None:
            # Few stacks take anything over.
            from nexusctl.engine.docker.observe.adopted import find_foreign  # noqa: PLC0415 - deferred: start-up time

            read = partial(read_sandboxes, wire, networks=networks, amendments=amendments)
            own = [entry for entry in containers if is_sandbox(entry, stack.name)]
            found = find_foreign(wire, stack, containers, networks, volumes, own, read(entries=ours), read, adopt=adopt)
            self.sandboxes, self.networks, self.volumes, self.orphans = found
        self.ids = {sandbox.id for sandbox in self.sandboxes}

    def leave_out_volumes(self, volumes: Iterable[LiveVolume]) -> Iterable[LiveVolume]:
        """Those of which nothing is written that counts more than their labels."""
        names = {volume.name for volume in self.volumes}
        return [volume for volume in volumes if volume.name not in names]

    def leave_out(
        self, taken: dict[str, dict[str, str]], loose: Collection[LiveVolume] = ()
    ) -> dict[str, dict[str, str]]:
        """`taken` without what is the stack's, as its `loose` volumes are."""
        if not (self.sandboxes or self.networks or self.volumes or loose):
            return taken
        own = {
            "container": {sandbox.name for sandbox in self.sandboxes},
            "network": {network.name for network in self.networks},
            "volume": {volume.name for volume in (*self.volumes, *loose)},
        }
        return {
            kind: {name: owner for name, owner in names.items() if name not in own[kind]}
            for kind, names in taken.items()
        }


def is_sandbox(entry: Listed, stack: str) -> bool:
    """Whether a listed container claims to be a sandbox of `stack`."""
    found = entry["Labels"] or {}
    return found.get(labels.STACK) == stack and found.get(labels.ROLE) == "sandbox" and labels.SANDBOX in found


def heed_notes(sandbox: LiveSandbox, notes: Iterable[str], amendments: Mapping[str, list[Listed]]) -> LiveSandbox:
    """`sandbox` with its notes; a record that one of them announces, and that is not there, leaves it unsure."""
    own = notes_of(notes, sandbox.id)
    if not own:
        return sandbox
    newest = max(map(sequence_of, amendments.get(sandbox.id, [])), default=0)
    unsure = sandbox.unsure or any(number_of(note) > newest for note in own)
    return replace(sandbox, amendments=(*sandbox.amendments, *own), unsure=unsure)


def group_amendments(marked: Iterable[Listed]) -> dict[str, list[Listed]]:
    """The stack's amendments by container id, the oldest first."""
    found: dict[str, list[Listed]] = {}
    for entry in marked:
        marks = entry["Labels"]
        if marks.get(labels.ROLE) == "amendment":
            found.setdefault(marks.get(labels.CONTAINER, ""), []).append(entry)
    return {container: sorted(entries, key=sequence_of) for container, entries in found.items()}


def read_sandboxes(
    wire: Wire, entries: Iterable[Listed], networks: Iterable[Listed], amendments: Mapping[str, list[Listed]]
) -> tuple[LiveSandbox, ...]:
    ids = {str(entry["Name"]): str(entry["Id"]) for entry in networks}
    found = []
    for entry in entries:
        state = parse_status(entry["State"], entry["Status"]) or ask_state(wire, entry["Id"])
        if state:
            read = read_sandbox(entry, state, ids, amendments.get(entry["Id"], []))
            found.append(read_restarts(wire, read, entry))
    return _sorted(found)


def _sorted(sandboxes: Iterable[LiveSandbox]) -> tuple[LiveSandbox, ...]:
    return tuple(sorted(sandboxes, key=lambda sandbox: (sandbox.sandbox, sandbox.created_at, sandbox.id)))


def ask_state(wire: Wire, container_id: str) -> ListedState | None:
    """The state of a container whose list entry is not understood; None where it has gone meanwhile."""
    try:
        condition = read_condition(wire.get(f"/containers/{container_id}/json"))
    except NotFound:
        return None
    return ListedState(state=condition.state, health=condition.health, exit_code=condition.exit_code)


def read_sandbox(
    entry: Listed, state: ListedState, network_ids: Mapping[str, str], amendments: list[Listed]
) -> LiveSandbox:
    marks = entry["Labels"] or {}
    source, record, problem = read_newest([*(amendment["Labels"] for amendment in reversed(amendments)), marks])
    newest = amendments[-1]["Labels"] if amendments else marks
    return LiveSandbox(
        id=entry["Id"],
        name=name_of(entry),
        # A container that was moved has the name that it was born with in its own labels.
        sandbox=source.get(labels.SANDBOX) or marks.get(labels.SANDBOX, ""),
        state=state.state,
        record=record,
        record_problem=problem,
        unsure=source is not newest,
        birth_name=marks.get(labels.BIRTH_NAME, ""),
        health=state.health,
        exit_code=state.exit_code,
        created_at=int(entry["Created"]),
        image=entry["Image"],
        image_id=entry["ImageID"],
        named=bool(marks.get(labels.NAMED)),
        reduced=bool(marks.get(labels.CAPABILITIES)),
        bound=(entry.get("HostConfig") or {}).get("NetworkMode", ""),
        ports=read_ports(entry),
        networks=read_attached(entry, network_ids),
        volumes={m["Destination"]: m.get("Name", "") for m in entry.get("Mounts") or () if m.get("Type") == "volume"},
        binds=read_binds(entry),
        amendments=tuple(item["Name"] for item in amendments),
        package_facts=amendments[-1]["Labels"].get(labels.PACKAGE_FACTS, "") if amendments else "",
    )
