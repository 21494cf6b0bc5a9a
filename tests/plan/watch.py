"""An engine in memory that remembers who was started on what somebody else still wrote to, or read.

Its oracle knows only what runs: paths of this machine as `pathlib` reads them, and volumes by the engine's names.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from pathlib import PurePosixPath

from nexusctl.engine.memory import MemoryEngine
from nexusctl.engine.memory.world import MemoryContainer
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import RemoveContainer, ReplaceContainer, StopContainer
from nexusctl.model.stack import Mount, Sandbox, Stack
from nexusctl.plan.compare.moved import follow_moves
from tests.plan.portrait import read_record
from tests.plan.variants import BASE, REMOTE
from tests.plan.worlds import furnish


class WatchedEngine(MemoryEngine):
    """`seen` are the pairs (who was started, beside whom) that the stack which is applied does not allow."""

    def __init__(self) -> None:
        super().__init__(images=(BASE,), unreachable=(REMOTE,))
        self.seen: list[tuple[str, str]] = []
        self._ended: set[str] = set()
        self._started: set[str] = set()
        self._stack = Stack(name="world")
        self._names: dict[str, str] = {}
        furnish(self)

    def watch(self, plan: Plan, stack: Stack) -> None:
        """From now on `plan`, which leads to `stack`, is carried out."""
        self._ended = {s.container_id for s in plan.steps if isinstance(s, RemoveContainer)}
        self._ended |= {s.old_id for s in plan.steps if isinstance(s, ReplaceContainer)}
        self._ended |= {s.container_id for s in plan.steps if isinstance(s, StopContainer)}
        self._started, self._stack = set(), stack
        self._names = {found.id: found.sandbox for found in follow_moves(stack, self.observe(stack)).sandboxes}

    def start_container(self, container_id: str) -> None:
        self._look(container_id)
        super().start_container(container_id)

    def unpause_container(self, container_id: str) -> None:
        self._look(container_id)
        super().unpause_container(container_id)

    def restart_container(self, container_id: str, grace: int | None = None) -> int | None:
        killed = self.stop_container(container_id, grace)
        self.start_container(container_id)
        return killed

    def _look(self, container_id: str) -> None:
        one = self.get(container_id)
        self._started.add(container_id)
        for other in list(self.containers.values()):
            if other.id == one.id or not other.alive or self._called(other) == self._called(one):
                continue
            gone = other.id in self._ended and self._meet(other, one)
            # It was stopped for another one, and comes back beside that.
            back = one.id in self._ended and other.id in self._started and self._meet(one, other)
            if gone or back:
                self.seen.append((one.name, other.name))

    def _called(self, container: MemoryContainer) -> str:
        """The name in the stack."""
        return self._names.get(container.id) or read_record(self, container).name

    def _meet(self, going: MemoryContainer, staying: MemoryContainer) -> bool:
        """Whether they share what one of them writes to, and the stack does not give it to the sandbox that goes."""
        desired = self._stack.sandboxes.get(self._called(going))
        # One that is stopped lets go of all that it has.
        kept = list(self._places_of(desired)) if desired and desired.state != "stopped" else []
        for path, read_only in _places(going):
            for other, other_read_only in _places(staying):
                if not _meet(path, other) or (read_only and other_read_only):
                    continue
                if not any(_meet(own, other) and (read_only or not only) for own, only in kept):
                    return True
        return False

    def _places_of(self, sandbox: Sandbox) -> Iterator[tuple[PurePosixPath, bool]]:
        for mount in (m for m in sandbox.mounts if m.kind != "anonymous"):
            external = self._stack.volumes[mount.source].external if mount.kind == "volume" else None
            place = mount.real if mount.kind == "bind" else external or f"{self._stack.name}_{mount.source}"
            yield _place(mount, place), mount.read_only


def _places(container: MemoryContainer) -> Iterator[tuple[PurePosixPath, bool]]:
    for mount in (m for m in container.sandbox.mounts if m.kind != "anonymous"):
        place = container.binds.get(mount.target) or container.placement.volumes.get(mount.source, "")
        yield _place(mount, place), mount.read_only


def _place(mount: Mount, place: str) -> PurePosixPath:
    """Volumes lie in a folder of their own."""
    return PurePosixPath(f"/volumes/{place}" if mount.kind == "volume" else os.path.realpath(place or mount.source))


def _meet(one: PurePosixPath, other: PurePosixPath) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
