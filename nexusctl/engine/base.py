"""The port: what the rest of nexusctl may ask of an engine.

Every method blocks, may be called from several threads at once, and raises only `EngineError` and its
children (`StepError` where a tool inside a sandbox failed). A method that changes something can be
called again after a crash: it reads back what is there by label and takes it over instead of failing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from nexusctl.engine.archives import Archives
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.command import Command, Outcome
from nexusctl.engine.condition import Condition
from nexusctl.engine.executions import Executions
from nexusctl.engine.fetched import Fetched
from nexusctl.engine.lifetimes import Lifetimes
from nexusctl.engine.log_chunk import LogChunk
from nexusctl.engine.overview import Overview
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.inspected_container import InspectedContainer, Project
from nexusctl.model.observed.live import Adopt, LiveState
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.observed.running_sandbox import RunningSandbox
from nexusctl.model.plan.plan import Attachment, BootstrapImage, DeriveImage, LeftBehind, PackageChange, Placement
from nexusctl.model.secret import Reveal, SecretFile, withhold
from nexusctl.model.stack import Health, Network, Resources, RestartPolicy, Sandbox, Stack, Volume
from nexusctl.model.uploads_and_packages import Upload

AdoptedKind = Literal["network", "volume"]
ChangeKind = Literal["added", "changed", "removed"]

Report = Callable[[str], None]
"""Takes a short phrase that says what is being done now, such as `pulling 40 %`; behind a line end stands what a tool
that does it said last.
"""


class Engine(Lifetimes, Protocol):
    @property
    def in_place(self) -> frozenset[str]:
        """The fields of a sandbox that this engine can change in a live container."""

    @property
    def archives(self) -> Archives: ...

    @property
    def overview(self) -> Overview:
        """All stacks, and what is used by what."""

    @property
    def executions(self) -> Executions:
        """Commands that live in their sandbox."""

    # -- look ----------------------------------------------------------------------------------------------

    def identity(self) -> str:
        """What tells this engine from every other one, also after a restart; empty where it says nothing such."""

    def adopt(self, stack: str, kind: AdoptedKind, name: str, key: str) -> None:
        """Take over what somebody else made: the network with the id `key`, or the volume of that name, as `name`."""

    def release(self, stack: str, kind: AdoptedKind, key: str) -> None:
        """Forget that it was taken over."""

    def observe(
        self, stack: Stack, *, deep: bool = False, adopt: Adopt = None, images: Iterable[str] = (), whole: bool = False
    ) -> LiveState:
        """Everything that bears the labels of `stack.name`, in a handful of calls; `deep` inspects each sandbox.

        Its and further `images` are looked for by name, and `whole` lists all. With `adopt` what lies under names that
        the stack would use, and no nexusctl made, is the stack's; so are the containers that it names.
        """

    def glimpse(self, stack: Stack, patience: float | None = None) -> LiveState:
        """Its sandboxes and volumes alone, as `observe` has them, for whoever looks often; each says when it started.

        It costs two calls, and one for each container that was started since the last glimpse of this engine. Where
        that is not answered in `patience` seconds more, it says when to the second alone.
        """

    def find_running(self, stack: str, name: str) -> RunningSandbox | None:
        """The sandbox `name` where two calls tell that it is whole, runs, and is the only one; else `observe` knows."""

    def list_stacks(self) -> frozenset[str]:
        """The names of the stacks that anything on this engine belongs to."""

    def look_inside(self, live: LiveState) -> LiveState:
        """`live` with the interior of each service that has uploads, packages, secrets or binds by its record.

        Raises `EngineError` where a look fails: what could not be looked at never reads as absent.
        """

    def condition(self, container_id: str) -> Condition: ...

    def has_ended_well(self, container_id: str) -> bool:
        """Whether a container that is gone had ended with 0 a moment ago, as far as the engine remembers."""

    def note_end(self, stack: str, sandbox: str, container_id: str) -> None:
        """Write down that the task `sandbox` has ended with 0: from now on it is live, whoever removes its container.

        The note goes as an amendment does.
        """

    def note_hold(self, stack: str, sandbox: str, container_id: str, hold: Hold) -> None:
        """Write down, in the place of an earlier note, that it is stopped on purpose. It goes as an amendment does."""

    def listen(self, container_id: str, heard: Callable[[], None]) -> AbstractContextManager[None]:
        """While inside, call `heard`, in another thread, when the container's health changes and when it ends.

        A change may be missed, so look now and then all the same. Raises nothing.
        """

    def inspect(self, name: str) -> InspectedContainer:
        """A container of somebody else's, by name or id. Raises `NotFound`."""

    def find_project(self, name: str, stack: str) -> Project:
        """What Docker Compose made for its project `name`, and nobody but `stack` has taken over; empty where there is
        none.
        """

    def list_changes(self, container_id: str) -> Mapping[str, ChangeKind]:
        """What differs in a container's own file system from its image, by path: neither volumes nor executions."""

    def read_file(self, container_id: str, path: str) -> bytes | None:
        """What the file `path` of a sandbox holds, whatever its state; None where there is no such file.

        Raises `StepError` where that is more than an upload may hold.
        """

    def fetch(self, container_id: str, path: str) -> Iterator[Fetched]:
        """What lies at `path` and below, folders first, whatever the state; a link there is not followed.

        Raises `NotFound` where nothing does.
        """

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None = None,
        since: float | None = None,
        follow: bool = False,
        timed: bool = False,
    ) -> Iterator[LogChunk]:
        """The log so far, and with `follow` what comes until the container ends. `since` is in seconds since 1970.

        Where it is `timed`, each chunk is one line or a part of one, and says when it came.
        """

    # -- lock ----------------------------------------------------------------------------------------------

    def lock(
        self, stack: str, holder: LockHolder, *, timeout: float, report: Report, makes_space: bool = False
    ) -> AbstractContextManager[None]:
        """Hold the stack's lock while inside; raises `LockHeld` when `timeout` seconds have passed.

        With `makes_space` an engine without space for a lock is no reason to refuse while nobody else holds it.
        """

    def check_lock(self, stack: str) -> None:
        """Raise `LockLost` where the stack's lock, which this engine was told to hold, was taken away."""

    def unlock(self, stack: str) -> LockHolder | None:
        """Remove the stack's lock, whoever holds it; says whose it was, None where there was none."""

    # -- images --------------------------------------------------------------------------------------------

    def pull_image(self, reference: str, report: Report, *, digest: str = "", cancel: Cancel = NEVER) -> None:
        """Fetch `reference`; with `digest` exactly that image, which is then called `reference`.

        When `cancel` is requested, this and the next two end at once, leave nothing, and raise `EngineError`.
        """

    def remove_image(self, reference: str) -> None:
        """Remove the tag, and the image with its last one; an absent one is fine, one in use stays."""

    def bootstrap_image(self, step: BootstrapImage, report: Report, cancel: Cancel = NEVER) -> None: ...

    def derive_image(self, step: DeriveImage, report: Report, cancel: Cancel = NEVER) -> None: ...

    # -- networks and volumes ------------------------------------------------------------------------------

    def create_network(self, stack: str, network: Network, name: str, subnet: str = "", sandboxes: int = 1) -> str:
        """Returns the network's id.

        It gets the IPv4 range `subnet`, and where that is empty or taken by now another one with room for so many
        `sandboxes`. One that is there keeps the range that it has.
        """

    def replace_network(
        self,
        stack: str,
        network: Network,
        name: str,
        old_id: str,
        members: Iterable[str],
        subnet: str = "",
        sandboxes: int = 1,
    ) -> str:
        """As `create_network`, after the network `old_id` has lost its `members` and was removed; absent is fine.

        Raises `Conflict`, and changes nothing, where somebody else is in it.
        """

    def remove_network(self, network_id: str) -> None: ...

    def create_volume(self, stack: str, volume: Volume, name: str) -> None: ...

    def remove_volume(self, name: str) -> None: ...

    # -- containers ----------------------------------------------------------------------------------------

    def create_container(self, stack: str, sandbox: Sandbox, placement: Placement, reveal: Reveal = withhold) -> str:
        """Create it and put its uploads and secrets in, without starting it; returns its id.

        The volumes that its image declares, and those that it has a target alone for, are made where `placement` does
        not name them: they are called by stack, sandbox and target, so that the next container finds them again.
        `reveal` gives the values of the secrets that it uses. Every attachment of `placement` has its id by now,
        external ones excepted.
        """

    def start_container(self, container_id: str) -> None: ...

    def stop_container(self, container_id: str, grace: int | None = None) -> int | None:
        """Ask it to end, and kill what runs after `grace` seconds, None for what the container itself says.

        Returns the seconds after which it was killed, None where it ended by itself.
        """

    def restart_container(self, container_id: str, grace: int | None = None) -> int | None:
        """Stop it as `stop_container` does and start it again; returns what that does."""

    def signal_container(self, container_id: str, signal: str) -> None:
        """Send `signal`, such as SIGHUP, to the main process."""

    def pause_container(self, container_id: str) -> None:
        """Hold its processes where they are; one that is paused stays so."""

    def unpause_container(self, container_id: str) -> None: ...

    def remove_container(self, container_id: str, grace: int | None = None) -> int | None:
        """Stop it as `stop_container` does and remove it; absent is fine. Its volumes stay.

        Returns what `stop_container` does.
        """

    def rename_container(self, container_id: str, name: str) -> None: ...

    def update_limits(
        self, container_id: str, resources: Resources, restart: RestartPolicy, left: Sequence[str] = ()
    ) -> None:
        """Set them all but those of cpus, memory, pids and restart that are `left` as they are."""

    def upload(
        self, container_id: str, uploads: Iterable[Upload], delete: Iterable[str] = (), clear: Iterable[str] = ()
    ) -> None:
        """Put files into a created or running container, each beside its target and then renamed over it.

        `delete` are paths to remove: a folder when it is empty, or with all that is in it where a slash ends its path.
        `clear` are paths of uploads where something of another kind may lie, such as a folder in the place of a file:
        it goes first, with all that is in it.
        """

    def put_secrets(
        self, container_id: str, files: Sequence[SecretFile], reveal: Reveal, delete: Iterable[str] = ()
    ) -> None:
        """Write secrets as files of a container that was created with some, running or not; `delete` are names."""

    def carry_over(self, source_id: str, target_id: str, left_behind: LeftBehind) -> None:
        """Put what one container has written outside of volumes into another one that was never started.

        Neither runs meanwhile. What the source has deleted of its image's files stays in the target.
        """

    def connect(self, container_id: str, attachment: Attachment, aliases: Iterable[str]) -> None: ...

    def disconnect(self, container_id: str, network_id: str) -> None: ...

    def hide(self, container_id: str, attachment: Attachment) -> None:
        """Let nobody find it by a name in a network that it is in; who is connected to it there stays so.

        It is bound to its address there from now on, and does not start again where somebody else has got it: so this
        is for one that ends soon, and taken back by `disconnect` and `connect`.
        """

    def has_callers(self, container_id: str, ports: Iterable[int]) -> bool:
        """Whether somebody who is not its neighbour in a network is connected to one of these TCP ports in it.

        Also True where that cannot be told.
        """

    def change_packages(
        self, container_id: str, changes: Iterable[PackageChange], report: Report, cancel: Cancel = NEVER
    ) -> str:
        """Remove and install packages in a running container, as root; returns what the managers say then, for `amend`.

        Raises `StepError` with the manager's last lines, and where `cancel` is requested: the manager is ended then.
        """

    def announce(self, stack: str, container_id: str) -> str:
        """Note that a live container is about to change, and that its newest record is out of date from now on.

        Returns the name of the note, for `amend`; it goes as an amendment does.
        """

    def amend(self, stack: str, sandbox: Sandbox, container_id: str, package_facts: str = "", note: str = "") -> str:
        """Write `sandbox` as the newest record of a live container; returns the amendment's name.

        `note` is what announced it.
        `package_facts` are what `change_packages` returned; those of managers that it does not name stay as they were.
        """

    def remove_amendment(self, name: str) -> None: ...

    def remove_courier(self, name: str) -> None:
        """Remove what carried secrets when a run was cut off, and those that no container got."""

    def remove_secrets(self, name: str) -> None:
        """Remove the secrets of a container that somebody else removed; those in use stay."""

    # -- inside a sandbox ----------------------------------------------------------------------------------

    def find_health(self, container_id: str) -> Health | None:
        """The health check that the engine makes in it, whether the sandbox or its image brings it; None for none."""

    def probe(self, container_id: str, health: Health) -> Outcome:
        """Run the health probe once, now."""

    def run_script(
        self, container_id: str, script: str, *, timeout: float | None = None, cancel: Cancel = NEVER
    ) -> Outcome:
        """Run a shell script as the sandbox's own user in its working directory; see `run_command`.

        When `cancel` is requested it is killed.
        """

    def run_command(
        self, container_id: str, command: tuple[str, ...], *, timeout: float | None = None, cancel: Cancel = NEVER
    ) -> Outcome:
        """Run a command as the sandbox's own user in its working directory; after `timeout` seconds it is ended.

        When `cancel` is requested it is killed, and the outcome's exit code is `CANCELLED`.
        """

    def execute(self, container_id: str, command: Command) -> int:
        """Run `command`; returns its exit code, or 124 when its time is over."""
