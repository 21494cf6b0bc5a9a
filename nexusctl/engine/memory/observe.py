"""Looking: at a whole stack, at one container, and inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nexusctl.engine.awaited_health import list_awaited
from nexusctl.engine.condition import Condition
from nexusctl.engine.image_volumes import list_declaring
from nexusctl.engine.memory.behaviour import IMAGE_HEALTH, probe_command
from nexusctl.engine.memory.objects import find_amendments
from nexusctl.engine.memory.ports import foreign_ports
from nexusctl.engine.memory.volumes import describe_taken, list_volumes
from nexusctl.engine.memory.world import Amendment, MemoryContainer, World
from nexusctl.engine.memory_limits.cuts import list_shrinking
from nexusctl.model.engine_names import container_name, image_reference
from nexusctl.model.env_file_text import put_back
from nexusctl.model.observed.inspected_container import InspectedContainer
from nexusctl.model.observed.live import (
    ForeignBind,
    HealthState,
    Inspection,
    Interior,
    LiveFile,
    LiveSandbox,
    LiveState,
    Orphan,
    Owner,
)
from nexusctl.model.observed.running_sandbox import RunningSandbox
from nexusctl.model.stack import Health, Sandbox, Stack
from nexusctl.plan.compare.fields import TABLE
from nexusctl.plan.compare.paths import place
from nexusctl.plan.decide.networks import lacks_networks


def observe(world: World, stack: Stack, *, deep: bool = False) -> LiveState:
    with world.mutex:
        found = _observe(world, stack, deep)
        declaring = list_declaring(stack, found.sandboxes, found.volumes, found.images)
        found = replace(found, image_volumes={name: frozenset(world.image_volumes.get(name, ())) for name in declaring})
        shrinking = list_shrinking(stack, found)
        found = replace(
            found,
            sandboxes=tuple(
                replace(x, memory_used=world.containers[x.id].memory_used) if x.id in shrinking else x
                for x in found.sandboxes
            ),
        )
        return replace(found, addresses=world.address_space()) if lacks_networks(stack, found) else found


def glimpse(world: World, stack: Stack) -> LiveState:
    found = observe(world, stack, deep=True)
    sandboxes = tuple(
        replace(one, started_at=one.inspection.started_at if one.inspection else "", inspection=None)
        for one in found.sandboxes
    )
    return LiveState(
        stack=found.stack, sandboxes=sandboxes, volumes=found.volumes, expired=found.expired, pruned=found.pruned
    )


def find_running(world: World, stack: str, name: str) -> RunningSandbox | None:
    found = [one for one in observe(world, Stack(name=stack)).sandboxes if one.sandbox == name]
    if len(found) != 1 or found[0].state != "running" or found[0].name != container_name(stack, name):
        return None
    return RunningSandbox(id=found[0].id, sandbox=name)


def _observe(world: World, stack: Stack, deep: bool) -> LiveState:
    own = [c for c in world.containers.values() if c.stack == stack.name]
    wanted = {image_reference(sandbox.image) for sandbox in stack.sandboxes.values()}
    left = {
        world.held_names[name]: hold
        for name, (owner, container_id, hold) in sorted(world.holds.items())
        if owner == stack.name and container_id not in world.containers
    }
    return LiveState(
        stack=stack.name,
        sandboxes=tuple(
            sorted(
                (*(see(world, c, deep) for c in own), *_recall_ended(world, stack.name)),
                key=lambda found: (found.sandbox, found.id),
            )
        ),
        networks=tuple(network for owner, network in world.networks.values() if owner == stack.name),
        volumes=list_volumes(world, stack),
        images=dict(world.images),
        taken=_find_taken(world, stack),
        host_ports={**world.host_ports, **foreign_ports(world, stack.name)},
        unreachable=frozenset((wanted - set(world.images)) & world.unreachable),
        unprobed=frozenset({*list_awaited(stack)} & set(world.images)) - world.probed,
        orphans=tuple(
            Orphan(kind="amendment", name=a.name)
            for a in (*world.amendments.values(), *world.notes.values())
            if a.stack == stack.name and a.container_id not in {*world.containers, *_ended(world)}
        )
        + tuple(
            Orphan(kind="amendment", name=name)
            for name, (owner, container_id) in sorted(_find_words(world).items())
            if owner == stack.name and container_id not in {*world.containers, *_ended(world)}
        ),
        foreign_binds=_find_foreign_binds(world, stack),
        lock=world.locks.get(stack.name),
        outer=(outer := _find_outer(world, stack)),
        closed=frozenset(name for name, network_id in outer.items() if world.networks[network_id][1].internal),
        owners=_find_owners(world, stack),
        one_name=world.one_name,
        limits_storage=world.limits_storage,
        observed_at=world.now,
        expired={name: hold for name, hold in left.items() if hold.by_lifetime},
        pruned={name: hold for name, hold in left.items() if not hold.by_lifetime},
    )


def _find_words(world: World) -> dict[str, tuple[str, str]]:
    """The stack and the container of whatever somebody says of one, by the name of what says so."""
    holds = {name: (owner, container_id) for name, (owner, container_id, _) in world.holds.items()}
    extensions = {name: (one.stack, one.container_id) for name, one in world.extensions.items()}
    return holds | extensions | {name: (one.stack, one.container_id) for name, one in world.pasts.items()}


def _find_foreign_binds(world: World, stack: Stack) -> tuple[ForeignBind, ...]:
    if not any(mount.kind == "bind" for sandbox in stack.sandboxes.values() for mount in sandbox.mounts):
        return ()
    return tuple(
        ForeignBind(source=mount.real or mount.source, owner=c.stack, writable=not mount.read_only)
        for c in world.containers.values()
        if c.stack != stack.name
        for mount in c.sandbox.mounts
        if mount.kind == "bind"
    )


def list_stacks(world: World) -> frozenset[str]:
    with world.mutex:
        owners = [owner for owner, _ in (*world.networks.values(), *world.volumes.values())]
        owners += [container.stack for container in world.containers.values()]
        owners += [amendment.stack for amendment in (*world.amendments.values(), *world.notes.values())]
        return frozenset(filter(None, [*owners, *world.locks]))


def look_inside(world: World, live: LiveState) -> LiveState:
    with world.mutex:
        return replace(
            live,
            sandboxes=tuple(
                _look_inside(world, x) if x.id in world.containers else x
                for x in live.sandboxes
                if x.id in world.containers or x.end
            ),
        )


def inspect(world: World, name: str) -> InspectedContainer:
    with world.mutex:
        found = world.get(name)
        return InspectedContainer(id=found.id, name=found.name, sandbox=found.sandbox)


def look_at(world: World, container_id: str) -> Condition:
    with world.mutex:
        found = world.get(container_id)
        return Condition(
            state=found.state,
            health=_health(world, found),
            exit_code=found.exit_code,
            restarts=found.restarts,
            ports=found.ports,
        )


def _ended(world: World) -> dict[str, str]:
    """The names of the notes that a task has ended, by container."""
    return {end.container_id: end.name for end in world.ends.values()}


def _recall_ended(world: World, stack: str) -> Iterator[LiveSandbox]:
    """Tasks that have ended and whose container is gone."""
    for end in world.ends.values():
        if end.stack == stack and end.container_id not in world.containers and end.sandbox:
            amendments = find_amendments(world, end.container_id)
            notes = [note for note in world.notes.values() if note.container_id == end.container_id]
            yield LiveSandbox(
                id=end.container_id,
                name=container_name(stack, end.sandbox.name),
                sandbox=_name_of(end.sandbox, amendments),
                state="exited",
                record=amendments[-1].sandbox if amendments else end.sandbox,
                exit_code=0,
                amendments=(*(a.name for a in (*amendments, *notes)), end.name),
                end=end.name,
                gone=True,
            )


def _name_of(born: Sandbox, amendments: Sequence[Amendment]) -> str:
    """The sandbox's name by its newest record."""
    newest = amendments[-1].sandbox if amendments else None
    return newest.name if newest else born.name


