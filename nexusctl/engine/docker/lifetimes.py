"""A nexusctl that runs in a container of this engine; see `engine/lifetimes.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import EngineError

if TYPE_CHECKING:
    from nexusctl.model.observed.live import LiveState

_COLUMNS = ("PID", "ELAPSED")
"""What `ps` of procps heads these with. `etimes` counts from the kernel's clock since boot."""

_RUNNABLE = "R"
"""What `ps` says of whoever has a processor, or waits for one."""


def _seconds(text: str) -> float:
    # Few commands are about lifetimes.
    from datetime import datetime  # noqa: PLC0415 - deferred: start-up time

    return datetime.fromisoformat(text).timestamp()


class DockerLifetimes:
    """Part of `DockerEngine`. `life` is that of the container, empty elsewhere."""

    wire: Wire
    life = ""

    @property
    def socket(self) -> str:
        url = self.wire.endpoint.url
        return url.removeprefix("unix://") if url.startswith("unix://") else "/var/run/docker.sock"

    def move_in(self, container_id: str) -> None:
        # Only the reaper lives in one.
        from nexusctl.engine.docker.objects.lock import describe_life  # noqa: PLC0415 - deferred: start-up time

        self.life = describe_life(self.wire, container_id)

    def remove_self(self, container_id: str) -> None:
        self.wire.delete(f"/containers/{container_id}", {"force": True})

    def read_activity(self, container_id: str, ports: Sequence[int]) -> tuple[bool, float]:
        # Few sandboxes are to end when they are idle.
        from nexusctl.engine.docker.executions.listing import count_running  # noqa: PLC0415 - deferred: start-up time
        from nexusctl.engine.docker.objects.connections import has_callers  # noqa: PLC0415 - deferred: start-up time

        stats = self.wire.get(f"/containers/{container_id}/stats", {"stream": False, "one-shot": True})
        used = int(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
        if count_running(self.wire, (container_id,)):
            return True, used
        return bool(ports) and has_callers(self.wire, container_id, ports), used

    def is_computing(self, container_id: str) -> bool:
        found = self.wire.get(f"/containers/{container_id}/top", {"ps_args": "-o pid,stat"})
        return any(row[-1].startswith(_RUNNABLE) for row in found["Processes"] or ())

    def read_age(self, container_id: str) -> float | None:
        inspected = self.wire.get(f"/containers/{container_id}/json")
        state = inspected["State"]
        if not state["Running"]:
            return None
        found = self.wire.get(f"/containers/{container_id}/top", {"ps_args": "-o pid,etimes"})
        ran = {row[0]: row[-1] for row in found["Processes"] or () if len(row) == len(_COLUMNS)}.get(str(state["Pid"]))
        if tuple(found["Titles"] or ()) != _COLUMNS or ran is None or not ran.isdigit():
            raise EngineError(f"the engine does not say how long {container_id[:12]} runs")
        return max(0.0, _seconds(state["StartedAt"]) - _seconds(inspected["Created"])) + int(ran)

    def survey(self) -> tuple[LiveState, ...]:
        # Only where something has a lifetime.
        from nexusctl.engine.docker.observe.survey import survey  # noqa: PLC0415 - deferred: start-up time

        return survey(self.wire)
