"""The desired state: what a stack file says after defaults, templates and replicas are worked in.

Units: durations are seconds, sizes are bytes, modes are the usual permission bits as an integer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from nexusctl.model.output import Output
from nexusctl.model.secret import SecretFile, SecretRef, Text
from nexusctl.model.template import Template
from nexusctl.model.uploads_and_packages import OUTSIDE, PackageSet, Upload
from nexusctl.model.values.frozen import dataclass

Kind = Literal["service", "task"]
RunPolicy = Literal["once", "changed", "always"]
Condition = Literal["started", "healthy", "completed"]
OnReplace = Literal["discard", "preserve"]
RestartPolicy = Literal["no", "on-failure", "always", "unless-stopped"]
DesiredState = Literal["running", "stopped", "paused"]
OnExpire = Literal["stop", "pause", "destroy"]
Giver = Literal["settings", "template"]
"""Who gives a limit that no file of the stack states: the settings of who calls nexusctl, or a built-in template."""

DEFAULT_NETWORK = "default"

LOCAL = "local"

STOP_GRACE_PERIOD = 10
"""Seconds between the signal that asks a sandbox to end and the one that ends it, where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """`sandbox` (an instance name) has to reach `condition` before the dependent starts.

    Where it is not `required` and fails, the dependent starts all the same. With `restart` the dependent is restarted
    after it was replaced or restarted.
    """

    sandbox: str
    condition: Condition
    required: bool = True
    restart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A probe that runs inside the sandbox; exactly one of `command`, `http_port`, `tcp_port` is set."""

    command: tuple[str, ...] = ()
    http_port: int | None = None
    http_path: str = "/"
    tcp_port: int | None = None
    interval: float = 5.0
    timeout: float = 5.0
    retries: int = 10
    start_period: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A published port; `host` None asks the engine for a free one."""

    container: int
    host: int | None = None
    address: str = "127.0.0.1"
    protocol: Literal["tcp", "udp"] = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A named volume of the stack (`volume`) or a folder of the host (`bind`) at `target`.

    An `anonymous` volume is the sandbox's alone and has no `source`; its image may bring more of them.

    `real` is where the `source` of a bind leads once its links are followed; that is what was checked and is mounted.
    `links` are the places of those links.
    """

    kind: Literal["volume", "bind", "anonymous"]
    source: str
    target: str
    read_only: bool = False
    real: str = field(default="", compare=False, metadata=OUTSIDE)
    links: tuple[str, ...] = field(default=(), compare=False, metadata=OUTSIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Limits; None is no limit, but there is always a limit on processes.

    `storage` is for what is written outside of volumes; where an engine cannot limit that, it is watched.
    `unstated` are those that no file of the stack speaks of. They count from the making of a container on: one that is
    there keeps what it has. `defaulted` says who gave those among them that have a value.
    """

    cpus: float | None = None
    memory: int | None = None
    pids: int = 1024
    storage: int | None = None
    defaulted: Mapping[str, Giver] = field(default_factory=dict, compare=False)
    unstated: tuple[str, ...] = field(default=(), compare=False, metadata=OUTSIDE)

    def asks_for(self, limit: str) -> bool:
        """Whether it has this limit because somebody wants it, as nobody does who names a built-in template."""
        return getattr(self, limit) is not None and self.defaulted.get(limit) != "template"

    def keep_of(self, recorded: Resources) -> tuple[str, ...]:
        """The limits of a live sandbox that stay as they were `recorded`, whatever is here.

        One that a file stated before and states no more does not: it is lifted, or makes room for the default.
        """
        was, none = recorded, Resources()
        return tuple(key for key in self.unstated if key in was.defaulted or getattr(was, key) == getattr(none, key))


