"""The desired state: what a stack file says after defaults, templates and replicas are worked in.

Units: durations are seconds, sizes are bytes, modes are the usual permission bits as an integer.
Fields marked `OUTSIDE` help to carry a value out (where a file lies on this host) and are neither
compared nor recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from nexusctl.model.output import Output
from nexusctl.model.secret import SecretFile, SecretRef, Text
from nexusctl.model.template import Template
from nexusctl.model.values.frozen import dataclass

Kind = Literal["service", "task"]
RunPolicy = Literal["once", "changed", "always"]
Condition = Literal["started", "healthy", "completed"]
OnReplace = Literal["discard", "preserve"]
RestartPolicy = Literal["no", "on-failure", "always", "unless-stopped"]
Manager = Literal["npm", "pip", "apt"]
Omitted = Literal["dev", "optional", "peer"]
Giver = Literal["settings", "template"]
"""Who gives a limit that no file of the stack states: the settings of who calls nexusctl, or a built-in template."""

OUTSIDE: Mapping[str, Any] = {"recorded": False}

DEFAULT_NETWORK = "default"

STOP_GRACE_PERIOD = 10
"""Seconds between the signal that asks a sandbox to end and the one that ends it, where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """`sandbox` (an instance name) has to reach `condition` before the dependent starts."""

    sandbox: str
    condition: Condition


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
class UploadFile:
    """One entry of an upload: `path` is relative to the upload's target, empty for the target itself.

    `digest` is the SHA-256 of the content in hex, empty for a folder; `link` is a symlink's target.
    """

    path: str
    digest: str
    mode: int
    size: int = 0
    kind: Literal["file", "folder", "link"] = "file"
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What follows where an uploaded file has changed in a running sandbox; exactly one of the three is set."""

    restart: bool = False
    signal: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Files that nexusctl puts into the sandbox before it starts.

    `ignore` are gitignore patterns of what is not uploaded, and does not count as added where the sandbox has it.
    It and `on_change` are recorded for an import to find, and say nothing of what is live: uploads do not differ by
    them.
    """

    target: str
    files: tuple[UploadFile, ...]
    owner: str | None = None
    ignore: tuple[str, ...] = field(default=(), compare=False)
    on_change: Reaction | None = field(default=None, compare=False)
    source: str | None = field(default=None, compare=False, metadata=OUTSIDE)
    content: str | None = field(default=None, compare=False, metadata=OUTSIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`version` is what the manager understands after the name (npm: a range, pip: `==2.1` and the like)."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSet:
    """What one manager installs: a list of packages, or everything that a lock file names, or both.

    A lock beside a list was made from it, and fixes what its packages need. Without a `lock_name` the files are where
    the manager starts from. Their content lies in `lock_folder`, or in `lock_texts` by their names.
    With `ignore_scripts` no script of a package runs when it is installed, or none of those that it names, sorted;
    `omit` are kinds of dependencies, sorted, that are not installed. Only npm has the two.
    """

    manager: Manager
    packages: tuple[Package, ...] = ()
    lock_name: str = ""
    lock_files: tuple[UploadFile, ...] = ()
    ignore_scripts: bool | tuple[str, ...] = False
    omit: tuple[Omitted, ...] = ()
    lock_folder: str | None = field(default=None, compare=False, metadata=OUTSIDE)
    lock_texts: Mapping[str, str] = field(default_factory=dict, compare=False, metadata=OUTSIDE)

    @property
    def fixed(self) -> bool:
        """Whether it is a list whose every need is fixed by a lock."""
        return bool(self.lock_name and self.packages)

    @property
    def options(self) -> tuple[bool | tuple[str, ...], tuple[Omitted, ...]]:
        """How its packages are installed, whichever they are."""
        return self.ignore_scripts, self.omit


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """How far nexusctl may go: `ignore` are paths of fields, as differences name them, that are left as they are."""

    prevent_destroy: bool = False
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One container, fully resolved. `name` is unique in the stack; `group` is the name in the file.

    Without `replicas` the two are equal; with it the instances are `group-1`, `group-2`, ...
    A None for command, working_dir, user or stop_signal leaves the image's own in force; so does one for `health` with
    the image's HEALTHCHECK, unless `image_health` is False. `start_timeout` limits the wait for health after a start.
    `stop_grace_period` is in seconds, None for `STOP_GRACE_PERIOD`.
    `aliases` are further names of it, by the network in which others find it under them. `shares` are those of its
    volumes and networks that other stacks may use, as `volume:NAME` and `network:NAME`.
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
    stop_grace_period: int | None = None
    stop_signal: str | None = None
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    on_replace: OnReplace = "discard"
    timeout: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    shares: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """`external` names a network that exists already and is never made or removed here.

    A `shared` one may be the external one of other stacks.
    """

    name: str
    internal: bool = False
    enable_ipv6: bool = False
    shared: bool = False
    external: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """`external` names a volume that exists already and is never made or removed here.

    A `shared` one may be the external one of other stacks.
    """

    name: str
    shared: bool = False
    external: str | None = None


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
    `digests` says which image each reference has to mean, where a lock file does.
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
    sensitive: frozenset[str] = field(default=frozenset(), metadata=OUTSIDE)
