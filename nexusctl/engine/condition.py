"""How one container is."""

from __future__ import annotations

from nexusctl.model.observed.live import HealthState, State
from nexusctl.model.stack import Port
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How one container is now; `exit_code` is None while it runs.

    `restarts` counts how often the engine has started it again by itself since somebody else did. `ports` are those
    that it publishes now, each with its number.
    """

    state: State
    health: HealthState
    exit_code: int | None
    killed_for_memory: bool = False
    probe_output: str = ""
    restarts: int = 0
    ports: tuple[Port, ...] = ()
