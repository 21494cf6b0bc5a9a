"""Commands inside of containers."""

from __future__ import annotations

import threading

from nexusctl.engine.cancel import CANCELLED, NEVER, Cancel
from nexusctl.engine.command import Outcome
from nexusctl.engine.memory.world import World
from nexusctl.errors import Conflict


def ask(world: World, container_id: str, command: tuple[str, ...], cancel: Cancel = NEVER) -> Outcome:
    """What a command inside a running container gives. Raises `Conflict` for one that does not run."""
    ended = threading.Event()
    with cancel.cutting(ended.set):
        answer = _ask(world, container_id, command)
    return Outcome(exit_code=CANCELLED, output=answer.output) if ended.is_set() else answer


def _ask(world: World, container_id: str, command: tuple[str, ...]) -> Outcome:
    with world.mutex:
        found = world.get(container_id)
        if found.state != "running":
            raise Conflict(f"Container {container_id} is not running", status=409)
    return world.answer(found.sandbox, command)
