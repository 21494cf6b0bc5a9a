"""What the engine holds, and what every part of it needs: ids, names, the list of calls."""

from __future__ import annotations

import hashlib
import itertools
import threading
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from nexusctl.engine.log_chunk import LogChunk
from nexusctl.engine.memory.behaviour import (
    Answer,
    Behave,
    Interfere,
    Linger,
    answer_well,
    behave_well,
    end_at_once,
    interfere_never,
)
from nexusctl.errors import Conflict, NotFound
from nexusctl.model.engine_names import image_reference
from nexusctl.model.observed.address_space import AddressSpace
from nexusctl.model.observed.execution import Order
from nexusctl.model.observed.history import Deed
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveImage, LiveNetwork, LivePackages, LiveVolume, State
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.observed.sandbox_event import EventKind, SandboxEvent
from nexusctl.model.plan.plan import Placement
from nexusctl.model.record import decode, encode
from nexusctl.model.stack import Port, Resources, RestartPolicy, Sandbox
from nexusctl.model.uploads_and_packages import UploadFile
from nexusctl.model.values.frozen import dataclass as value
from nexusctl.plan.decide.subnets import DEFAULT_POOLS

Kind = Literal["container", "network", "volume"]

ALIVE = ("running", "paused", "restarting")


ENDED_WITH_ITS_SANDBOX = -1

REMEMBERED = 256
"""Events; so many has an engine."""


@dataclass(slots=True, kw_only=True)
class MemoryExecution:
    """`exit_code` is None while it runs."""

    order: Order
    log: bytes
    exit_code: int | None


@dataclass(slots=True, kw_only=True)
class MemoryContainer:
    """`sandbox` is what it was created as, by its record: a label, which nothing changes.

    `aliases` are the names by which others find it, by the name of the network, and `callers` the ports to which
    somebody is connected from outside. `displaced` is what a link has brought to the target of a bind, until the
    container goes.
    """

    id: str
    name: str
    stack: str
    sandbox: Sandbox
    placement: Placement
    state: State = "created"
    exit_code: int | None = None
    restarts: int = 0
    created_at: int = 0
    maker: str = ""
    branch: str = ""
    ports: tuple[Port, ...] = ()
    networks: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    callers: set[int] = field(default_factory=set)
    resources: Resources = field(default_factory=Resources)
    memory_used: int = 0
    restart: RestartPolicy = "no"
    env: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, UploadFile] = field(default_factory=dict)
    packages: dict[str, LivePackages] = field(default_factory=dict)
    anonymous: dict[str, str] = field(default_factory=dict)
    binds: dict[str, str] = field(default_factory=dict)
    displaced: dict[str, str] = field(default_factory=dict)
    log: list[LogChunk] = field(default_factory=list)
    executions: dict[str, MemoryExecution] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        return self.state in ALIVE


