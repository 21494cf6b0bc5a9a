"""The life of a container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nexusctl.engine.cancel import Cancel
from nexusctl.engine.carried_paths import choose_carried
from nexusctl.engine.memory.objects import claim_anonymous
from nexusctl.engine.memory.ports import publish
from nexusctl.engine.memory.volumes import make_anew
from nexusctl.engine.memory.world import ENDED_WITH_ITS_SANDBOX, MemoryContainer, World, read_back
from nexusctl.engine.memory_limits.refusals import refuse_memory
from nexusctl.errors import Conflict, Diagnostic, EngineError, NotFound, StepError
from nexusctl.model.engine_names import image_reference
from nexusctl.model.observed.lock_holder import name_holder
from nexusctl.model.plan.plan import Attachment, LeftBehind, PackageChange, Placement
from nexusctl.model.secret import Reveal, SecretFile, reveal_text
from nexusctl.model.stack import STOP_GRACE_PERIOD, Resources, RestartPolicy, Sandbox
from nexusctl.model.uploads_and_packages import Upload
from nexusctl.plan.compare.paths import place

LONGEST_VARIABLE = 131_071
"""Bytes of `NAME=value` that the kernel hands to a program."""


def create_container(world: World, stack: str, sandbox: Sandbox, placement: Placement, reveal: Reveal) -> str:
    """What cannot be completed is removed again; where the caller's life ends, the half of it stays."""
    name = placement.birth_name or placement.name
    env = {key: reveal_text(text, reveal) for key, text in sandbox.env.items()}
    secrets = {file.name: reveal(file).reveal() for file in sandbox.secrets}
    world.note("create_container", name)
    with world.mutex:
        if image_reference(placement.image) not in world.images:
            raise NotFound(f"cannot create {name}: no such image: {placement.image}", status=404)
        wanted = read_back(sandbox)
        made = _adopt(world, stack, wanted, placement, name) or _make(world, stack, wanted, placement, name)
        made.env, made.secrets = env, secrets
        made.binds = {mount.target: mount.real or mount.source for mount in sandbox.mounts if mount.kind == "bind"}
    try:
        world.cut("create_container", name)
        for attachment in placement.networks[1:]:
            _join(world, made, attachment, _birth_names(attachment, placement))
            world.cut("create_container", name)
        _lay_down(world, made, sandbox.uploads)
    except Exception:
        with world.mutex:
            world.containers.pop(made.id, None)
        raise
    return made.id


def start_container(world: World, container_id: str) -> None:
    world.note("start_container", container_id)
    with world.mutex:
        found = world.get(container_id)
        if found.alive:
            return
        _check_start(world, found)
        found.ports = publish(world, found)
        # A variable that is too long lets the engine start the sandbox, which then cannot start its program.
        found.exit_code = 1 if _longest(found.env) > LONGEST_VARIABLE else world.behave(found.sandbox)
        found.restarts = 0
        world.tell(found, "started")
        if found.exit_code is not None:
            world.tell(found, "died", found.exit_code)
        found.state = "running" if found.exit_code is None else "exited"
        if found.state == "exited" and _starts_again(found):
            found.state, found.exit_code, found.restarts = "restarting", None, 1
        if found.state != "running":
            found.ports = ()
    world.cut("start_container", container_id)


def stop_container(world: World, container_id: str, grace: int | None) -> int | None:
    world.note("stop_container", container_id)
    with world.mutex:
        killed = _stop(world, world.get(container_id), grace)
    world.cut("stop_container", container_id)
    return killed


def restart_container(world: World, container_id: str, grace: int | None) -> int | None:
    killed = stop_container(world, container_id, grace)
    start_container(world, container_id)
    return killed


def signal_container(world: World, container_id: str, signal: str) -> None:
    """Nobody minds a signal here."""
    world.note(f"signal_container {signal}", container_id)
    with world.mutex:
        if world.get(container_id).state != "running":
            raise Conflict(f"Container {container_id} is not running", status=409)


def pause_container(world: World, container_id: str) -> None:
    world.note("pause_container", container_id)
    with world.mutex:
        found = world.get(container_id)
        if found.state not in ("running", "paused"):
            raise Conflict(f"Container {container_id} is not running", status=409)
        if found.state == "running":
            world.tell(found, "paused")
        found.state = "paused"
    world.cut("pause_container", container_id)


