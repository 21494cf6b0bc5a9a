"""What the reaper does about itself: it finds its own container, and goes when there is nothing left to do."""

from __future__ import annotations

from pathlib import Path

from nexusctl.api import planning
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, NexusError
from nexusctl.model.engine_names import REAPER, container_name
from nexusctl.model.lifetime import has_lifetime
from nexusctl.model.observed.live import LiveState

__all__ = ["LEAVING", "NAME", "has_lifetimes", "leave", "move_in"]

NAME = container_name(REAPER, "reaper")
LEAVING = f"{NAME}_leaving"
"""What it is called once it has found nothing left to do: whoever sees that waits for its end, and makes a new one."""


def has_lifetimes(live: LiveState) -> bool:
    """Whether something of it ends by itself, by its record."""
    return any(found.record and has_lifetime(found.record) for found in live.sandboxes)


def move_in(engine: Engine) -> str:
    """Called by the reaper itself, which may not yet be sure where it is: returns the id of its container."""
    live = engine.observe(planning.empty_stack(REAPER))
    found = next(iter(x for x in live.sandboxes if x.id in Path("/proc/self/mountinfo").read_text()), None)
    if found is None:
        raise NexusError(Diagnostic("the reaper cannot find its own container on the engine whose socket it has"))
    engine.move_in(found.id)
    if found.name == LEAVING:
        engine.remove_self(found.id)
    return found.id


def leave(engine: Engine, container_id: str) -> None:
    """Called by the reaper itself: go for good where nothing has a lifetime; returns only where something has.

    The name says it before the last look: whoever makes something after that look sees the name, see `keep_reaper`.
    """
    engine.rename_container(container_id, LEAVING)
    if not any(map(has_lifetimes, engine.survey())):
        engine.remove_self(container_id)
    engine.rename_container(container_id, NAME)
