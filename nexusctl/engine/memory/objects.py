"""Networks, volumes and amendments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nexusctl.engine.memory.world import Amendment, MemoryExtension, MemoryPast, World, read_back
from nexusctl.errors import Conflict, EngineError
from nexusctl.model.engine_names import anonymous_volume, anonymous_volume_name, image_reference
from nexusctl.model.observed.history import KEPT, Deed, DeedKind, tell_end
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveNetwork, LiveVolume
from nexusctl.model.observed.lock_holder import name_holder
from nexusctl.model.plan.plan import Placement
from nexusctl.model.stack import Network, Sandbox, Volume
from nexusctl.plan.decide.subnets import choose_subnet, has_room, overlaps, say_full


def create_network(world: World, stack: str, network: Network, name: str, subnet: str = "", sandboxes: int = 1) -> str:
    world.note("create_network", name)
    with world.mutex:
        for network_id, (owner, found) in world.networks.items():
            same = (owner, found.network) == (stack, network.name) and found.is_as(network)
            if same and (network.subnet or has_room(found.subnet, sandboxes)):
                return network_id
        others = (found.name for owner, found in world.networks.values() if owner != stack or world.one_name)
        world.check_name("network", name, others)
        space = world.address_space()
        if network.subnet and any(overlaps(network.subnet, other) for other in space.used):
            summary = f"network {name}: another network has addresses of its subnet {network.subnet}"
            raise Conflict(summary, status=403, hint="name another range, or leave `subnet` out")
        subnet = network.subnet or subnet
        if not subnet or any(overlaps(subnet, other) for other in space.used):
            subnet = choose_subnet(space, name, sandboxes)
        if not subnet:
            summary, hint = say_full(name, space)
            raise EngineError(summary, status=403, hint=hint)
        made = LiveNetwork(
            id=world.new_id(name),
            name=name,
            network=network.name,
            internal=network.internal,
            enable_ipv6=network.enable_ipv6,
            subnet=subnet,
            gateway=network.gateway or "",
            ip_range=network.ip_range or "",
            fixed=bool(network.subnet),
            labels=network.labels,
        )
        world.networks[made.id] = (stack, made)
    world.cut("create_network", name)
    return made.id


def replace_network(
    world: World,
    stack: str,
    network: Network,
    name: str,
    old_id: str,
    members: Iterable[str],
    subnet: str = "",
    sandboxes: int = 1,
) -> str:
    with world.mutex:
        inside = [c for c in world.containers.values() if old_id in c.networks and c.alive]
    if strangers := sorted(c.name for c in inside if c.id not in set(members)):
        raise Conflict(f"network {name} is still used by {', '.join(strangers)}", status=409)
    for member in inside:
        world.note("disconnect", member.id)
        with world.mutex:
            member.networks.pop(old_id, None)
        world.cut("disconnect", member.id)
    remove_network(world, old_id)
    return create_network(world, stack, network, name, subnet, sandboxes)


def remove_network(world: World, network_id: str) -> None:
    world.note("remove_network", network_id)
    with world.mutex:
        users = [c.name for c in world.containers.values() if network_id in c.networks and c.alive]
        if users:
            raise Conflict(f"network {network_id} is still used by {', '.join(sorted(users))}", status=409)
        world.networks.pop(network_id, None)
    world.cut("remove_network", network_id)


def create_volume(world: World, stack: str, volume: Volume, name: str) -> None:
    world.note("create_volume", name)
    with world.mutex:
        if name in world.volumes and world.volumes[name][0] != stack:
            raise Conflict(f"the volume name {name} is taken", status=409)
        world.check_name("volume", name, ())
        if name not in world.volumes:
            made = LiveVolume(
                name=name,
                volume=volume.name,
                driver=volume.driver,
                driver_opts=volume.driver_opts,
                labels=volume.labels,
            )
            world.volumes[name] = (stack, made)
    world.cut("create_volume", name)


def remove_volume(world: World, name: str) -> None:
    world.note("remove_volume", name)
    with world.mutex:
        users = [
            c.name
            for c in world.containers.values()
            if name in c.anonymous.values()
            or any(c.placement.volumes.get(mount.source) == name for mount in c.sandbox.mounts)
        ]
        if users:
            raise Conflict(f"volume {name} is still used by {', '.join(sorted(users))}", status=409)
        world.volumes.pop(name, None)
    world.cut("remove_volume", name)


def claim_anonymous(world: World, stack: str, sandbox: Sandbox, placement: Placement) -> dict[str, str]:
    declared = {mount.target for mount in sandbox.mounts if mount.kind != "anonymous"}
    wanted = {mount.target for mount in sandbox.mounts if mount.kind == "anonymous"}
    wanted |= {*world.image_volumes.get(image_reference(placement.image), ())}
    found = {}
    for target in sorted(wanted - declared):
        name = placement.anonymous.get(target)
        name = name or anonymous_volume_name(stack, sandbox.name, target, placement.others)
        found[target] = name
        volume = LiveVolume(name=name, volume=anonymous_volume(sandbox.name, target))
        world.volumes.setdefault(name, (stack, volume))
    return found


def adopt(world: World, stack: str, kind: str, name: str, key: str) -> None:
    """Of others there are only names here; so only a volume of the stack's own may change whose it is."""
    world.note("adopt", name)
    with world.mutex:
        if kind == "volume" and key in world.volumes:
            _, volume = world.volumes[key]
            world.volumes[key] = (stack, replace(volume, volume=name, adopted="yes"))
    world.cut("adopt", name)