def unpause_container(world: World, container_id: str) -> None:
    world.note("unpause_container", container_id)
    with world.mutex:
        found = world.get(container_id)
        if found.state == "paused":
            world.tell(found, "resumed")
            found.state = "running"
    world.cut("unpause_container", container_id)


def remove_container(world: World, container_id: str, grace: int | None) -> int | None:
    world.note("remove_container", container_id)
    with world.mutex:
        found = world.containers.get(container_id)
        killed = _stop(world, found, grace) if found else None
    world.cut("remove_container", container_id)
    with world.mutex:
        if gone := world.containers.pop(container_id, None):
            world.tell(gone, "removed")
    world.cut("remove_container", container_id)
    return killed


def rename_container(world: World, container_id: str, name: str) -> None:
    world.note("rename_container", name)
    with world.mutex:
        found = world.get(container_id)
        if found.name != name:
            world.check_name("container", name, (c.name for c in world.containers.values()))
        found.name = name
    world.cut("rename_container", name)


def update_limits(
    world: World, container_id: str, resources: Resources, restart: RestartPolicy, left: Sequence[str]
) -> None:
    world.note("update_limits", container_id)
    with world.mutex:
        found = world.get(container_id)
        lowered = resources.memory if "memory" not in left else None
        if lowered is not None and found.alive and found.memory_used > lowered:
            raise refuse_memory(lowered, found.memory_used)
        kept = {name: getattr(found.resources, name) for name in left if name != "restart"}
        found.resources = replace(resources, storage=found.resources.storage, **kept)
        found.restart = found.restart if "restart" in left else restart
    world.cut("update_limits", container_id)


def upload(
    world: World,
    container_id: str,
    uploads: Iterable[Upload],
    delete: Iterable[str] = (),
    clear: Iterable[str] = (),
) -> None:
    """Files arrive one by one, so a client that ends leaves some of them."""
    world.note("upload", container_id)
    found, paths = world.get(container_id), sorted(delete)
    with world.mutex:
        for path in clear:
            _remove_file(found, f"{path}/")
    _lay_down(world, found, uploads)
    with world.mutex:
        if paths and found.state != "running":
            raise Conflict("files can be removed from a running sandbox only", status=409)
        for path in paths:
            _remove_file(found, path)
    world.cut("upload", container_id)


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


def carry_over(world: World, source_id: str, target_id: str, left_behind: LeftBehind) -> None:
    world.note("carry_over", target_id)
    with world.mutex:
        source, target = world.get(source_id), world.get(target_id)
        carried = choose_carried(source.files, left_behind)
        target.files = {**target.files, **{path: source.files[path] for path in carried}}
    world.cut("carry_over", target_id)


def connect(world: World, container_id: str, attachment: Attachment, aliases: Iterable[str]) -> None:
    world.note("connect", container_id)
    _join(world, world.get(container_id), attachment, tuple(aliases))
    world.cut("connect", container_id)


def disconnect(world: World, container_id: str, network_id: str) -> None:
    world.note("disconnect", container_id)
    with world.mutex:
        found = world.get(container_id)
        _, network = world.networks.get(network_id, ("", None))
        _leave(found, network.name if network else found.networks.get(network_id, ""))
    world.cut("disconnect", container_id)


def hide(world: World, container_id: str, attachment: Attachment) -> None:
    disconnect(world, container_id, attachment.id or attachment.name)
    connect(world, container_id, attachment, ())


def has_callers(world: World, container_id: str, ports: Iterable[int]) -> bool:
    """As its test says."""
    world.note("has_callers", container_id)
    return bool(world.get(container_id).callers & {*ports})


def change_packages(world: World, container_id: str, changes: Iterable[PackageChange], cancel: Cancel) -> str:
    """What is installed then is what was asked for: nothing that was changed by hand is left."""
    world.note("change_packages", container_id)
    if cancel.requested:
        raise StepError(Diagnostic("the installation was ended"))
    with world.mutex:
        found = world.get(container_id)
        if found.state != "running":
            raise Conflict(f"Container {container_id} is not running", status=409)
        for change in changes:
            found.packages.pop(change.wanted.manager, None)
        return ""