def see(world: World, container: MemoryContainer, deep: bool) -> LiveSandbox:
    amendments = find_amendments(world, container.id)
    notes = [note for note in world.notes.values() if note.container_id == container.id]
    newest = amendments[-1].sequence if amendments else 0
    image = world.images.get(image_reference(container.placement.image))
    record = _with_values(amendments[-1].sandbox if amendments else container.sandbox, container)
    end = _ended(world).get(container.id, "")
    hold = next((hold for _, container_id, hold in world.holds.values() if container_id == container.id), None)
    extensions = {name: one.until for name, one in world.extensions.items() if one.container_id == container.id}
    past = tuple(name for name, one in world.pasts.items() if one.container_id == container.id)
    return LiveSandbox(
        id=container.id,
        name=container.name,
        sandbox=_name_of(container.sandbox, amendments),
        state=container.state,
        record=record,
        birth_name=container.placement.birth_name,
        health=_health(world, container),
        exit_code=container.exit_code,
        restarts=container.restarts if container.alive else 0,
        created_at=container.created_at,
        image=container.placement.image,
        image_id=image.id if image else "",
        named=True,
        reduced=True,
        ports=container.ports,
        networks=dict(container.networks),
        volumes=container.anonymous
        | {
            mount.target: container.placement.volumes.get(mount.source, mount.source)
            for mount in container.sandbox.mounts
            if mount.kind == "volume"
        },
        binds=dict(container.binds),
        amendments=(
            *(a.name for a in (*amendments, *notes)),
            *filter(None, (end, hold.name if hold else "", *extensions, *past)),
        ),
        end=end,
        hold=hold,
        extended=max(extensions.values(), default=0),
        extensions=tuple(extensions),
        past=past,
        unsure=any(note.sequence > newest for note in notes),
        inspection=_inspect(container) if deep else None,
        aliases=_find_aliases(container) if deep or (record and record.aliases) else None,
    )