def announce(world: World, stack: str, container_id: str) -> str:
    world.note("announce", container_id)
    with world.mutex:
        earlier = find_amendments(world, container_id)
        sequence = earlier[-1].sequence + 1 if earlier else 1
        name = f"nexusctl_note_{container_id[:16]}_{sequence}"
        world.notes[name] = Amendment(name=name, stack=stack, container_id=container_id, sequence=sequence)
    world.cut("announce", container_id)
    return name


def amend(world: World, stack: str, sandbox: Sandbox, container_id: str, note: str) -> str:
    world.note("amend", container_id)
    with world.mutex:
        earlier, kept = find_amendments(world, container_id), read_back(sandbox)
        announced = world.notes[note].sequence if note else 0
        if earlier and earlier[-1].sandbox == kept and earlier[-1].sequence >= announced:
            return earlier[-1].name
        sequence = earlier[-1].sequence + 1 if earlier else 1
        name = f"nexusctl_amendment_{container_id[:16]}_{sequence}"
        world.amendments[name] = Amendment(
            name=name,
            stack=stack,
            container_id=container_id,
            sequence=sequence,
            sandbox=kept,
            created_at=world.now,
            maker=name_holder(world.locks.get(stack)),
        )
    world.cut("amend", container_id)
    return name


def note_end(world: World, stack: str, container_id: str) -> None:
    world.note("note_end", container_id)
    with world.mutex:
        if found := world.containers.get(container_id):
            name = f"nexusctl_end_{container_id[:16]}"
            world.ends[name] = Amendment(
                name=name, stack=stack, container_id=container_id, sequence=0, sandbox=read_back(found.sandbox)
            )
    world.cut("note_end", container_id)


def note_hold(world: World, stack: str, sandbox: str, container_id: str, hold: Hold) -> None:
    world.note("note_hold", container_id)
    with world.mutex:
        name = f"nexusctl_hold_{container_id[:16]}"
        if name in world.holds:
            _keep_hold(world, name)
        world.holds[name] = (stack, container_id, replace(hold, name=name))
        world.held_names[name] = sandbox
    world.cut("note_hold", container_id)


def note_extension(world: World, stack: str, sandbox: str, container_id: str, until: int, user: str) -> str:
    world.note("note_extension", container_id)
    name = f"nexusctl_extension_{container_id[:16]}_{until}"
    with world.mutex:
        world.extensions[name] = MemoryExtension(
            stack=stack,
            sandbox=sandbox,
            container_id=container_id,
            until=until,
            user=user,
            since=world.now,
        )
    world.cut("note_extension", container_id)
    return name


def note_deed(world: World, stack: str, sandbox: str, container_id: str, kind: DeedKind) -> None:
    world.note("note_deed", container_id)
    with world.mutex:
        user = name_holder(world.locks.get(stack))
        _add_past(world, stack, Deed(at=world.now, sandbox=sandbox, kind=kind, user=user, container=container_id))
    world.cut("note_deed", container_id)


def lift_hold(world: World, name: str) -> None:
    world.note("lift_hold", name)
    with world.mutex:
        if name in world.holds:
            _keep_hold(world, name)
            del world.holds[name]
    world.cut("lift_hold", name)


def _keep_hold(world: World, name: str) -> None:
    stack, container_id, hold = world.holds[name]
    _add_past(world, stack, tell_end(hold, world.held_names[name], container_id, present=True))


def _add_past(world: World, stack: str, deed: Deed) -> None:
    """With another name each time, as on a real engine."""
    prefix = f"nexusctl_past_{deed.container[:16]}_"
    former = next((name for name in world.pasts if name.startswith(prefix)), "")
    before = world.pasts.pop(former).deeds if former else ()
    number = int(former.removeprefix(prefix)) + 1 if former else 1
    deeds = (*before, deed)[-KEPT:]
    world.pasts[f"{prefix}{number}"] = MemoryPast(stack=stack, container_id=deed.container, deeds=deeds)


def remove_amendment(world: World, name: str) -> None:
    world.note("remove_amendment", name)
    with world.mutex:
        world.amendments.pop(name, None)
        world.notes.pop(name, None)
        world.ends.pop(name, None)
        world.holds.pop(name, None)
        world.extensions.pop(name, None)
        world.pasts.pop(name, None)
    world.cut("remove_amendment", name)


def find_amendments(world: World, container_id: str) -> list[Amendment]:
    """Those of one container, the newest last."""
    found = (a for a in world.amendments.values() if a.container_id == container_id)
    return sorted(found, key=lambda a: a.sequence)