def _adopt(world: World, stack: str, sandbox: Sandbox, placement: Placement, name: str) -> MemoryContainer | None:
    wanted = (name, stack, "created", placement.image, placement.birth_name)
    for c in world.containers.values():
        if (c.name, c.stack, c.state, c.placement.image, c.placement.birth_name) == wanted and c.sandbox == sandbox:
            return c
    return None


def _make(world: World, stack: str, sandbox: Sandbox, placement: Placement, name: str) -> MemoryContainer:
    world.check_name("container", name, (c.name for c in world.containers.values()))
    anonymous = claim_anonymous(world, stack, sandbox, placement)
    make_anew(world, stack, sandbox, placement)
    holder = world.locks.get(stack)
    made = MemoryContainer(
        anonymous=anonymous,
        id=world.new_id(name),
        name=name,
        stack=stack,
        created_at=world.now,
        maker=name_holder(holder),
        branch=holder.branch if holder else "",
        sandbox=sandbox,
        placement=placement,
        resources=sandbox.resources if world.limits_storage else replace(sandbox.resources, storage=None),
        restart="no" if sandbox.kind == "task" else sandbox.restart,
    )
    # A first network that is not there is noticed at the start only.
    for first in placement.networks[:1]:
        made.networks[_find_network(world, first) or first.id or first.name] = first.name
        made.aliases[first.name] = _birth_names(first, placement)
    world.containers[made.id] = made
    world.tell(made, "created")
    return made


def _leave(container: MemoryContainer, name: str) -> None:
    container.networks = {key: called for key, called in container.networks.items() if called != name}


def _birth_names(attachment: Attachment, placement: Placement) -> tuple[str, ...]:
    return () if placement.quiet else attachment.names


def _join(world: World, container: MemoryContainer, attachment: Attachment, aliases: tuple[str, ...]) -> None:
    with world.mutex:
        found = _find_network(world, attachment)
        if not found:
            raise NotFound(f"network {attachment.name} not found", status=404)
        # An engine keeps them by name, so that one of the same name takes the place of another.
        _leave(container, attachment.name)
        container.networks[found] = attachment.name
        container.aliases[attachment.name] = aliases


def _find_network(world: World, attachment: Attachment) -> str:
    """By id, and by name where that is all there is; empty for none."""
    if attachment.id:
        return attachment.id if attachment.id in world.networks else ""
    named = (network_id for network_id, (_, found) in world.networks.items() if found.name == attachment.name)
    return next(named, "")


def _check_start(world: World, container: MemoryContainer) -> None:
    if any(b"\0" in value for value in container.env.values()):
        raise EngineError(f"{container.name}: its environment holds a NUL", status=400)
    for network_id, name in container.networks.items():
        if network_id not in world.networks:
            raise NotFound(f"network {name} not found", status=404)


def _starts_again(container: MemoryContainer) -> bool:
    return container.restart in ("always", "unless-stopped") or (
        container.restart == "on-failure" and container.exit_code != 0
    )


def _longest(env: Mapping[str, bytes]) -> int:
    return max((len(f"{name}=") + len(value) for name, value in env.items()), default=0)


def _stop(world: World, container: MemoryContainer, grace: int | None) -> int | None:
    if not container.alive:
        return None
    own = container.sandbox.stop_grace_period
    patience = grace if grace is not None else STOP_GRACE_PERIOD if own is None else own
    killed = world.linger(container.sandbox) > patience
    container.state, container.exit_code, container.ports = "exited", 137 if killed else 143, ()
    world.tell(container, "died", container.exit_code)
    world.tell(container, "stopped")
    for execution in container.executions.values():
        if execution.exit_code is None:
            execution.exit_code = ENDED_WITH_ITS_SANDBOX
    return patience if killed and patience else None


def _remove_file(container: MemoryContainer, path: str) -> None:
    for gone in [p for p in container.files if p == path or (path.endswith("/") and f"{p}/".startswith(path))]:
        del container.files[gone]


def _lay_down(world: World, container: MemoryContainer, uploads: Iterable[Upload]) -> None:
    for one in uploads:
        for file in one.files:
            with world.mutex:
                container.files[place(one.target, file.path)] = file
            world.cut("upload", container.id)
