"""The port of `engine/base.py` in memory: each method is one function of a neighbouring file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from nexusctl.engine.archives import Archives
from nexusctl.engine.base import AdoptedKind, ChangeKind, Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.command import Command, Outcome
from nexusctl.engine.condition import Condition
from nexusctl.engine.executions import Executions
from nexusctl.engine.fetched import Fetched
from nexusctl.engine.log_chunk import LogChunk
from nexusctl.engine.memory import containers, files, images, lock, objects, observe
from nexusctl.engine.memory.ask import ask
from nexusctl.engine.memory.behaviour import probe_command
from nexusctl.engine.memory.executions import MemoryExecutions
from nexusctl.engine.memory.overview import MemoryOverview
from nexusctl.engine.memory.world import World
from nexusctl.engine.overview import Overview
from nexusctl.errors import EngineError
from nexusctl.model.observed.history import DeedKind
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.inspected_container import InspectedContainer, Project
from nexusctl.model.observed.live import Adopt, LiveState
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.observed.running_sandbox import RunningSandbox
from nexusctl.model.plan.plan import Attachment, BootstrapImage, DeriveImage, LeftBehind, PackageChange, Placement
from nexusctl.model.secret import Reveal, SecretFile, withhold
from nexusctl.model.stack import Health, Network, Resources, RestartPolicy, Sandbox, Stack, Volume
from nexusctl.model.uploads_and_packages import Upload

IN_PLACE = frozenset({"secrets", "uploads", "packages", "networks", "aliases", "resources", "restart", "state"})


class MemoryEngine(World):
    """A world that is its own engine, so that tests reach both by one name."""

    @property
    def in_place(self) -> frozenset[str]:
        return IN_PLACE

    @property
    def archives(self) -> Archives:
        """Files have digests here and no bytes."""
        raise EngineError("the engine in memory keeps no bytes of files")

    @property
    def overview(self) -> Overview:
        return MemoryOverview(self)

    @property
    def executions(self) -> Executions:
        return MemoryExecutions(self)

    def identity(self) -> str:
        return self.id

    def observe(
        self, stack: Stack, *, deep: bool = False, adopt: Adopt = None, images: Iterable[str] = (), whole: bool = False
    ) -> LiveState:
        """Of others only names are known here, so there is nothing to adopt; and all images are."""
        return observe.observe(self, stack, deep=deep)

    def glimpse(self, stack: Stack, patience: float | None = None) -> LiveState:
        """A look costs nothing here."""
        return observe.glimpse(self, stack)

    def find_running(self, stack: str, name: str) -> RunningSandbox | None:
        return observe.find_running(self, stack, name)

    def adopt(self, stack: str, kind: AdoptedKind, name: str, key: str) -> None:
        objects.adopt(self, stack, kind, name, key)

    def release(self, stack: str, kind: AdoptedKind, key: str) -> None:
        self.note("release", key)

    @property
    def socket(self) -> str:
        return "/var/run/docker.sock"

    def move_in(self, container_id: str) -> None:
        pass

    def remove_self(self, container_id: str) -> None:
        containers.remove_container(self, container_id, 0)

    def read_activity(self, container_id: str, ports: Sequence[int]) -> tuple[bool, float]:
        return bool(self.executions.count_running((container_id,))), 0.0

    def is_computing(self, container_id: str) -> bool:
        # What is in here has no program.
        self.get(container_id)
        return False

    def read_age(self, container_id: str) -> float | None:
        found = self.get(container_id)
        return float(self.now - found.created_at - self.jumped) if found.alive else None

    def survey(self) -> tuple[LiveState, ...]:
        return tuple(
            LiveState(stack=name, sandboxes=observe.observe(self, Stack(name=name)).sandboxes, observed_at=self.now)
            for name in sorted(self.list_stacks())
        )

    def list_stacks(self) -> frozenset[str]:
        return observe.list_stacks(self)

    def look_inside(self, live: LiveState) -> LiveState:
        return observe.look_inside(self, live)

    def inspect(self, name: str) -> InspectedContainer:
        return observe.inspect(self, name)

    def find_project(self, name: str, stack: str) -> Project:
        """Nobody but nexusctl makes anything here."""
        return Project()

    def list_changes(self, container_id: str) -> Mapping[str, ChangeKind]:
        return files.list_changes(self, container_id)

    def read_file(self, container_id: str, path: str) -> bytes | None:
        return files.read_file(self, container_id, path)

    def fetch(self, container_id: str, path: str) -> Iterator[Fetched]:
        return files.fetch(self, container_id, path)

    def condition(self, container_id: str) -> Condition:
        return observe.look_at(self, container_id)

    def has_ended_well(self, container_id: str) -> bool:
        """Nothing is remembered here of what is gone."""
        return False

    def note_end(self, stack: str, sandbox: str, container_id: str) -> None:
        objects.note_end(self, stack, container_id)

    def note_hold(self, stack: str, sandbox: str, container_id: str, hold: Hold) -> None:
        objects.note_hold(self, stack, sandbox, container_id, hold)

    def note_extension(self, stack: str, sandbox: str, container_id: str, until: int, user: str) -> str:
        return objects.note_extension(self, stack, sandbox, container_id, until, user)

    def note_deed(self, stack: str, sandbox: str, container_id: str, kind: DeedKind) -> None:
        objects.note_deed(self, stack, sandbox, container_id, kind)

    def lift_hold(self, stack: str, name: str) -> None:
        objects.lift_hold(self, name)

    def listen(self, container_id: str, heard: Callable[[], None]) -> AbstractContextManager[None]:
        """Nothing to hear: here nothing happens by itself."""
        return nullcontext()

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None = None,
        since: float | None = None,
        follow: bool = False,
        timed: bool = False,
    ) -> Iterator[LogChunk]:
        """Each chunk counts as a line."""
        log = tuple(self.get(container_id).log)
        return iter(log if tail is None else log[max(0, len(log) - tail) :])

    def lock(
        self, stack: str, holder: LockHolder, *, timeout: float, report: Report, makes_space: bool = False
    ) -> AbstractContextManager[None]:
        """There is always space here."""
        return lock.hold(self, stack, holder, timeout=timeout, report=report)

    def check_lock(self, stack: str) -> None:
        lock.check(self, stack)

    def unlock(self, stack: str) -> LockHolder | None:
        return lock.unlock(self, stack)

    def pull_image(self, reference: str, report: Report, *, digest: str = "", cancel: Cancel = NEVER) -> None:
        images.pull_image(self, reference, report, cancel)

    def remove_image(self, reference: str) -> None:
        images.remove_image(self, reference)

    def bootstrap_image(self, step: BootstrapImage, report: Report, cancel: Cancel = NEVER) -> None:
        images.bootstrap_image(self, step, report, cancel)

    def derive_image(self, step: DeriveImage, report: Report, cancel: Cancel = NEVER) -> None:
        images.derive_image(self, step, report, cancel)

    def create_network(self, stack: str, network: Network, name: str, subnet: str = "", sandboxes: int = 1) -> str:
        return objects.create_network(self, stack, network, name, subnet, sandboxes)

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
        return objects.replace_network(self, stack, network, name, old_id, members, subnet, sandboxes)

    def remove_network(self, network_id: str) -> None:
        objects.remove_network(self, network_id)

    def create_volume(self, stack: str, volume: Volume, name: str) -> None:
        objects.create_volume(self, stack, volume, name)

    def remove_volume(self, name: str) -> None:
        objects.remove_volume(self, name)

    def create_container(self, stack: str, sandbox: Sandbox, placement: Placement, reveal: Reveal = withhold) -> str:
        return containers.create_container(self, stack, sandbox, placement, reveal)

    def start_container(self, container_id: str) -> None:
        containers.start_container(self, container_id)

    def stop_container(self, container_id: str, grace: int | None = None) -> int | None:
        return containers.stop_container(self, container_id, grace)

    def restart_container(self, container_id: str, grace: int | None = None) -> int | None:
        return containers.restart_container(self, container_id, grace)

    def signal_container(self, container_id: str, signal: str) -> None:
        containers.signal_container(self, container_id, signal)

    def pause_container(self, container_id: str) -> None:
        containers.pause_container(self, container_id)

    def unpause_container(self, container_id: str) -> None:
        containers.unpause_container(self, container_id)

    def remove_container(self, container_id: str, grace: int | None = None) -> int | None:
        return containers.remove_container(self, container_id, grace)

    def rename_container(self, container_id: str, name: str) -> None:
        containers.rename_container(self, container_id, name)

    def update_limits(
        self, container_id: str, resources: Resources, restart: RestartPolicy, left: Sequence[str] = ()
    ) -> None:
        containers.update_limits(self, container_id, resources, restart, left)

    def upload(
        self, container_id: str, uploads: Iterable[Upload], delete: Iterable[str] = (), clear: Iterable[str] = ()
    ) -> None:
        containers.upload(self, container_id, uploads, delete, clear)

    def put_secrets(
        self, container_id: str, files: Sequence[SecretFile], reveal: Reveal, delete: Iterable[str] = ()
    ) -> None:
        containers.put_secrets(self, container_id, files, reveal, delete)

    def carry_over(self, source_id: str, target_id: str, left_behind: LeftBehind) -> None:
        containers.carry_over(self, source_id, target_id, left_behind)

    def connect(self, container_id: str, attachment: Attachment, aliases: Iterable[str]) -> None:
        containers.connect(self, container_id, attachment, aliases)

    def disconnect(self, container_id: str, network_id: str) -> None:
        containers.disconnect(self, container_id, network_id)

    def hide(self, container_id: str, attachment: Attachment) -> None:
        containers.hide(self, container_id, attachment)

    def has_callers(self, container_id: str, ports: Iterable[int]) -> bool:
        return containers.has_callers(self, container_id, ports)

    def change_packages(
        self, container_id: str, changes: Iterable[PackageChange], report: Report, cancel: Cancel = NEVER
    ) -> str:
        return containers.change_packages(self, container_id, changes, cancel)

    def announce(self, stack: str, container_id: str) -> str:
        return objects.announce(self, stack, container_id)

    def amend(self, stack: str, sandbox: Sandbox, container_id: str, package_facts: str = "", note: str = "") -> str:
        return objects.amend(self, stack, sandbox, container_id, note)

    def remove_amendment(self, name: str) -> None:
        objects.remove_amendment(self, name)

    def remove_courier(self, name: str) -> None:
        """Nothing is ever on its way here."""
        self.note("remove_courier", name)

    def remove_secrets(self, name: str) -> None:
        """Nothing lies outside of a container here."""
        self.note("remove_secrets", name)

    def find_health(self, container_id: str) -> Health | None:
        with self.mutex:
            return observe.find_health(self, self.get(container_id))

    def probe(self, container_id: str, health: Health) -> Outcome:
        return ask(self, container_id, probe_command(health))

    def run_script(
        self, container_id: str, script: str, *, timeout: float | None = None, cancel: Cancel = NEVER
    ) -> Outcome:
        self.note("run_script", container_id)
        return ask(self, container_id, ("/bin/sh", "-e", "-c", script), cancel)

    def run_command(
        self,
        container_id: str,
        command: tuple[str, ...],
        *,
        timeout: float | None = None,
        cancel: Cancel = NEVER,
    ) -> Outcome:
        self.note("run_command", container_id)
        return ask(self, container_id, command, cancel)

    def execute(self, container_id: str, command: Command) -> int:
        outcome = ask(self, container_id, command.argv)
        command.stdout.write(outcome.output.encode())
        return outcome.exit_code
