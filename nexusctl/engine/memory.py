"""An engine in memory: behaves as the port says, for pure tests of what sits above it. No I/O, no clock, no chance."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Literal

from nexusctl.engine.base import Condition, LogChunk, Outcome, Report
from nexusctl.errors import Conflict, Diagnostic, EngineError, LockHeld, NotFound
from nexusctl.model.live import (
    HealthState,
    Inspection,
    Interior,
    LiveFile,
    LiveImage,
    LiveNetwork,
    LivePackages,
    LiveSandbox,
    LiveState,
    LiveVolume,
    LockHolder,
    Orphan,
    State,
)
from nexusctl.model.names import container_name, image_reference
from nexusctl.model.plan import Attachment, BootstrapImage, DeriveImage, Placement
from nexusctl.model.record import decode, encode
from nexusctl.model.stack import (
    Health,
    Network,
    Port,
    Resources,
    RestartPolicy,
    Sandbox,
    Stack,
    Upload,
    UploadFile,
    Volume,
)

FIRST_FREE_PORT = 32768

Behave = Callable[[Sandbox], int | None]
"""What a sandbox does once started: the code it exits with at once, or None to go on running."""

Answer = Callable[[Sandbox, tuple[str, ...]], Outcome]
"""What a command in a sandbox gives; a probe for a port comes as `("probe", "8080")`."""


def behave_well(sandbox: Sandbox) -> int | None:
    """Tasks succeed, services go on."""
    return 0 if sandbox.kind == "task" else None


def answer_well(sandbox: Sandbox, command: tuple[str, ...]) -> Outcome:  # noqa: ARG001 - an answer may ignore both
    """Every command succeeds and says nothing."""
    return Outcome(exit_code=0, output="")


@dataclass(slots=True, kw_only=True)
class MemoryContainer:
    id: str
    name: str
    stack: str
    record: str
    placement: Placement
    created_at: int
    state: State = "created"
    exit_code: int | None = None
    ports: tuple[Port, ...] = ()
    networks: dict[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    restart: RestartPolicy = "no"
    files: dict[str, UploadFile] = field(default_factory=dict)
    packages: dict[str, LivePackages] = field(default_factory=dict)
    log: list[LogChunk] = field(default_factory=list)

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox as it was created."""
        return decode(self.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    name: str
    stack: str
    container_id: str
    sequence: int
    record: str


class MemoryEngine:
    """Safe to share between threads. What it holds may be looked at and changed by tests.

    `calls` lists every call that changes something, as (method, subject). `interfere` is called with the same two
    before each of them, outside of any lock, and may raise to make that call fail.
    """

    def __init__(
        self,
        *,
        images: Iterable[str] = (),
        unreachable: Iterable[str] = (),
        behave: Behave = behave_well,
        answer: Answer = answer_well,
        interfere: Callable[[str, str], None] = lambda method, subject: None,  # noqa: ARG005 - does nothing
    ) -> None:
        self.images = {image_reference(name): _image(image_reference(name)) for name in images}
        self.unreachable = frozenset(image_reference(name) for name in unreachable)
        self.containers: dict[str, MemoryContainer] = {}
        self.networks: dict[str, tuple[str, LiveNetwork]] = {}
        self.volumes: dict[str, tuple[str, LiveVolume]] = {}
        self.amendments: dict[str, Amendment] = {}
        self.locks: dict[str, LockHolder] = {}
        self.taken: dict[str, dict[str, str]] = {"container": {}, "network": {}, "volume": {}}
        self.host_ports: dict[tuple[str, int, str], str] = {}
        self.calls: list[tuple[str, str]] = []
        self.behave = behave
        self.answer = answer
        self.interfere = interfere
        self._mutex = threading.RLock()
        self._released = threading.Condition(self._mutex)
        self._numbers = itertools.count(1)

    @property
    def in_place(self) -> frozenset[str]:
        return frozenset({"uploads", "networks", "resources", "restart"})

    # -- look ----------------------------------------------------------------------------------------------

    def observe(self, stack: Stack, *, deep: bool = False) -> LiveState:
        with self._mutex:
            own = [c for c in self.containers.values() if c.stack == stack.name]
            wanted = {image_reference(sandbox.image) for sandbox in stack.sandboxes.values()}
            return LiveState(
                stack=stack.name,
                sandboxes=tuple(
                    self._see(c, deep) for c in sorted(own, key=lambda c: (c.sandbox.name, c.created_at, c.id))
                ),
                networks=tuple(network for owner, network in self.networks.values() if owner == stack.name),
                volumes=tuple(volume for owner, volume in self.volumes.values() if owner == stack.name),
                images=dict(self.images),
                taken=self._find_taken(stack),
                host_ports={**self.host_ports, **self._foreign_ports(stack.name)},
                unreachable=frozenset((wanted - set(self.images)) & self.unreachable),
                orphans=tuple(
                    Orphan(kind="amendment", name=a.name)
                    for a in self.amendments.values()
                    if a.stack == stack.name and a.container_id not in self.containers
                ),
                lock=self.locks.get(stack.name),
            )

    def look_inside(self, live: LiveState) -> LiveState:
        with self._mutex:
            return replace(
                live, sandboxes=tuple(self._look_inside(x) for x in live.sandboxes if x.id in self.containers)
            )

    def condition(self, container_id: str) -> Condition:
        with self._mutex:
            found = self._get(container_id)
            return Condition(state=found.state, health=self._health(found), exit_code=found.exit_code)

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None = None,
        since: float | None = None,
        follow: bool = False,
    ) -> Iterator[LogChunk]:
        """Each chunk counts as a line."""
        with self._mutex:
            log = self._get(container_id).log
            return iter(log[max(0, len(log) - tail) :] if tail is not None else tuple(log))

    # -- lock ----------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, stack: str, holder: LockHolder, *, timeout: float, report: Report) -> Iterator[None]:
        with self._released:
            if other := self.locks.get(stack):
                report(f"waiting for {stack}'s lock held by {other.user}@{other.host}")
            if not self._released.wait_for(lambda: stack not in self.locks, timeout):
                other = self.locks[stack]
                summary = f"stack {stack} is being changed by {other.user}@{other.host} (pid {other.pid})"
                raise LockHeld(Diagnostic(summary, hint=f"`nexusctl unlock {stack}` removes its lock"))
            self.locks[stack] = holder
        try:
            yield
        finally:
            with self._released:
                if (found := self.locks.get(stack)) and found.owner == holder.owner:
                    self.unlock(stack)

    def unlock(self, stack: str) -> LockHolder | None:
        with self._released:
            self._released.notify_all()
            return self.locks.pop(stack, None)

    # -- images --------------------------------------------------------------------------------------------

    def pull_image(self, reference: str, report: Report) -> None:
        self._note("pull_image", reference)
        report(f"pulling {reference}")
        if image_reference(reference) in self.unreachable:
            raise EngineError(f"no registry answers for {reference}", status=500)
        self._add_image(reference)

    def bootstrap_image(self, step: BootstrapImage, report: Report) -> None:
        self._note("bootstrap_image", step.tag)
        report(f"making {step.tag}")
        self._add_image(step.tag, step.base)

    def derive_image(self, step: DeriveImage, report: Report) -> None:
        self._note("derive_image", step.tag)
        report(f"installing on {step.base}")
        self._add_image(step.tag, step.base)

    # -- networks and volumes ------------------------------------------------------------------------------

    def create_network(self, stack: str, network: Network, name: str) -> str:
        self._note("create_network", name)
        with self._mutex:
            for network_id, (owner, found) in self.networks.items():
                if (owner, found.network, found.internal) == (stack, network.name, network.internal):
                    return network_id
            others = (found.name for owner, found in self.networks.values() if owner != stack)
            self._check_name("network", name, others)
            made = LiveNetwork(id=self._new_id(name), name=name, network=network.name, internal=network.internal)
            self.networks[made.id] = (stack, made)
            return made.id

    def remove_network(self, network_id: str) -> None:
        self._note("remove_network", network_id)
        with self._mutex:
            users = [c.name for c in self.containers.values() if network_id in c.networks and c.state in _ALIVE]
            if users:
                raise Conflict(f"network {network_id} is still used by {', '.join(sorted(users))}", status=409)
            self.networks.pop(network_id, None)

    def create_volume(self, stack: str, volume: Volume, name: str) -> None:
        self._note("create_volume", name)
        with self._mutex:
            if name in self.volumes and self.volumes[name][0] != stack:
                raise Conflict(f"the volume name {name} is taken", status=409)
            self._check_name("volume", name, ())
            self.volumes[name] = (stack, LiveVolume(name=name, volume=volume.name))

    def remove_volume(self, name: str) -> None:
        self._note("remove_volume", name)
        with self._mutex:
            users = [
                c.name
                for c in self.containers.values()
                if any(c.placement.volumes.get(mount.source) == name for mount in c.sandbox.mounts)
            ]
            if users:
                raise Conflict(f"volume {name} is still used by {', '.join(sorted(users))}", status=409)
            self.volumes.pop(name, None)

    # -- containers ----------------------------------------------------------------------------------------

    def create_container(self, stack: str, sandbox: Sandbox, placement: Placement) -> str:
        name = placement.birth_name or placement.name
        self._note("create_container", name)
        with self._mutex:
            if image_reference(placement.image) not in self.images:
                raise NotFound(f"cannot create {name}: no such image: {placement.image}", status=404)
            made = self._adopt(stack, sandbox, placement, name) or self._make(stack, sandbox, placement, name)
            self._lay_down(made, sandbox.uploads)
            return made.id

    def start_container(self, container_id: str) -> None:
        self._note("start_container", container_id)
        with self._mutex:
            found = self._get(container_id)
            if found.state in _ALIVE:
                return
            for network_id, name in found.networks.items():
                if network_id not in self.networks and network_id != name:
                    raise NotFound(f"network {name} not found", status=404)
            found.ports = self._publish(found)
            found.exit_code = self.behave(found.sandbox)
            found.state = "running" if found.exit_code is None else "exited"
            if found.state == "exited":
                found.ports = ()

    def stop_container(self, container_id: str) -> None:
        self._note("stop_container", container_id)
        with self._mutex:
            found = self._get(container_id)
            if found.state in _ALIVE:
                found.state, found.exit_code, found.ports = "exited", 143, ()

    def unpause_container(self, container_id: str) -> None:
        self._note("unpause_container", container_id)
        with self._mutex:
            found = self._get(container_id)
            if found.state == "paused":
                found.state = "running"

    def remove_container(self, container_id: str) -> None:
        self._note("remove_container", container_id)
        with self._mutex:
            self.containers.pop(container_id, None)

    def rename_container(self, container_id: str, name: str) -> None:
        self._note("rename_container", name)
        with self._mutex:
            found = self._get(container_id)
            if found.name != name:
                self._check_name("container", name, (c.name for c in self.containers.values()))
            found.name = name

    def update_limits(self, container_id: str, resources: Resources, restart: RestartPolicy) -> None:
        self._note("update_limits", container_id)
        with self._mutex:
            found = self._get(container_id)
            found.resources, found.restart = resources, restart

    def upload(self, container_id: str, uploads: Iterable[Upload], delete: Iterable[str] = ()) -> None:
        self._note("upload", container_id)
        with self._mutex:
            found, paths = self._get(container_id), sorted(delete)
            self._lay_down(found, uploads)
            if paths and found.state != "running":
                raise Conflict("files can be removed from a running sandbox only", status=409)
            for path in paths:
                for gone in [p for p in found.files if p == path or (path.endswith("/") and f"{p}/".startswith(path))]:
                    del found.files[gone]

    def connect(self, container_id: str, attachment: Attachment, aliases: Iterable[str]) -> None:
        self._note("connect", container_id)
        del aliases
        with self._mutex:
            found = self._get(container_id)
            if attachment.id and attachment.id not in self.networks:
                raise NotFound(f"network {attachment.name} not found", status=404)
            found.networks[attachment.id or attachment.name] = attachment.name

    def disconnect(self, container_id: str, network_id: str) -> None:
        self._note("disconnect", container_id)
        with self._mutex:
            self._get(container_id).networks.pop(network_id, None)

    def amend(self, stack: str, sandbox: Sandbox, container_id: str) -> str:
        self._note("amend", container_id)
        with self._mutex:
            earlier = self._amendments(container_id)
            if earlier and earlier[-1].record == encode(sandbox):
                return earlier[-1].name
            sequence = earlier[-1].sequence + 1 if earlier else 1
            name = f"nexusctl_amendment_{container_id[:16]}_{sequence}"
            self.amendments[name] = Amendment(
                name=name, stack=stack, container_id=container_id, sequence=sequence, record=encode(sandbox)
            )
            return name

    def remove_amendment(self, name: str) -> None:
        self._note("remove_amendment", name)
        with self._mutex:
            self.amendments.pop(name, None)

    # -- inside a sandbox ----------------------------------------------------------------------------------

    def probe(self, container_id: str, health: Health) -> Outcome:
        return self._ask(container_id, _probe_command(health))

    def run_script(self, container_id: str, script: str) -> Outcome:
        self._note("run_script", container_id)
        return self._ask(container_id, ("/bin/sh", "-e", "-c", script))

    def execute(
        self,
        container_id: str,
        command: tuple[str, ...],
        *,
        env: Mapping[str, str],
        working_dir: str | None,
        user: str | None,
        tty: bool,
        stdin: BinaryIO | None,
        stdout: BinaryIO,
        stderr: BinaryIO,
        timeout: float | None,
    ) -> int:
        outcome = self._ask(container_id, command)
        stdout.write(outcome.output.encode())
        return outcome.exit_code

    # -- within --------------------------------------------------------------------------------------------

    def _note(self, method: str, subject: str) -> None:
        with self._mutex:
            self.calls.append((method, subject))
        self.interfere(method, subject)

    def _new_id(self, name: str) -> str:
        return hashlib.sha256(f"{next(self._numbers)} {name}".encode()).hexdigest()

    def _get(self, container_id: str) -> MemoryContainer:
        if container_id not in self.containers:
            raise NotFound(f"No such container: {container_id}", status=404)
        return self.containers[container_id]

    def _ask(self, container_id: str, command: tuple[str, ...]) -> Outcome:
        with self._mutex:
            found = self._get(container_id)
            if found.state != "running":
                raise Conflict(f"Container {container_id} is not running", status=409)
            sandbox = found.sandbox
        return self.answer(sandbox, command)

    def _check_name(self, kind: Literal["container", "network", "volume"], name: str, present: Iterable[str]) -> None:
        if name in self.taken[kind]:
            raise Conflict(f"the {kind} name {name} is taken by {self.taken[kind][name]}", status=409)
        if name in present:
            raise Conflict(f"the {kind} name {name} is taken by another {kind}", status=409)

    def _adopt(self, stack: str, sandbox: Sandbox, placement: Placement, name: str) -> MemoryContainer | None:
        wanted = (name, stack, encode(sandbox), "created", placement.image, placement.birth_name)
        for c in self.containers.values():
            if (c.name, c.stack, c.record, c.state, c.placement.image, c.placement.birth_name) == wanted:
                return c
        return None

    def _make(self, stack: str, sandbox: Sandbox, placement: Placement, name: str) -> MemoryContainer:
        self._check_name("container", name, (c.name for c in self.containers.values()))
        made = MemoryContainer(
            id=self._new_id(name),
            name=name,
            stack=stack,
            record=encode(sandbox),
            placement=placement,
            created_at=next(self._numbers),
            networks={a.id or a.name: a.name for a in placement.networks},
            resources=sandbox.resources,
            restart="no" if sandbox.kind == "task" else sandbox.restart,
        )
        self.containers[made.id] = made
        return made

    def _lay_down(self, container: MemoryContainer, uploads: Iterable[Upload]) -> None:
        for upload in uploads:
            for file in upload.files:
                path = f"{upload.target.rstrip('/')}/{file.path}" if file.path else upload.target
                container.files[path] = file

    def _publish(self, container: MemoryContainer) -> tuple[Port, ...]:
        used = {*self.host_ports, *self._foreign_ports(stack="")}
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

    def _health(self, container: MemoryContainer) -> HealthState:
        health = container.sandbox.health
        if health is None or container.state != "running":
            return "none"
        passed = self.answer(container.sandbox, _probe_command(health)).exit_code == 0
        return "healthy" if passed else "unhealthy"

    def _amendments(self, container_id: str) -> list[Amendment]:
        found = (a for a in self.amendments.values() if a.container_id == container_id)
        return sorted(found, key=lambda a: a.sequence)

    def _find_taken(self, stack: Stack) -> dict[str, dict[str, str]]:
        """The names in `taken`, and those of other stacks' containers that `stack` would use."""
        wanted = {container_name(stack.name, name) for name in stack.sandboxes}
        others = {
            c.name: f"a sandbox of the stack {c.stack}"
            for c in self.containers.values()
            if c.stack != stack.name and c.name in wanted
        }
        return {**self.taken, "container": {**self.taken["container"], **others}}

    def _foreign_ports(self, stack: str) -> dict[tuple[str, int, str], str]:
        return {
            (p.address, p.host, p.protocol): c.name
            for c in self.containers.values()
            if c.stack != stack
            for p in c.ports
            if p.host
        }

    def _see(self, container: MemoryContainer, deep: bool) -> LiveSandbox:
        amendments = self._amendments(container.id)
        record = decode(amendments[-1].record if amendments else container.record)
        image = self.images.get(image_reference(container.placement.image))
        return LiveSandbox(
            id=container.id,
            name=container.name,
            sandbox=container.sandbox.name,
            state=container.state,
            record=record,
            birth_name=container.placement.birth_name,
            health=self._health(container),
            exit_code=container.exit_code,
            created_at=container.created_at,
            image=container.placement.image,
            image_id=image.id if image else "",
            ports=container.ports,
            networks=dict(container.networks),
            amendments=tuple(a.name for a in amendments),
            inspection=_inspect(container) if deep else None,
        )

    def _look_inside(self, live: LiveSandbox) -> LiveSandbox:
        """Files have no owners here; a file that is not recorded counts as added to the recorded folder it lies in."""
        container, record = self.containers[live.id], live.record
        if record is None or record.kind == "task" or not (record.uploads or container.packages):
            return live
        recorded = {f"{u.target}/{f.path}" if f.path else u.target: f.kind for u in record.uploads for f in u.files}
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
        )
        return replace(live, interior=inside)

    def _add_image(self, reference: str, base: str = "") -> None:
        with self._mutex:
            if base and image_reference(base) not in self.images:
                raise NotFound(f"no such image: {base}", status=404)
            base_id = self.images[image_reference(base)].id if base else ""
            self.images[image_reference(reference)] = _image(image_reference(reference), base_id)


_ALIVE = ("running", "paused", "restarting")


def _inspect(container: MemoryContainer) -> Inspection:
    return Inspection(
        resources=container.resources, restart=container.restart, image=image_reference(container.placement.image)
    )


def _probe_command(health: Health) -> tuple[str, ...]:
    return health.command or ("probe", str(health.http_port or health.tcp_port))


def _image(reference: str, base_id: str = "") -> LiveImage:
    digest = hashlib.sha256(f"{reference} {base_id}".encode()).hexdigest()
    return LiveImage(id=f"sha256:{digest}", reference=reference, base_id=base_id)
