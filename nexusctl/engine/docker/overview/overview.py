"""The port of `engine/overview.py` on a Docker Engine: each method is one function of a neighbouring file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.events import listen_starts
from nexusctl.engine.docker.objects import lock
from nexusctl.engine.docker.observe import list_stacks, sizes
from nexusctl.engine.docker.overview import disposables, happened, history, usage
from nexusctl.engine.overview import PATIENCE
from nexusctl.model.observed.disposable import Disposable
from nexusctl.model.observed.history import Deed
from nexusctl.model.observed.listed import ListedSandbox
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.observed.sandbox_event import SandboxEvent
from nexusctl.model.observed.usage import Processes, Usage


class DockerOverview:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list_sandboxes(self) -> Mapping[str, tuple[ListedSandbox, ...]]:
        return list_stacks.list_sandboxes(self._wire)

    def list_locks(self) -> Mapping[str, LockHolder]:
        return lock.list_holders(self._wire)

    def list_history(self, stack: str) -> Sequence[Deed]:
        return history.list_history(self._wire, stack)

    def list_disposables(self, patience: float = PATIENCE) -> Iterable[Disposable]:
        return disposables.list_disposables(self._wire, patience)

    def listen_starts(self, stack: str, heard: Callable[[], None]) -> AbstractContextManager[None]:
        return listen_starts(self._wire, stack, heard)

    def now(self) -> float:
        return happened.read_clock(self._wire)

    def read_events(
        self, stack: str, known: Mapping[str, str], since: float, until: float | None = None
    ) -> Iterator[SandboxEvent]:
        return happened.read_events(self._wire, stack, known, since, until)

    def usage(self, container_id: str) -> Usage | None:
        return usage.read_usage(self._wire, container_id)

    def list_processes(self, container_id: str) -> Processes:
        return usage.list_processes(self._wire, container_id)

    def measure(self, container_ids: Iterable[str]) -> Mapping[str, int]:
        return sizes.measure(self._wire, container_ids)

    def measure_volumes(self, names: Iterable[str]) -> Mapping[str, int]:
        return sizes.measure_volumes(self._wire, names)
