"""The port of `engine/base.py` on a Docker Engine: each method is one function of a neighbouring file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.docker.client import endpoint
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.image_making import ImageMaking
from nexusctl.engine.docker.lifetimes import DockerLifetimes
from nexusctl.engine.docker.looking import Looking
from nexusctl.engine.docker.marks import DockerMarks
from nexusctl.model.observed.lock_holder import LockHolder, name_holder
from nexusctl.model.secret import Reveal, SecretFile, withhold
from nexusctl.model.values.late_module import LateModule

if TYPE_CHECKING:
    from nexusctl.engine.archives import Archives
    from nexusctl.engine.base import AdoptedKind, Report
    from nexusctl.engine.command import Command, Outcome
    from nexusctl.engine.docker.bodies import health_probe
    from nexusctl.engine.docker.exec import exec as commands
    from nexusctl.engine.docker.images import closed_index
    from nexusctl.engine.docker.objects import containers, lock
    from nexusctl.engine.docker.objects import networks_and_volumes as objects
    from nexusctl.engine.docker.objects import stop as stopping
    from nexusctl.engine.executions import Executions
    from nexusctl.engine.log_chunk import LogChunk
    from nexusctl.engine.overview import Overview
    from nexusctl.model.plan.plan import Attachment, LeftBehind, PackageChange, Placement
    from nexusctl.model.stack import Health, Network, Resources, RestartPolicy, Sandbox, Volume
    from nexusctl.model.uploads_and_packages import Upload
else:
    # A command in one sandbox needs none of them, and a plan few.
    closed_index = LateModule("nexusctl.engine.docker.images.closed_index")
    commands = LateModule("nexusctl.engine.docker.exec.exec")
    containers = LateModule("nexusctl.engine.docker.objects.containers")
    health_probe = LateModule("nexusctl.engine.docker.bodies.health_probe")
    lock = LateModule("nexusctl.engine.docker.objects.lock")
    objects = LateModule("nexusctl.engine.docker.objects.networks_and_volumes")
    stopping = LateModule("nexusctl.engine.docker.objects.stop")

IN_PLACE = frozenset({"secrets", "uploads", "packages", "networks", "aliases", "resources", "restart", "state"})


def connect(environ: Mapping[str, str] | None = None) -> DockerEngine:
    """The engine that DOCKER_HOST, the docker context or a usual socket names; raises `EngineUnreachable`."""
    return DockerEngine(endpoint.connect(environ))


class DockerEngine(Looking, DockerMarks, DockerLifetimes, ImageMaking):
    """Holds the way to the engine and the locks that were taken, and is safe to share between threads."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._checks: dict[str, lock.Check] = {}
        self._holders: dict[str, LockHolder] = {}

    @property
    def in_place(self) -> frozenset[str]:
        return IN_PLACE - {"packages"} if closed_index.is_index_closed(os.environ) else IN_PLACE

    @property
    def archives(self) -> Archives:
        # Only what copies files needs it.
        from nexusctl.engine.docker.files.archives import DockerArchives  # noqa: PLC0415 - deferred: start-up time

        return DockerArchives(self.wire)

    @property
    def overview(self) -> Overview:
        # Only what looks at more than a stack's state needs it.
        from nexusctl.engine.docker.overview.overview import DockerOverview  # noqa: PLC0415 - deferred: start-up time

        return DockerOverview(self.wire)

    @property
    def executions(self) -> Executions:
        from nexusctl.engine.docker.executions.executions import DockerExecutions  # noqa: PLC0415 - deferred: start-up time

        return DockerExecutions(self.wire)

    def adopt(self, stack: str, kind: AdoptedKind, name: str, key: str) -> None:
        objects.adopt(self.wire, stack, kind, name, key)

    def release(self, stack: str, kind: AdoptedKind, key: str) -> None:
        objects.release(self.wire, stack, kind, key)

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None = None,
        since: float | None = None,
        follow: bool = False,
        timed: bool = False,
    ) -> Iterator[LogChunk]:
        # A plan or an apply reads no stream; the modules for terminals would only slow it.
        from nexusctl.engine.docker.exec.streams import read_logs  # noqa: PLC0415 - deferred: start-up time

        return read_logs(self.wire, container_id, tail=tail, since=since, follow=follow, timed=timed)

    @contextmanager
    def lock(
        self, stack: str, holder: LockHolder, *, timeout: float, report: Report, makes_space: bool = False
    ) -> Iterator[None]:
        holder = replace(holder, life=self.life) if self.life else holder
        held = lock.hold(self.wire, stack, holder, timeout=timeout, report=report, makes_space=makes_space)
        with held as check:
            self._checks[stack], self._holders[stack] = check, holder
            try:
                yield
            finally:
                self._checks.pop(stack, None)
                self._holders.pop(stack, None)

    def check_lock(self, stack: str) -> None:
        if check := self._checks.get(stack):
            check()

    def unlock(self, stack: str) -> LockHolder | None:
        return lock.unlock(self.wire, stack)

    def create_network(self, stack: str, network: Network, name: str, subnet: str = "", sandboxes: int = 1) -> str:
        return objects.create_network(self.wire, stack, network, name, subnet, sandboxes)

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
        return objects.replace_network(self.wire, stack, network, name, old_id, members, subnet, sandboxes)

    def remove_network(self, network_id: str) -> None:
        objects.remove_network(self.wire, network_id)

    def create_volume(self, stack: str, volume: Volume, name: str) -> None:
        objects.create_volume(self.wire, stack, volume, name)

    def remove_volume(self, name: str) -> None:
        objects.remove_volume(self.wire, name)

    def create_container(self, stack: str, sandbox: Sandbox, placement: Placement, reveal: Reveal = withhold) -> str:
        holder = self._holders.get(stack)
        return containers.create_container(self.wire, stack, sandbox, placement, reveal, holder)

    def start_container(self, container_id: str) -> None:
        stopping.start_container(self.wire, container_id)

    def stop_container(self, container_id: str, grace: int | None = None) -> int | None:
        return stopping.stop_container(self.wire, container_id, grace)

    def restart_container(self, container_id: str, grace: int | None = None) -> int | None:
        return stopping.restart_container(self.wire, container_id, grace)

    def signal_container(self, container_id: str, signal: str) -> None:
        containers.signal_container(self.wire, container_id, signal)

    def pause_container(self, container_id: str) -> None:
        containers.pause_container(self.wire, container_id)

    def unpause_container(self, container_id: str) -> None:
        containers.unpause_container(self.wire, container_id)

    def remove_container(self, container_id: str, grace: int | None = None) -> int | None:
        return stopping.remove_container(self.wire, container_id, grace)

    def rename_container(self, container_id: str, name: str) -> None:
        containers.rename_container(self.wire, container_id, name)

    def update_limits(
        self, container_id: str, resources: Resources, restart: RestartPolicy, left: Sequence[str] = ()
    ) -> None:
        containers.update_limits(self.wire, container_id, resources, restart, left)

    def upload(
        self, container_id: str, uploads: Iterable[Upload], delete: Iterable[str] = (), clear: Iterable[str] = ()
    ) -> None:
        # See `containers.create_container`.
        from nexusctl.engine.docker.files.upload import put_uploads  # noqa: PLC0415 - deferred: start-up time

        put_uploads(self.wire, container_id, uploads, delete, clear)

    def put_secrets(
        self, container_id: str, files: Sequence[SecretFile], reveal: Reveal, delete: Iterable[str] = ()
    ) -> None:
        # See `containers.create_container`.
        from nexusctl.engine.docker.files.secret_files import put_secrets  # noqa: PLC0415 - deferred: start-up time

        put_secrets(self.wire, container_id, files, reveal, delete)

    def carry_over(self, source_id: str, target_id: str, left_behind: LeftBehind) -> None:
        # Few replacements carry files over.
        from nexusctl.engine.docker.files.carry_over import carry_over  # noqa: PLC0415 - deferred: start-up time

        carry_over(self.wire, source_id, target_id, left_behind)

    def connect(self, container_id: str, attachment: Attachment, aliases: Iterable[str]) -> None:
        containers.connect(self.wire, container_id, attachment, aliases)

    def disconnect(self, container_id: str, network_id: str) -> None:
        containers.disconnect(self.wire, container_id, network_id)

    def hide(self, container_id: str, attachment: Attachment) -> None:
        # Few applies replace anything.
        from nexusctl.engine.docker.objects.connections import hide  # noqa: PLC0415 - deferred: start-up time

        hide(self.wire, container_id, attachment)

    def has_callers(self, container_id: str, ports: Iterable[int]) -> bool:
        from nexusctl.engine.docker.objects.connections import has_callers  # noqa: PLC0415 - deferred: start-up time

        return has_callers(self.wire, container_id, ports)

    def change_packages(
        self, container_id: str, changes: Iterable[PackageChange], report: Report, cancel: Cancel = NEVER
    ) -> str:
        # See `pull_image`.
        from nexusctl.engine.docker.images.change_packages import change_packages  # noqa: PLC0415 - deferred: start-up time

        return change_packages(self.wire, container_id, changes, report, cancel)

    def announce(self, stack: str, container_id: str) -> str:
        return objects.announce(self.wire, stack, container_id)

    def amend(self, stack: str, sandbox: Sandbox, container_id: str, package_facts: str = "", note: str = "") -> str:
        return objects.amend(
            self.wire, stack, sandbox, container_id, package_facts, note, name_holder(self._holders.get(stack))
        )

    def remove_amendment(self, name: str) -> None:
        objects.remove_amendment(self.wire, name)

    def remove_courier(self, name: str) -> None:
        # See `containers.create_container`.
        from nexusctl.engine.docker.files.secret_files import remove_courier  # noqa: PLC0415 - deferred: start-up time

        remove_courier(self.wire, name)

    def remove_secrets(self, name: str) -> None:
        # See `containers.create_container`.
        from nexusctl.engine.docker.files.secret_files import remove_secrets  # noqa: PLC0415 - deferred: start-up time

        remove_secrets(self.wire, name)

    def find_health(self, container_id: str) -> Health | None:
        # Few images have a check of their own.
        from nexusctl.engine.docker.objects.read_body import read_health  # noqa: PLC0415 - deferred: start-up time

        return read_health(self.wire.get(f"/containers/{container_id}/json")["Config"].get("Healthcheck"))

    def probe(self, container_id: str, health: Health) -> Outcome:
        return commands.run(self.wire, container_id, health_probe.probe_command(health), timeout=health.timeout)

    def run_script(
        self, container_id: str, script: str, *, timeout: float | None = None, cancel: Cancel = NEVER
    ) -> Outcome:
        return commands.run(self.wire, container_id, ("/bin/sh", "-e", "-c", script), timeout=timeout, cancel=cancel)

    def run_command(
        self, container_id: str, command: tuple[str, ...], *, timeout: float | None = None, cancel: Cancel = NEVER
    ) -> Outcome:
        return commands.run(self.wire, container_id, command, timeout=timeout, cancel=cancel)

    def execute(self, container_id: str, command: Command) -> int:
        # See `logs`.
        from nexusctl.engine.docker.exec.streams import execute  # noqa: PLC0415 - deferred: start-up time

        return execute(self.wire, container_id, command)
