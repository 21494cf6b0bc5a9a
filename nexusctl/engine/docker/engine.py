"""The port of `engine/base.py` on a Docker Engine: each method is one function of a neighbouring file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from nexusctl.engine.base import AdoptedKind, Command, Condition, LogChunk, Outcome, Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.docker.bodies import inspect as inspection
from nexusctl.engine.docker.bodies.health_probe import probe_command
from nexusctl.engine.docker.client import endpoint
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec import exec as commands
from nexusctl.engine.docker.objects import containers, lock
from nexusctl.engine.docker.objects import ended_tasks as ended
from nexusctl.engine.docker.objects import networks_and_volumes as objects
from nexusctl.engine.docker.objects import stop as stopping
from nexusctl.engine.docker.observe import observe
from nexusctl.model.live import Adopt, LiveState, LockHolder, Portrait, Project
from nexusctl.model.plan.plan import Attachment, BootstrapImage, DeriveImage, LeftBehind, PackageChange, Placement
from nexusctl.model.secret import Reveal, SecretFile, withhold
from nexusctl.model.stack import Health, Network, Resources, RestartPolicy, Sandbox, Stack, Upload, Volume

_INDEX_SETTINGS = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "NPM_CONFIG_REGISTRY",
    "NPM_CONFIG_USERCONFIG",
)

IN_PLACE = frozenset({"secrets", "uploads", "packages", "networks", "aliases", "resources", "restart"})


def connect(environ: Mapping[str, str] | None = None) -> DockerEngine:
    """The engine that DOCKER_HOST, the docker context or a usual socket names; raises `EngineUnreachable`."""
    return DockerEngine(endpoint.connect(environ))


def _is_index_closed() -> bool:
    """Whether packages come by way of this machine itself, or of a proxy that asks for a password: out of reach of a
    sandbox in its own networks, which gets no passwords.
    """
    named = any(os.environ.get(name) or os.environ.get(name.lower()) for name in _INDEX_SETTINGS)
    if not named and not os.access(os.path.expanduser("~/.npmrc"), os.R_OK):  # noqa: PTH111 - pathlib loads slowly
        return False
    # Few machines say anything about it, and what they say is read with certificates and all.
    from nexusctl.engine.docker.images.builder import host_trust  # noqa: PLC0415 - deferred: start-up time

    trust = host_trust()
    return trust.loopback or trust.secret_proxy


class DockerEngine:
    """Holds the way to the engine and the locks that were taken, and is safe to share between threads."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._checks: dict[str, lock.Check] = {}

    @property
    def in_place(self) -> frozenset[str]:
        return IN_PLACE - {"packages"} if _is_index_closed() else IN_PLACE

    def identity(self) -> str:
        return inspection.identify(self.wire)

    def observe(self, stack: Stack, *, deep: bool = False, adopt: Adopt = None) -> LiveState:
        return observe.observe(self.wire, stack, deep=deep, adopt=adopt)

    def adopt(self, stack: str, kind: AdoptedKind, name: str, key: str) -> None:
        objects.adopt(self.wire, stack, kind, name, key)

    def release(self, stack: str, kind: AdoptedKind, key: str) -> None:
        objects.release(self.wire, stack, kind, key)

    def list_stacks(self) -> frozenset[str]:
        # Only where a stack is named, or none is found.
        from nexusctl.engine.docker.observe.list_stacks import list_stacks  # noqa: PLC0415 - deferred: start-up time

        return list_stacks(self.wire)

    def look_inside(self, live: LiveState) -> LiveState:
        # Archives, threads and package managers are needed only where somebody wants to look inside.
        from nexusctl.engine.docker.observe.look_inside import look_inside  # noqa: PLC0415 - deferred: start-up time

        return look_inside(self.wire, live)

    def measure(self, container_ids: Iterable[str]) -> Mapping[str, int]:
        # Most plans take nothing away.
        from nexusctl.engine.docker.observe.sizes import measure  # noqa: PLC0415 - deferred: start-up time

        return measure(self.wire, container_ids)

    def measure_volumes(self, names: Iterable[str]) -> Mapping[str, int]:
        # See `measure`.
        from nexusctl.engine.docker.observe.sizes import measure_volumes  # noqa: PLC0415 - deferred: start-up time

        return measure_volumes(self.wire, names)

    def portray(self, name: str) -> Portrait:
        # Only an import needs it.
        from nexusctl.engine.docker.objects.read_body import portray  # noqa: PLC0415 - deferred: start-up time

        return portray(self.wire, name)

    def find_project(self, name: str, stack: str) -> Project:
        # As above.
        from nexusctl.engine.docker.observe.compose_project import find_project  # noqa: PLC0415 - deferred: start-up time

        return find_project(self.wire, name, stack)

    def read_file(self, container_id: str, path: str) -> bytes | None:
        # See `look_inside`.
        from nexusctl.engine.docker.files.upload import read_file  # noqa: PLC0415 - deferred: start-up time

        return read_file(self.wire, container_id, path)

    def condition(self, container_id: str) -> Condition:
        return inspection.look_at(self.wire, container_id)

    def has_ended_well(self, container_id: str) -> bool:
        return ended.has_ended_well(self.wire, container_id)

    def note_end(self, stack: str, sandbox: str, container_id: str) -> None:
        ended.note_end(self.wire, stack, sandbox, container_id)

    def listen(self, container_id: str, heard: Callable[[], None]) -> AbstractContextManager[None]:
        # A plan waits for nothing.
        from nexusctl.engine.docker.exec.events import listen  # noqa: PLC0415 - deferred: start-up time

        return listen(self.wire, container_id, heard)

    def logs(
        self, container_id: str, *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogChunk]:
        # A plan or an apply reads no stream; the modules for terminals would only slow it.
        from nexusctl.engine.docker.exec.streams import read_logs  # noqa: PLC0415 - deferred: start-up time

        return read_logs(self.wire, container_id, tail=tail, since=since, follow=follow)

    @contextmanager
    def lock(
        self, stack: str, holder: LockHolder, *, timeout: float, report: Report, makes_space: bool = False
    ) -> Iterator[None]:
        held = lock.hold(self.wire, stack, holder, timeout=timeout, report=report, makes_space=makes_space)
        with held as check:
            self._checks[stack] = check
            try:
                yield
            finally:
                self._checks.pop(stack, None)

    def check_lock(self, stack: str) -> None:
        if check := self._checks.get(stack):
            check()

    def unlock(self, stack: str) -> LockHolder | None:
        return lock.unlock(self.wire, stack)

    def pull_image(self, reference: str, report: Report, *, digest: str = "", cancel: Cancel = NEVER) -> None:
        # Most runs make no image, and the builder's modules are the larger part of this room.
        from nexusctl.engine.docker.images.images import pull_image  # noqa: PLC0415 - deferred: start-up time

        pull_image(self.wire, reference, report, digest=digest, cancel=cancel)

    def remove_image(self, reference: str) -> None:
        # See `pull_image`.
        from nexusctl.engine.docker.images.images import remove_image  # noqa: PLC0415 - deferred: start-up time

        remove_image(self.wire, reference)

    def bootstrap_image(self, step: BootstrapImage, report: Report, cancel: Cancel = NEVER) -> None:
        # See `pull_image`.
        from nexusctl.engine.docker.images.images import bootstrap_image  # noqa: PLC0415 - deferred: start-up time

        bootstrap_image(self.wire, step, report, cancel)

    def derive_image(self, step: DeriveImage, report: Report, cancel: Cancel = NEVER) -> None:
        # See `pull_image`.
        from nexusctl.engine.docker.images.images import derive_image  # noqa: PLC0415 - deferred: start-up time

        derive_image(self.wire, step, report, cancel)

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
        return containers.create_container(self.wire, stack, sandbox, placement, reveal)

    def start_container(self, container_id: str) -> None:
        containers.start_container(self.wire, container_id)

    def stop_container(self, container_id: str, grace: int | None = None) -> int | None:
        return stopping.stop_container(self.wire, container_id, grace)

    def restart_container(self, container_id: str, grace: int | None = None) -> int | None:
        return stopping.restart_container(self.wire, container_id, grace)

    def signal_container(self, container_id: str, signal: str) -> None:
        containers.signal_container(self.wire, container_id, signal)

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
        return objects.amend(self.wire, stack, sandbox, container_id, package_facts, note)

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
        return commands.run(self.wire, container_id, probe_command(health), timeout=health.timeout)

    def run_script(self, container_id: str, script: str, *, timeout: float | None = None) -> Outcome:
        return self.run_command(container_id, ("/bin/sh", "-e", "-c", script), timeout=timeout)

    def run_command(self, container_id: str, command: tuple[str, ...], *, timeout: float | None = None) -> Outcome:
        return commands.run(self.wire, container_id, command, timeout=timeout)

    def execute(self, container_id: str, command: Command) -> int:
        # See `logs`.
        from nexusctl.engine.docker.exec.streams import execute  # noqa: PLC0415 - deferred: start-up time

        return execute(self.wire, container_id, command)
