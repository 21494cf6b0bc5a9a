"""What is written down beside a container, on a Docker Engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.values.late_module import LateModule

if TYPE_CHECKING:
    from nexusctl.engine.docker.objects import ended_tasks as ended
    from nexusctl.engine.docker.objects import stop as stopping
    from nexusctl.model.observed.hold import Hold
else:
    # What only looks writes nothing down.
    ended = LateModule("nexusctl.engine.docker.objects.ended_tasks")
    stopping = LateModule("nexusctl.engine.docker.objects.stop")


class DockerMarks:
    """Part of `DockerEngine`."""

    wire: Wire

    def note_end(self, stack: str, sandbox: str, container_id: str) -> None:
        ended.note_end(self.wire, stack, sandbox, container_id)

    def note_hold(self, stack: str, sandbox: str, container_id: str, hold: Hold) -> None:
        stopping.note_hold(self.wire, stack, sandbox, container_id, hold)

    def note_extension(self, stack: str, sandbox: str, container_id: str, until: int, user: str) -> str:
        return stopping.note_extension(self.wire, stack, sandbox, container_id, until, user)