LIMITS = ("cpus", "memory", "pids", "storage")
"""The fields of `Resources` that a stack file has words for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """How far nexusctl may go: `ignore` are paths of fields, as differences name them, that are left as they are."""

    prevent_destroy: bool = False
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ulimit:
    """As setrlimit(2) has it, in its units; -1 is no limit."""

    soft: int
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One container, fully resolved. `name` is unique in the stack; `group` is the name in the file.

    Without `replicas` the two are equal; with it the instances are `group-1`, `group-2`, ...
    A None for command, working_dir, user or stop_signal leaves the image's own in force; so does one for `health` with
    the image's HEALTHCHECK, unless `image_health` is False. `start_timeout` limits the wait for health after a start.
    `stop_grace_period` is in seconds, None for `STOP_GRACE_PERIOD`.
    `aliases` are further names of it, by the network in which others find it under them. `shares` are those of its
    volumes and networks that other stacks may use, as `volume:NAME` and `network:NAME`.
    A `hostname` of None is the sandbox's and the stack's names. `read_only` is said of all outside of its mounts.
    A `shm_size` of None is the engine's own.
    `ulimits` are those that the engine is not to choose, by their names in lower case.
    `extra_hosts` are `NAME:ADDRESS`, sorted.
    `dns` are addresses of servers, those of the engine's host where there are none.
    Its lifetime is over `timeout` seconds after its creation, or when nothing has happened in it for `idle_timeout`
    seconds, and not before `keep_until`, in seconds since 1970.
    `tmpfs` are folders in memory, each with its options as mount(8) writes them, sorted.
    """

    name: str
    group: str
    image: str
    template: str | None = None
    kind: Kind = "service"
    run: RunPolicy = "changed"
    command: tuple[str, ...] | None = None
    working_dir: str | None = None
    user: str | None = None
    env: Mapping[str, Text] = field(default_factory=dict)
    secrets: tuple[SecretFile, ...] = ()
    packages: tuple[PackageSet, ...] = ()
    uploads: tuple[Upload, ...] = ()
    startup: str | None = None
    depends_on: tuple[Dependency, ...] = ()
    health: Health | None = None
    image_health: bool = True
    start_timeout: int | None = None
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    networks: tuple[str, ...] = (DEFAULT_NETWORK,)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resources: Resources = Resources()
    restart: RestartPolicy = "no"
    state: DesiredState = "running"
    pre_stop: str | None = None
    artifacts: tuple[str, ...] = ()
    stop_grace_period: int | None = None
    stop_signal: str | None = None
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    hostname: str | None = None
    read_only: bool = False
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    shm_size: int | None = None
    ulimits: Mapping[str, Ulimit] = field(default_factory=dict)
    extra_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    on_replace: OnReplace = "discard"
    timeout: int | None = None
    idle_timeout: int | None = None
    keep_until: int | None = None
    on_expire: OnExpire = "stop"
    metadata: Mapping[str, str] = field(default_factory=dict)
    shares: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """`external` names a network that exists already and is never made or removed here.

    A `shared` one may be the external one of other stacks. Of `subnet` the host has `gateway`, sandboxes `ip_range`.
    """

    name: str
    internal: bool = False
    enable_ipv6: bool = False
    subnet: str | None = None
    gateway: str | None = None
    ip_range: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False
    external: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """`external` and `shared` say of it what they say of a network; `driver_opts` are its driver's."""

    name: str
    driver: str = LOCAL
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False
    external: str | None = None

    @property
    def is_special(self) -> bool:
        """Whether a bare name is not all that the engine has to know of it."""
        return bool(self.labels or self.driver_opts) or self.driver != LOCAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The sandbox or group that was called `source` is `target` from now on: it keeps its containers."""

    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The whole desired state. `templates` are those that its sandboxes use, `secrets` say where values come from.

    `inactive` are groups that the file declares and whose profile was not asked for: what is live of them is left
    alone.
    `digests` says which image each reference has to mean, where a lock file does. `freed_ports` are those of this
    machine that the file fixes and an instance leaves to the engine, by sandbox. `branch` is the git branch that the
    instance is named after. It is `declared` where a file says all this; any other one without sandboxes is to go.
    """

    name: str
    sandboxes: Mapping[str, Sandbox] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    secrets: Mapping[str, SecretRef] = field(default_factory=dict)
    inactive: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    moved: tuple[Move, ...] = ()
    freed_ports: Mapping[str, tuple[Port, ...]] = field(default_factory=dict, compare=False)
    sensitive: frozenset[str] = field(default=frozenset(), metadata=OUTSIDE)
    branch: str = field(default="", compare=False, metadata=OUTSIDE)
    declared: bool = field(default=False, compare=False, metadata=OUTSIDE)
