"""What is written down beside a container, on a Docker Engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.observed.lock_holder import LockHolder, name_holder
from nexusctl.model.values.late_module import LateModule

if TYPE_CHECKING:
    from nexusctl.engine.docker.objects import ended_tasks as ended
    from nexusctl.engine.docker.objects import stop as stopping
    from nexusctl.model.observed.history import DeedKind
    from nexusctl.model.observed.hold import Hold
else:
    # What only looks writes nothing down.
    ended = LateModule("nexusctl.engine.docker.objects.ended_tasks")
    stopping = LateModule("nexusctl.engine.docker.objects.stop")


class DockerMarks:
    """Part of `DockerEngine`."""

    wire: Wire
    _holders: dict[str, LockHolder]

    def note_end(self, stack: str, sandbox: str, container_id: str) -> None:
        ended.note_end(self.wire, stack, sandbox, container_id)

    def note_hold(self, stack: str, sandbox: str, container_id: str, hold: Hold) -> None:
        stopping.note_hold(self.wire, stack, sandbox, container_id, hold)

    def note_extension(self, stack: str, sandbox: str, container_id: str, until: int, user: str) -> str:
        return stopping.note_extension(self.wire, stack, sandbox, container_id, until, user)

    def note_deed(self, stack: str, sandbox: str, container_id: str, kind: DeedKind) -> None:
        user = name_holder(self._holders.get(stack))
        stopping.note_deed(self.wire, stack, sandbox, container_id, kind, user)

    def lift_hold(self, stack: str, name: str) -> None:
        stopping.lift_hold(self.wire, stack, name)
