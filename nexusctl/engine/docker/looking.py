"""The part of the engine that looks at what is there; see `engine/base.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.executions import FOLDER
from nexusctl.model.values.late_module import LateModule

if TYPE_CHECKING:
    from nexusctl.engine.base import ChangeKind
    from nexusctl.engine.condition import Condition
    from nexusctl.engine.docker.bodies import inspect as inspection
    from nexusctl.engine.docker.glimpses.glimpse import Glimpses
    from nexusctl.engine.docker.objects import ended_tasks as ended
    from nexusctl.engine.docker.observe import observe
    from nexusctl.engine.fetched import Fetched
    from nexusctl.model.observed.inspected_container import InspectedContainer, Project
    from nexusctl.model.observed.live import Adopt, LiveState
    from nexusctl.model.observed.running_sandbox import RunningSandbox
    from nexusctl.model.stack import Stack
else:
    inspection = LateModule("nexusctl.engine.docker.bodies.inspect")
    ended = LateModule("nexusctl.engine.docker.objects.ended_tasks")
    observe = LateModule("nexusctl.engine.docker.observe.observe")

_CHANGES: Mapping[int, ChangeKind] = {0: "changed", 1: "added", 2: "removed"}


class Looking:
    """Part of `DockerEngine`."""

    wire: Wire
    _glimpses: Glimpses | None = None

    def identity(self) -> str:
        return inspection.identify(self.wire)

    def observe(
        self, stack: Stack, *, deep: bool = False, adopt: Adopt = None, images: Iterable[str] = (), whole: bool = False
    ) -> LiveState:
        return observe.observe(self.wire, stack, deep=deep, adopt=adopt, also=images, whole=whole)

    def glimpse(self, stack: Stack, patience: float | None = None) -> LiveState:
        if self._glimpses is None:
            # Only a server looks again and again.
            from nexusctl.engine.docker.glimpses.glimpse import Glimpses  # noqa: PLC0415 - deferred: start-up time

            self._glimpses = Glimpses(self.wire)
        return self._glimpses.take(stack, patience)

    def find_running(self, stack: str, name: str) -> RunningSandbox | None:
        # Only a command in one sandbox is content with that.
        from nexusctl.engine.docker.executions.find_running import find_running  # noqa: PLC0415 - deferred: start-up time

        return find_running(self.wire, stack, name)

    def list_stacks(self) -> frozenset[str]:
        # Only where a stack is named, or none is found.
        from nexusctl.engine.docker.observe.list_stacks import list_stacks  # noqa: PLC0415 - deferred: start-up time

        return list_stacks(self.wire)

    def look_inside(self, live: LiveState) -> LiveState:
        # Archives, threads and package managers are needed only where somebody wants to look inside.
        from nexusctl.engine.docker.observe.look_inside import look_inside  # noqa: PLC0415 - deferred: start-up time

        return look_inside(self.wire, live)

    def inspect(self, name: str) -> InspectedContainer:
        # Only an import needs it.
        from nexusctl.engine.docker.objects.read_body import inspect  # noqa: PLC0415 - deferred: start-up time

        return inspect(self.wire, name)

    def find_project(self, name: str, stack: str) -> Project:
        from nexusctl.engine.docker.observe.compose_project import find_project  # noqa: PLC0415 - deferred: start-up time

        return find_project(self.wire, name, stack)

    def list_changes(self, container_id: str) -> Mapping[str, ChangeKind]:
        changes = self.wire.get(f"/containers/{container_id}/changes") or []
        told = [change for change in changes if change["Kind"] in _CHANGES]
        return {x["Path"]: _CHANGES[x["Kind"]] for x in told if not f"{x['Path']}/".startswith(f"{FOLDER}/")}

    def read_file(self, container_id: str, path: str) -> bytes | None:
        # See `look_inside`.
        from nexusctl.engine.docker.files.upload import read_file  # noqa: PLC0415 - deferred: start-up time

        return read_file(self.wire, container_id, path)

    def fetch(self, container_id: str, path: str) -> Iterator[Fetched]:
        # See `look_inside`.
        from nexusctl.engine.docker.files.fetch import fetch  # noqa: PLC0415 - deferred: start-up time

        return fetch(self.wire, container_id, path)

    def condition(self, container_id: str) -> Condition:
        return inspection.look_at(self.wire, container_id)

    def has_ended_well(self, container_id: str) -> bool:
        return ended.has_ended_well(self.wire, container_id)

    def listen(self, container_id: str, heard: Callable[[], None]) -> AbstractContextManager[None]:
        # A plan waits for nothing.
        from nexusctl.engine.docker.exec.events import listen  # noqa: PLC0415 - deferred: start-up time

        return listen(self.wire, container_id, heard)
