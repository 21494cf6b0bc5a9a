"""Whether a container got the host ports again that its sandbox had before."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, EngineError
from nexusctl.model.stack import Port
from nexusctl.run.stop import Warn


def warn_of_moved(engine: Engine, container_id: str, name: str, had: Iterable[Port], warn: Warn) -> None:
    """Say which of the ports it `had` have another number now, as somebody has taken theirs."""
    for port, now in find_moved(engine, container_id, had):
        warn(
            Diagnostic(
                f"{name}: host port {port.host} is taken, so its port {port.container} is {now} now",
                sandbox=name,
                hint="name a host port in the stack file to keep it",
                severity="warning",
            )
        )


def say_moved(engine: Engine, container_id: str, had: Iterable[Port]) -> str:
    """The same in words to end a sentence with; empty where nothing has moved."""
    moved = [f"its port {port.container} is {now} now" for port, now in find_moved(engine, container_id, had)]
    return ", and " + " and ".join(moved) if moved else ""


def find_moved(engine: Engine, container_id: str, had: Iterable[Port]) -> list[tuple[Port, int]]:
    """Each that has another number now, with that. What cannot be asked says nothing."""
    wished = tuple(had)
    if not wished:
        return []
    with suppress(EngineError):
        found = {(p.container, p.protocol, p.address): p.host for p in engine.condition(container_id).ports}
        pairs = [(port, found.get((port.container, port.protocol, port.address))) for port in wished]
        return [(port, now) for port, now in pairs if now and now != port.host]
    return []