def _find_aliases(container: MemoryContainer) -> dict[str, tuple[str, ...]]:
    return {key: container.aliases.get(name, ()) for key, name in container.networks.items()}


def _with_values(record: Sandbox | None, container: MemoryContainer) -> Sandbox | None:
    """The container has what its record keeps for itself."""
    if record is None:
        return None
    values = {name: value.decode() for name, value in container.env.items()}
    return replace(record, env=put_back(record.env, values))


def _inspect(container: MemoryContainer) -> Inspection:
    return Inspection(
        resources=container.resources,
        restart=container.restart,
        image=image_reference(container.placement.image),
        settings={rule.field: getattr(container.sandbox, rule.field) for rule in TABLE if rule.inspected},
    )


def _look_inside(world: World, live: LiveSandbox) -> LiveSandbox:
    """Files have no owners here; a file that is not recorded counts as added to the recorded folder it lies in."""
    container, record = world.containers[live.id], live.record
    known = container.packages or container.displaced
    if record is None or record.kind == "task" or not (record.uploads or record.secrets or known):
        return live
    recorded = {place(u.target, f.path): f.kind for u in record.uploads for f in u.files}
    files = {
        path: LiveFile(kind=file.kind, mode=file.mode, owner="", digest=file.digest, link=file.link)
        for path, file in container.files.items()
    }
    added = {
        path: "folder" if file.kind == "folder" else "file"
        for path, file in files.items()
        if path not in recorded and recorded.get(path.rpartition("/")[0]) == "folder"
    }
    inside = Interior(
        files={path: file for path, file in files.items() if path in recorded},
        added=added,
        packages=dict(container.packages) if container.state == "running" else {},
        displaced=dict(container.displaced) if container.state in ("running", "paused") else {},
        lost_secrets=frozenset(file.name for file in record.secrets if file.name not in container.secrets),
    )
    return replace(live, interior=inside)


def find_health(world: World, container: MemoryContainer) -> Health | None:
    brought = container.sandbox.image_health and image_reference(container.placement.image) in world.probed
    return container.sandbox.health or (IMAGE_HEALTH if brought else None)


def _health(world: World, container: MemoryContainer) -> HealthState:
    health = find_health(world, container)
    if health is None or container.state != "running":
        return "none"
    passed = world.answer(container.sandbox, probe_command(health)).exit_code == 0
    return "healthy" if passed else "unhealthy"


def _find_outer(world: World, stack: Stack) -> dict[str, str]:
    ids = {found.name: network_id for network_id, (_, found) in world.networks.items()}
    wanted = {network.external for network in stack.networks.values()}
    return {name: network_id for name, network_id in ids.items() if name in wanted}


def _find_owners(world: World, stack: Stack) -> dict[tuple[str, str], Owner]:
    known = {("network", found.name): (owner, found.network) for owner, found in world.networks.values()}
    known |= {("volume", found.name): (owner, found.volume) for owner, found in world.volumes.values()}
    wanted = {("network", str(n.external)) for n in stack.networks.values()}
    wanted |= {("volume", str(v.external)) for v in stack.volumes.values()}
    found = {}
    for kind, called in wanted & known.keys():
        owner, name = known[kind, called]
        own = [c for c in world.containers.values() if c.stack == owner]
        newest = [(find_amendments(world, c.id)[-1:], c.sandbox) for c in own]
        records = [(amended[0].sandbox if amended else None) or born for amended, born in newest]
        if owner not in ("", stack.name):
            shares = not own or any(f"{kind}:{name}" in record.shares for record in records)
            found[kind, called] = Owner(stack=owner, shares=shares)
    return found


def _find_taken(world: World, stack: Stack) -> dict[str, dict[str, str]]:
    """The names in `taken`, and those of others' containers and volumes that `stack` would use."""
    wanted = {container_name(stack.name, name) for name in stack.sandboxes}
    others = {
        c.name: f"a sandbox of the stack {c.stack}"
        for c in world.containers.values()
        if c.stack != stack.name and c.name in wanted
    }
    volumes = describe_taken(world, stack)
    return {
        **world.taken,
        "container": {**world.taken["container"], **others},
        "volume": {**world.taken["volume"], **volumes},
    }
