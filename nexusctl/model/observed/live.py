"""The live state: everything that was found on the engine, nothing left out and nothing decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from nexusctl.model.observed.address_space import AddressSpace
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.stack import LOCAL, Network, Port, Resources, RestartPolicy, Sandbox, Volume
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.ip_range import is_same_range

State = Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]
Adopted = Literal["", "new", "yes"]
"""Whether somebody else made an object that the stack has taken over, or is to take over now (`new`)."""
Adopt = Mapping[str, str] | None
"""What of others is taken over: None for nothing, else all under the stack's names, and the containers named here."""
HealthState = Literal["none", "starting", "healthy", "unhealthy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What only a look at the single container tells; gathered for `--deep`, `drift` and `status`.

    `image` is the reference that it was created from, which may mean another image by now. `settings` are further
    fields of a sandbox, as the container has them.
    """

    resources: Resources
    restart: RestartPolicy
    image: str = ""
    started_at: str = ""
    finished_at: str = ""
    writable_bytes: int | None = None
    probe_output: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """One entry of a sandbox's file system. `owner` is `uid:gid`; `digest` is there for files that were read.

    Of one that is `unread` nothing is known: looking at it took too long.
    """

    kind: Literal["file", "folder", "link", "other", "unread"]
    mode: int
    owner: str
    digest: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePackages:
    """What one manager answers now, and what it answered when the packages were installed; both map name to version.

    `asked_for` are those that the stack file names, `added` those that came later and that nothing else needs.
    `problem` says why there is no answer, and is empty where there is one.
    """

    asked_for: Mapping[str, str] = field(default_factory=dict)
    installed: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interior:
    """What lies inside a sandbox where its record has put something.

    `files` are the recorded paths that are there. `added` maps paths that lie directly in recorded folders, and came
    neither from there nor with the image, to `file` or `folder`. `owners` maps an owner as recorded (empty for none)
    to the `uid:gid` that it means inside. `packages` are by manager; a sandbox that does not run cannot be asked.
    `lost_secrets` are the names of secrets that should be there as files and are not. Where they are `cut_off`, the
    folder that is mounted for them was removed, and nothing that is put in its place reaches the sandbox as it runs.
    `displaced` maps the targets of binds at which something else is mounted than their source to what that is.
    """

    files: Mapping[str, LiveFile] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, LivePackages] = field(default_factory=dict)
    lost_secrets: frozenset[str] = frozenset()
    cut_off: bool = False
    displaced: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSandbox:
    """One container that claims to be `sandbox` of the observed stack.

    `record` is what was applied last (the birth record with any amendment worked in); where it cannot be read it is
    None and `record_problem` says why. `birth_name` is the temporary name that it was created under, empty where it got
    its final name at once: a container that still has it never became ready. `networks` maps the id of each connected
    network to the network's name, `volumes` the target of each mounted volume to the volume's name, `binds` the target
    of each folder of this machine to where it lies, its links followed. `package_facts` is what the managers said after
    they last installed something in place, in the engine's own words. `unsure` says that it may differ from `record` in
    what changes in place: a change was cut off, or a newer record lost. `known_by_name` says that others find it in a
    network by its present name alone, as somebody else gave it. `named` says that in networks which others share it
    bears its stack's name, and finds its own stack first, as those do not that older versions have made. `bound` is the
    network that it was made in, by its id or its name, without which newer engines do not start it. `amendments` are
    all that goes with the container. Of them `end` says of a task that it has ended well, with `gone` its container is
    no more; `hold` that it was stopped on purpose, the `extensions` that by hand its lifetime was `extended` to that
    time, and `past` what was done to it before. `exit_code` is None unless it has exited. Times are in seconds since
    1970. `restarting` is also one that the engine has started again, by itself, a few seconds ago; `restarts` counts
    how often, where somebody looked. `moved_from` is what it was called where the planner has followed a move; then its
    record has that name still. `reduced` says that it has not all capabilities of the engine's default. `memory_used`
    are the bytes that it cannot do without, None where nobody looked, as in `aliases`, its names by network id.
    """

    id: str
    name: str
    sandbox: str
    state: State
    record: Sandbox | None = None
    record_problem: str = ""
    birth_name: str = ""
    health: HealthState = "none"
    exit_code: int | None = None
    restarts: int = 0
    created_at: int = 0
    image: str = ""
    image_id: str = ""
    ports: tuple[Port, ...] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)
    amendments: tuple[str, ...] = ()
    package_facts: str = ""
    unsure: bool = False
    end: str = ""
    gone: bool = False
    moved_from: str = ""
    adopted: Adopted = ""
    known_by_name: bool = False
    named: bool = False
    reduced: bool = False
    bound: str = ""
    memory_used: int | None = None
    hold: Hold | None = None
    extended: int = 0
    extensions: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    inspection: Inspection | None = None
    aliases: Mapping[str, tuple[str, ...]] | None = None
    started_at: str = ""
    interior: Interior | None = None

    @property
    def partial(self) -> bool:
        """Whether its creation never came to an end. One that is to be stopped gets its name last, and does not run."""
        return self.name == self.birth_name if self.birth_name else self.state == "created"

    @property
    def outdated(self) -> tuple[str, ...]:
        """What a newer record takes the place of; words on the container stand as they are."""
        words = (self.end, self.hold and self.hold.name, *self.extensions, *self.past)
        return tuple(name for name in self.amendments if name not in words)

    @property
    def held(self) -> Hold | None:
        """The hold that keeps it as it is; one on a container that runs again all the same keeps nothing."""
        return self.hold if self.hold and self.hold.holds(self.state) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNetwork:
    """`network` is the name in the stack file, `name` the engine's; `subnet` its IPv4 range, empty for unknown.

    `enable_ipv6` is None of one that has IPv6 though nexusctl has said nothing of it. The range is `fixed` where the
    stack file named it. `labels` are without those of nexusctl and of Docker.
    """

    id: str
    name: str
    network: str
    internal: bool = False
    enable_ipv6: bool | None = False
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    fixed: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    adopted: Adopted = ""

    def is_as(self, desired: Network) -> bool:
        """Whether it is what `desired` says, however large."""
        return (
            self.internal == desired.internal
            and self.enable_ipv6 in (None, desired.enable_ipv6)
            and (desired.subnet is None or is_same_range(self.subnet, desired.subnet))
            and desired.gateway in (None, self.gateway)
            and (desired.ip_range is None or is_same_range(self.ip_range, desired.ip_range))
            and _bears(self, desired.labels)
        )

    def declare(self) -> Network:
        """It as a stack file would say it."""
        fixed = self.subnet if self.fixed else ""
        return Network(
            name=self.network,
            internal=self.internal,
            enable_ipv6=bool(self.enable_ipv6),
            subnet=fixed or None,
            gateway=(fixed and self.gateway) or None,
            ip_range=(fixed and self.ip_range) or None,
            labels=self.labels,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVolume:
    """`volume` is the name in the stack file, `name` the engine's.

    Of a volume that a sandbox has for itself, by its image's VOLUME or by a target alone in the file, `volume` is
    SANDBOX:TARGET. One that is `loose` bears no label: only the container that mounts it tells whose it is. What is
    written of one that is `misnamed` names another sandbox, as the one that mounts it was called before. `labels` are
    without those of nexusctl and of Docker.
    """

    name: str
    volume: str
    driver: str = LOCAL
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    adopted: Adopted = ""
    loose: bool = False
    misnamed: bool = False

    @property
    def sandbox(self) -> str:
        """Whose own it is; empty for a volume of the file."""
        return self.volume.partition(":")[0] if ":" in self.volume else ""

    @property
    def target(self) -> str:
        return self.volume.partition(":")[2]

    def declare(self) -> Volume:
        """It as a stack file would say it."""
        return Volume(name=self.volume, driver=self.driver, driver_opts=self.driver_opts, labels=self.labels)


def _bears(found: LiveNetwork, labels: Mapping[str, str]) -> bool:
    """Whoever made what was taken over may have given it more."""
    return labels.items() <= found.labels.items() if found.adopted else labels == found.labels


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveImage:
    """A tagged image; `base_id` is the id of the image it was derived from, for those that nexusctl made.

    `digest` is the one that its registry knows it by, empty for one that was never in a registry. `packages` are those
    that were installed into it, and `trees` what their managers have of locks, both as JSON.
    """

    id: str
    reference: str
    base_id: str = ""
    digest: str = ""
    packages: str = ""
    trees: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """What is left behind: an amendment or secrets whose container is gone, or a courier that carried secrets."""

    kind: Literal["amendment", "courier", "secrets"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """What bears the stack's labels and cannot be the stack's, with the reason; it is left as it is."""

    kind: Literal["container", "network", "volume"]
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignBind:
    """A folder of the host that a sandbox of another stack mounts; `source` has no links in it."""

    source: str
    owner: str
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The other `stack` that something is of, and whether that shares it, or has nothing left that could say so.

    The stack is empty for what nexusctl keeps for itself, and shares with nobody.
    """

    stack: str
    shares: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """All that was found for one stack.

    `taken` maps a kind ("container", "network", "volume") to the names that belong to somebody else, each with a phrase
    that says whose. `host_ports` maps (address, port, protocol) to the name of the foreign container that publishes it.
    `images` are those that the stack and its sandboxes name, by reference. `unreachable` are the references of missing
    ones whose registry gave no answer. `idle` are containers whose profile was not asked for, which the planner has set
    apart. `absent` are the external networks and volumes that are not there, as (kind, the engine's name). `foreign`
    only bears the stack's labels. `foreign_binds` are looked for where the stack itself has binds. `addresses` is there
    where one of its networks is not, or does not serve. `unprobed` are references of images that bring no health check,
    among those on which somebody waits for one. `image_volumes` are the targets where images have volumes, by
    reference, of those that a sandbox with volumes of its own gets now. `outer` maps the external networks, as the file
    calls them on the engine, to their ids. `closed` are the internal ones. `one_name` says that the engine refuses a
    second network of one name. `limits_storage` that it limits what is written. `neighbours` maps external networks,
    and own ones that others have joined, to the names that these bear there, each with the container's name. `owners`
    has the external networks and volumes that are another stack's, as (kind, what the file calls it on the engine).
    `observed_at` is in seconds since 1970. `expired` have gone after their lifetime, `pruned` after they were stopped.
    """

    stack: str
    sandboxes: tuple[LiveSandbox, ...] = ()
    idle: tuple[LiveSandbox, ...] = ()
    networks: tuple[LiveNetwork, ...] = ()
    volumes: tuple[LiveVolume, ...] = ()
    images: Mapping[str, LiveImage] = field(default_factory=dict)
    taken: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    host_ports: Mapping[tuple[str, int, str], str] = field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    absent: frozenset[tuple[str, str]] = frozenset()
    unprobed: frozenset[str] = frozenset()
    image_volumes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    orphans: tuple[Orphan, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    foreign_binds: tuple[ForeignBind, ...] = ()
    lock: LockHolder | None = None
    addresses: AddressSpace | None = None
    outer: Mapping[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    one_name: bool = False
    limits_storage: bool = False
    neighbours: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    owners: Mapping[tuple[str, str], Owner] = field(default_factory=dict)
    observed_at: int = field(default=0, compare=False)
    expired: Mapping[str, Hold] = field(default_factory=dict)
    pruned: Mapping[str, Hold] = field(default_factory=dict)
