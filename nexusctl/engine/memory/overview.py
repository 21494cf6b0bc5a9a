"""The port of `engine/overview.py` in memory. Containers use little here, and each has one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from nexusctl.engine.memory.history import list_history
from nexusctl.engine.memory.observe import list_stacks, see
from nexusctl.engine.memory.world import MemoryContainer, World
from nexusctl.engine.overview import PATIENCE
from nexusctl.errors import Conflict
from nexusctl.model.observed.disposable import Disposable
from nexusctl.model.observed.history import Deed
from nexusctl.model.observed.listed import ListedSandbox
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.observed.sandbox_event import SandboxEvent
from nexusctl.model.observed.usage import Processes, Usage

_MEMORY = 2**30


class MemoryOverview:
    def __init__(self, world: World) -> None:
        self._world = world

    def list_sandboxes(self) -> Mapping[str, tuple[ListedSandbox, ...]]:
        with self._world.mutex:
            found: dict[str, list[ListedSandbox]] = {name: [] for name in list_stacks(self._world)}
            for container in self._world.containers.values():
                if container.stack:
                    found[container.stack].append(self._list(container))
            return {name: tuple(sorted(own, key=lambda one: (one.sandbox, one.id))) for name, own in found.items()}

    def list_locks(self) -> Mapping[str, LockHolder]:
        with self._world.mutex:
            return dict(self._world.locks)

    def list_history(self, stack: str) -> Sequence[Deed]:
        with self._world.mutex:
            return list_history(self._world, stack)

    def list_disposables(self, patience: float = PATIENCE) -> Iterable[Disposable]:
        """Of networks alone: environments and caches are nobody's here."""
        del patience
        with self._world.mutex:
            busy = {container.stack for container in self._world.containers.values()} | set(self._world.locks)
            return tuple(
                Disposable(kind="network", name=key, about=f"{network.name} of stack {stack}")
                for key, (stack, network) in sorted(self._world.networks.items())
                if stack and stack not in busy
            )

    def listen_starts(self, stack: str, heard: Callable[[], None]) -> AbstractContextManager[None]:
        """Logs end at once here, so nobody waits for more."""
        del stack, heard
        return nullcontext()

    def now(self) -> float:
        return self._world.now

    def read_events(
        self, stack: str, known: Mapping[str, str], since: float, until: float | None = None
    ) -> Iterator[SandboxEvent]:
        """It ends at once: here nothing happens by itself."""
        with self._world.mutex:
            return iter([
                replace(told, sandbox=known.get(told.container_id, told.sandbox))
                for owner, told in self._world.happened
                if owner == stack and since <= told.time <= (told.time if until is None else until)
            ])  # fmt: skip

    def usage(self, container_id: str) -> Usage | None:
        with self._world.mutex:
            found = self._world.get(container_id)
            if not _runs(found):
                return None
            return Usage(
                cpu_time=0,
                machine_time=time.monotonic_ns(),
                cpus=1,
                memory=found.memory_used or 1,
                memory_limit=found.resources.memory or _MEMORY,
                pids=1,
                received=0,
                sent=0,
                read=0,
                written=0,
            )

    def list_processes(self, container_id: str) -> Processes:
        with self._world.mutex:
            found = self._world.get(container_id)
            if not _runs(found):
                raise Conflict(f"Container {container_id} is not running", status=409)
            return Processes(titles=("PID", "CMD"), rows=(("1", " ".join(found.sandbox.command or ())),))

    def measure(self, container_ids: Iterable[str]) -> dict[str, int]:
        """Files are all that a container writes here."""
        with self._world.mutex:
            found = [self._world.containers[x] for x in container_ids if x in self._world.containers]
            return {c.id: sum(file.size for file in c.files.values()) for c in found}

    def measure_volumes(self, names: Iterable[str]) -> dict[str, int]:
        """Nobody writes into a volume here but a test."""
        with self._world.mutex:
            return {name: self._world.volume_bytes.get(name, 0) for name in names if name in self._world.volumes}

    def _list(self, container: MemoryContainer) -> ListedSandbox:
        seen = see(self._world, container, deep=False)
        return ListedSandbox(
            id=seen.id,
            sandbox=seen.sandbox,
            state=seen.state,
            health=seen.health,
            exit_code=seen.exit_code,
            created_at=seen.created_at,
            maker=container.maker,
            branch=container.branch,
            held=seen.held,
        )


def _runs(found: MemoryContainer) -> bool:
    return found.state in ("running", "paused")
