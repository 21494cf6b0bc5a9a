"""What the engine's list says about a container's state, which it says in prose. Pure.

A list of all containers costs one call where inspecting each would cost one per container.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.late_regex import late_regex

if TYPE_CHECKING:
    from nexusctl.model.observed.live import HealthState, State

STATES: dict[str, State] = {
    "created": "created",
    "running": "running",
    "paused": "paused",
    "restarting": "restarting",
    "removing": "removing",
    "exited": "exited",
    "dead": "dead",
    # Podman's words.
    "configured": "created",
    "initialized": "created",
    "stopping": "running",
    "stopped": "exited",
}

_HEALTH: dict[str, HealthState] = {"healthy": "healthy", "unhealthy": "unhealthy", "health: starting": "starting"}

_UP = late_regex(r"Up (?:About |Less than )?[\w ]+?(?: \((?P<note>[^()]+)\))?")
_DIGITS = tuple("123456789")
_EXITED = late_regex(r"(?:Exited|Restarting) \((?P<code>\d+)\) .+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedState:
    state: State
    health: HealthState
    exit_code: int | None = None


def parse_status(state: str, status: str) -> ListedState | None:
    """State, health and exit code of a list entry; None where its text has a shape that is not known here."""
    known = STATES.get(state)
    if known in ("running", "paused"):
        return _parse_up(known, status)
    if known == "exited":
        match = _EXITED.fullmatch(status)
        return ListedState(state=known, health="none", exit_code=int(match["code"])) if match else None
    return ListedState(state=known, health="none") if known else None


def is_fresh(status: str) -> bool:
    """Whether a list entry says that a container has been up for less than ten seconds."""
    up, _, since = status.partition(" ")
    number, _, unit = since.partition(" ")
    return up == "Up" and (since.startswith("Less than a second") or (number in _DIGITS and unit.startswith("second")))


def _parse_up(state: State, status: str) -> ListedState | None:
    match = _UP.fullmatch(status)
    if not match:
        return None
    note = match["note"]
    if note is None or note == "Paused":
        return ListedState(state=state, health="none")
    return ListedState(state=state, health=_HEALTH[note]) if note in _HEALTH else None


def list_names(entry: Mapping[str, Any]) -> list[str]:
    """What a listed container is called, without the slash before it. One that is just being removed has no name."""
    return [str(name).removeprefix("/") for name in entry["Names"] or ()]


def name_container(entry: Mapping[str, Any]) -> str:
    """Its first name, or the beginning of its id."""
    return next(iter(list_names(entry)), str(entry["Id"])[:12])
