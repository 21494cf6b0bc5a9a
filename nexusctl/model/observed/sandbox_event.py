"""What has happened to a sandbox."""

from __future__ import annotations

from typing import Literal

from nexusctl.model.values.frozen import dataclass

EventKind = Literal["created", "started", "died", "oom", "health", "paused", "resumed", "stopped", "removed"]

EventCause = Literal["", "purpose", "lifetime", "idle", "memory"]
"""Why it ended: somebody has stopped it on purpose, its lifetime was over, it was idle for too long, or the kernel has
killed it for memory.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEvent:
    """`time` is the engine's, in seconds since 1970.

    `exit_code` is there for one that died, where the engine says it, and `health` for a change of that. `by` is whoever
    made it, or has stopped or paused it on purpose, as far as that was written down. One that died is `killed` where
    somebody has let the engine do that, and one that was stopped where it had not ended in its time.
    """

    time: float
    sandbox: str
    container_id: str
    kind: EventKind
    exit_code: int | None = None
    health: str = ""
    by: str = ""
    cause: EventCause = ""
    killed: bool = False