@value(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One of a container; a note, which only announces one, has no record."""

    name: str
    stack: str
    container_id: str
    sequence: int
    sandbox: Sandbox | None = None
    created_at: int = 0
    maker: str = ""


@value(frozen=True, slots=True, kw_only=True)
class MemoryExtension:
    """That the container of `sandbox` is let live until then, by `user` at the time `since`."""

    stack: str
    sandbox: str
    container_id: str
    until: int
    user: str
    since: int


@value(frozen=True, slots=True, kw_only=True)
class MemoryPast:
    """What was done to a container of `stack` and is over, the newest last."""

    stack: str
    container_id: str
    deeds: tuple[Deed, ...] = ()


class World:
    """Safe to share between threads: who changes it holds `mutex`. Tests may look at it and change it.

    `calls` lists every call that changes something, as (method, subject). `interfere` is called with the same two
    before each of them, outside of any lock, and `cut` wherever a call has done a part of its work, or all of it
    without the caller knowing yet. `probed` are images that bring a health check of their own, `image_volumes` the
    targets that an image declares, by its reference. The clock `now` was set forward by the seconds `jumped`. What
    belongs to nobody's stack has an empty text for its owner.
    """

    def __init__(
        self,
        *,
        images: Iterable[str] = (),
        unreachable: Iterable[str] = (),
        probed: Iterable[str] = (),
        behave: Behave = behave_well,
        linger: Linger = end_at_once,
        answer: Answer = answer_well,
        interfere: Interfere = interfere_never,
    ) -> None:
        self.pools = DEFAULT_POOLS
        self.now = 1_700_000_000
        self.jumped = 0
        self.one_name = False
        self.limits_storage = False
        self.images = {image_reference(name): make_image(image_reference(name)) for name in images}
        self.unreachable = frozenset(image_reference(name) for name in unreachable)
        self.probed = frozenset(image_reference(name) for name in probed)
        self.containers: dict[str, MemoryContainer] = {}
        self.networks: dict[str, tuple[str, LiveNetwork]] = {}
        self.image_volumes: dict[str, tuple[str, ...]] = {}
        self.volumes: dict[str, tuple[str, LiveVolume]] = {}
        self.volume_bytes: dict[str, int] = {}
        self.amendments: dict[str, Amendment] = {}
        self.notes: dict[str, Amendment] = {}
        self.ends: dict[str, Amendment] = {}
        self.holds: dict[str, tuple[str, str, Hold]] = {}
        self.held_names: dict[str, str] = {}
        self.extensions: dict[str, MemoryExtension] = {}
        self.pasts: dict[str, MemoryPast] = {}
        self.locks: dict[str, LockHolder] = {}
        self.held: dict[str, str] = {}
        self.taken: dict[str, dict[str, str]] = {"container": {}, "network": {}, "volume": {}}
        self.host_ports: dict[tuple[str, int, str], str] = {}
        self.happened: deque[tuple[str, SandboxEvent]] = deque(maxlen=REMEMBERED)
        self.calls: list[tuple[str, str]] = []
        self.behave = behave
        self.linger = linger
        self.answer = answer
        self.interfere = interfere
        self.cut: Interfere = interfere_never
        self.mutex = threading.RLock()
        self.released = threading.Condition(self.mutex)
        self.numbers = itertools.count(1)
        self.id = uuid.uuid4().hex

    def note(self, method: str, subject: str) -> None:
        """Has to come before the mutex is taken."""
        with self.mutex:
            self.calls.append((method, subject))
        self.interfere(method, subject)

    def tell(self, container: MemoryContainer, kind: EventKind, exit_code: int | None = None) -> None:
        """Let it be remembered that this has happened."""
        told = SandboxEvent(
            time=self.now,
            sandbox=container.sandbox.name,
            container_id=container.id,
            kind=kind,
            exit_code=exit_code,
            by=container.maker if kind == "created" else "",
        )
        self.happened.append((container.stack, told))

    def new_id(self, name: str) -> str:
        return hashlib.sha256(f"{next(self.numbers)} {name}".encode()).hexdigest()

    def get(self, container_id: str) -> MemoryContainer:
        """Raises `NotFound`."""
        if container_id not in self.containers:
            raise NotFound(f"No such container: {container_id}", status=404)
        return self.containers[container_id]

    def address_space(self) -> AddressSpace:
        return AddressSpace(pools=self.pools, used=tuple(n.subnet for _, n in self.networks.values() if n.subnet))

    def check_name(self, kind: Kind, name: str, present: Iterable[str]) -> None:
        """Raises `Conflict` where somebody else has the name, or one of `present` is called so."""
        if name in self.taken[kind]:
            raise Conflict(f"the {kind} name {name} is taken by {self.taken[kind][name]}", status=409)
        if name in present:
            raise Conflict(f"the {kind} name {name} is taken by another {kind}", status=409)


def read_back(sandbox: Sandbox) -> Sandbox:
    """What a record keeps of a sandbox."""
    return decode(encode(sandbox))


def make_image(reference: str, base_id: str = "") -> LiveImage:
    digest = hashlib.sha256(f"{reference} {base_id}".encode()).hexdigest()
    return LiveImage(id=f"sha256:{digest}", reference=reference, base_id=base_id)
