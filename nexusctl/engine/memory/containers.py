"""The life of a container."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

from nexusctl.engine.left_behind import is_below
from nexusctl.engine.memory.world import MemoryContainer, World
from nexusctl.errors import Conflict, EngineError, NotFound
from nexusctl.model.names import image_reference
from nexusctl.model.plan import Attachment, PackageChange, Placement
from nexusctl.model.record import encode
from nexusctl.model.secret import Reveal, SecretFile, reveal_text
from nexusctl.model.stack import Port, Resources, RestartPolicy, Sandbox, Upload

FIRST_FREE_PORT = 32768


def create_container(world: World, stack: str, sandbox: Sandbox, placement: Placement, reveal: Reveal) -> str:
    name = placement.birth_name or placement.name
    env = {key: reveal_text(text, reveal) for key, text in sandbox.env.items()}
    secrets = {file.name: reveal(file).reveal() for file in sandbox.secrets}
    world.note("create_container", name)
    with world.mutex:
        if image_reference(placement.image) not in world.images:
            raise NotFound(f"cannot create {name}: no such image: {placement.image}", status=404)
        made = _adopt(world, stack, sandbox, placement, name) or _make(world, stack, sandbox, placement, name)
        _lay_down(made, sandbox.uploads)
        made.env, made.secrets = env, secrets
        return made.id


def start_container(world: World, container_id: str) -> None:
    world.note("start_container", container_id)
    with world.mutex:
        found = world.get(container_id)
        if found.alive:
            return
        for network_id, name in found.networks.items():
            if network_id not in world.networks and network_id != name:
                raise NotFound(f"network {name} not found", status=404)
        found.ports = _publish(world, found)
        found.exit_code = world.behave(found.sandbox)
        found.state = "running" if found.exit_code is None else "exited"
        if found.state == "exited":
            found.ports = ()


def stop_container(world: World, container_id: str) -> None:
    world.note("stop_container", container_id)
    with world.mutex:
        found = world.get(container_id)
        if found.alive:
            found.state, found.exit_code, found.ports = "exited", 143, ()


def restart_container(world: World, container_id: str) -> None:
    stop_container(world, container_id)
    start_container(world, container_id)


def signal_container(world: World, container_id: str, signal: str) -> None:
    """Nobody minds a signal here."""
    world.note(f"signal_container {signal}", container_id)
    with world.mutex:
        if world.get(container_id).state != "running":
            raise Conflict(f"Container {container_id} is not running", status=409)


def unpause_container(world: World, container_id: str) -> None:
    world.note("unpause_container", container_id)
    with world.mutex:
        found = world.get(container_id)
        if found.state == "paused":
            found.state = "running"


def remove_container(world: World, container_id: str) -> None:
    world.note("remove_container", container_id)
    with world.mutex:
        world.containers.pop(container_id, None)


def rename_container(world: World, container_id: str, name: str) -> None:
    world.note("rename_container", name)
    with world.mutex:
        found = world.get(container_id)
        if found.name != name:
            world.check_name("container", name, (c.name for c in world.containers.values()))
        found.name = name


def update_limits(world: World, container_id: str, resources: Resources, restart: RestartPolicy) -> None:
    world.note("update_limits", container_id)
    with world.mutex:
        found = world.get(container_id)
        found.resources, found.restart = resources, restart


def upload(world: World, container_id: str, uploads: Iterable[Upload], delete: Iterable[str] = ()) -> None:
    world.note("upload", container_id)
    with world.mutex:
        found, paths = world.get(container_id), sorted(delete)
        _lay_down(found, uploads)
        if paths and found.state != "running":
            raise Conflict("files can be removed from a running sandbox only", status=409)
        for path in paths:
            for gone in [p for p in found.files if p == path or (path.endswith("/") and f"{p}/".startswith(path))]:
                del found.files[gone]


def put_secrets(
    world: World, container_id: str, files: Iterable[SecretFile], reveal: Reveal, delete: Iterable[str] = ()
) -> None:
    values = {file.name: reveal(file).reveal() for file in files}
    world.note("put_secrets", container_id)
    with world.mutex:
        secrets = world.get(container_id).secrets
        secrets.update(values)
        for name in delete:
            secrets.pop(name, None)


def carry_over(world: World, source_id: str, target_id: str, left_behind: Iterable[str]) -> None:
    world.note("carry_over", target_id)
    with world.mutex:
        source, target = world.get(source_id), world.get(target_id)
        left = tuple(left_behind)
        target.files = {**{p: f for p, f in source.files.items() if not is_below(p, left)}, **target.files}


def connect(world: World, container_id: str, attachment: Attachment) -> None:
    world.note("connect", container_id)
    with world.mutex:
        found = world.get(container_id)
        if attachment.id and attachment.id not in world.networks:
            raise NotFound(f"network {attachment.name} not found", status=404)
        found.networks[attachment.id or attachment.name] = attachment.name


def disconnect(world: World, container_id: str, network_id: str) -> None:
    world.note("disconnect", container_id)
    with world.mutex:
        world.get(container_id).networks.pop(network_id, None)


def change_packages(world: World, container_id: str, changes: Iterable[PackageChange]) -> str:
    """What is installed then is what was asked for: nothing that was changed by hand is left."""
    world.note("change_packages", container_id)
    with world.mutex:
        found = world.get(container_id)
        if found.state != "running":
            raise Conflict(f"Container {container_id} is not running", status=409)
        for change in changes:
            found.packages.pop(change.wanted.manager, None)
        return ""


def foreign_ports(world: World, stack: str) -> dict[tuple[str, int, str], str]:
    """The host ports that containers of other stacks publish, each with the container's name."""
    return {
        (p.address, p.host, p.protocol): c.name
        for c in world.containers.values()
        if c.stack != stack
        for p in c.ports
        if p.host
    }


def _adopt(world: World, stack: str, sandbox: Sandbox, placement: Placement, name: str) -> MemoryContainer | None:
    wanted = (name, stack, encode(sandbox), "created", placement.image, placement.birth_name)
    for c in world.containers.values():
        if (c.name, c.stack, c.record, c.state, c.placement.image, c.placement.birth_name) == wanted:
            return c
    return None


def _make(world: World, stack: str, sandbox: Sandbox, placement: Placement, name: str) -> MemoryContainer:
    world.check_name("container", name, (c.name for c in world.containers.values()))
    made = MemoryContainer(
        id=world.new_id(name),
        name=name,
        stack=stack,
        record=encode(sandbox),
        placement=placement,
        created_at=next(world.numbers),
        networks={a.id or a.name: a.name for a in placement.networks},
        resources=sandbox.resources,
        restart="no" if sandbox.kind == "task" else sandbox.restart,
    )
    world.containers[made.id] = made
    return made


def _lay_down(container: MemoryContainer, uploads: Iterable[Upload]) -> None:
    for one in uploads:
        for file in one.files:
            path = f"{one.target.rstrip('/')}/{file.path}" if file.path else one.target
            container.files[path] = file


def _publish(world: World, container: MemoryContainer) -> tuple[Port, ...]:
    used = {*world.host_ports, *foreign_ports(world, stack="")}
    found = []
    for port in container.sandbox.ports:
        host = port.host or next(
            n for n in itertools.count(FIRST_FREE_PORT) if (port.address, n, port.protocol) not in used
        )
        if (port.address, host, port.protocol) in used:
            raise EngineError(f"{port.address}:{host} failed: port is already allocated", status=500)
        used.add((port.address, host, port.protocol))
        found.append(replace(port, host=host))
    return tuple(sorted(found, key=lambda p: (p.container, p.protocol, p.address, p.host or 0)))
