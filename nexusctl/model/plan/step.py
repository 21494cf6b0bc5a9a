"""The steps that change something on an engine; the ones that make images stand in `plan.py`.

A `grace` is how many seconds a container gets to end in, None for what the container itself says; `pre_stop` is a
script that runs in it before, within that time.

A plan without steps never loads them: a command waits longer for its classes than for its plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from nexusctl.model.observed.history import DeedKind
from nexusctl.model.observed.hold import Hold
from nexusctl.model.plan.plan import Attachment, LeftBehind, PackageChange, Placement, Step
from nexusctl.model.secret import SecretFile
from nexusctl.model.stack import Network, Port, Sandbox, Volume
from nexusctl.model.uploads_and_packages import Reaction, Upload
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNetwork(Step):
    """Make it for so many `sandboxes`, in `subnet` where that is still free; empty lets the engine's side choose.

    Where `old_id` is given, that network goes first, for it has the name: `members` are the containers that may be in
    it, and `idle` those that no other step lets join the new one, each with its names there.
    """

    network: Network
    name: str
    subnet: str = ""
    sandboxes: int = 1
    old_id: str = ""
    members: tuple[str, ...] = ()
    idle: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume(Step):
    volume: Volume
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNetwork(Step):
    network_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveVolume(Step):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateContainer(Step):
    """Create the container and put its uploads in; it is not started."""

    sandbox: Sandbox
    placement: Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A service that another one needs alive when it starts; `container_id` is empty where the step `created` tells it.

    It does not count where the step `after`, which starts it, is not among the needs of the one that starts the other.
    """

    name: str
    container_id: str = ""
    created: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartContainer(Step):
    """Start what the step `created` made, run its startup script, give it its final name.

    A sandbox that is to be stopped gets the name alone.
    """

    sandbox: Sandbox
    placement: Placement
    created: str
    upstream: tuple[Upstream, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitHealthy(Step):
    """Wait until the health check of `sandbox` passes, its own or its image's; without any, until it has settled.

    With `required` it is an error to have none. `container_id` is empty where the step `created` tells it.
    """

    sandbox: Sandbox
    container_id: str = ""
    created: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitExit(Step):
    """Wait until a task has run, and fail unless it exited with 0."""

    container_id: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceContainer(Step):
    """Put the container that the step `created` made in the place of `old_id`.

    With `stop_first` the old one is stopped before the new one starts (they cannot share a host port
    or a volume); otherwise it serves until the new one is ready. A new one that was placed quietly gets its names in
    its networks when it is ready, and the old one then loses those that it has in `old_networks`, unless somebody is
    connected to it through one of the `old_ports` that it publishes.
    With `stay_down` the old one is not started again where the new one fails: what it writes to is another's by then.
    Where `left_behind` is given, the files that the old one has written are carried over, but for those.
    `amendments` and `grace` are the old one's. With `required` it is an error to have no health check.
    """

    sandbox: Sandbox
    placement: Placement
    created: str
    old_id: str
    old_running: bool
    stop_first: bool
    stay_down: bool = False
    old_networks: tuple[Attachment, ...] = ()
    old_ports: tuple[Port, ...] = ()
    left_behind: LeftBehind | None = None
    amendments: tuple[str, ...] = ()
    grace: int | None = None
    pre_stop: str = ""
    upstream: tuple[Upstream, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopContainer(Step):
    """Stop a container: somebody wants that, or it is about to be replaced and another sandbox gets what it has."""

    container_id: str
    grace: int | None = None
    pre_stop: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseContainer(Step):
    """Pause a container; `container_id` is empty where the step `created` tells it."""

    container_id: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalContainer(Step):
    """Send `signal` to the main process; where it is SIGKILL, wait for the end."""

    container_id: str
    signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldContainer(Step):
    """Write down that a container is stopped or paused on purpose."""

    container_id: str
    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseContainer(Step):
    """Let that count no more, by the name of what says so."""

    hold: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDeed(Step):
    """Write down who has done that to a container."""

    container_id: str
    deed: DeedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendContainer(Step):
    """Write down that `user` lets a container live `until` then, in seconds since 1970; `stale` said so before."""

    container_id: str
    until: int
    user: str
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStart:
    """What is still to be done in a container that was made to be stopped, and bears `name` since then."""

    sandbox: Sandbox
    birth_name: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreContainer(Step):
    """Bring a stopped, paused or unhealthy container back to service; `secrets` are laid in before that.

    The startup script of one that has never run is in `first`, with its names: it bears its temporary one meanwhile.
    """

    container_id: str
    how: Literal["start", "unpause", "restart"]
    secrets: tuple[SecretFile, ...] = ()
    grace: int | None = None
    pre_stop: str = ""
    upstream: tuple[Upstream, ...] = ()
    first: FirstStart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateContainer(Step):
    """Announce it, change a live container in place, let its program know of new files, then write the amendment.

    Without `amend` the container is then as its record says, and the announcement is taken back.

    `limits` sets resources and restart policy as `sandbox` has them, but for those called `left_limits`, which stay as
    they are; empty fields change nothing.
    `disconnect` are network ids, and `leave_first` those of them whose name one has that it joins: an engine knows the
    networks of a container by their names. `delete` are files of former uploads, `clear` are places where something
    of another kind lies than the upload has there, `stale` are the amendments that the new one makes obsolete.
    `secrets` are written as files, and those called `delete_secrets` removed.
    """

    container_id: str
    sandbox: Sandbox
    limits: bool = False
    left_limits: tuple[str, ...] = ()
    packages: tuple[PackageChange, ...] = ()
    uploads: tuple[Upload, ...] = ()
    delete: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    connect: tuple[Attachment, ...] = ()
    disconnect: tuple[str, ...] = ()
    leave_first: tuple[str, ...] = ()
    secrets: tuple[SecretFile, ...] = ()
    delete_secrets: tuple[str, ...] = ()
    amend: bool = True
    stale: tuple[str, ...] = ()
    grace: int | None = None
    pre_stop: str = ""

    @property
    def restarts(self) -> bool:
        """Whether its container is restarted after an upload."""
        return any(reaction.restart for reaction in self.reactions)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameContainer(Step):
    container_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveContainer(Step):
    """Stop and remove; `amendments` go with it.

    `end`, which says of a task that it has ended well, goes before: it would stand for the container that is gone.
    Where others bear its names as well it loses those that it has in `networks` before it is stopped, unless somebody
    is connected to it through one of the `ports` that it publishes.
    """

    container_id: str
    networks: tuple[Attachment, ...] = ()
    ports: tuple[Port, ...] = ()
    amendments: tuple[str, ...] = ()
    end: str = ""
    grace: int | None = None
    pre_stop: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOrphan(Step):
    """Remove an amendment or secrets whose container is gone, or a courier that was left behind."""

    name: str
    kind: Literal["amendment", "courier", "secrets"] = "amendment"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptContainer(Step):
    """Make a container of somebody else's the stack's, with what it is now as its record."""

    container_id: str
    sandbox: Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptObject(Step):
    """Make a network (`key` is its id) or volume (`key` is its name) of somebody else's the stack's."""

    kind: Literal["network", "volume"]
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseObject(Step):
    """Forget an adoption whose object was removed."""

    kind: Literal["network", "volume"]
    key: str
