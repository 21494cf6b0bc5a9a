"""Whether an engine answers what needs its locks: all is asked at once, so that it takes no longer than one answer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.threads import open_crew
from nexusctl.errors import EngineError, EngineUnreachable

ANSWER_TIMEOUT = 10.0
"""Seconds that an engine has for each; one with fifty containers under change takes a second."""

_LISTS = ("/info", "/containers/json", "/networks", "/volumes", "/images/json")
_AT_ONCE = 16


def find_unanswered(endpoint: Endpoint) -> tuple[str, ...]:
    """What every verb asks, and this engine has not answered in time."""
    wire = Wire(endpoint, timeout=ANSWER_TIMEOUT)
    with open_crew(len(_LISTS)) as crew:
        answered = crew.map(lambda path: _is_answered(wire, path), _LISTS)
        return tuple(path for path, good in zip(_LISTS, answered, strict=True) if not good)


def find_stuck(endpoint: Endpoint, containers: Iterable[Any]) -> tuple[str, ...]:
    """The names of the listed containers of which the engine has told nothing in time."""
    wire = Wire(endpoint, timeout=ANSWER_TIMEOUT)
    late = time.monotonic() + ANSWER_TIMEOUT
    listed = [(str(entry["Id"]), str((entry["Names"] or [entry["Id"]])[0]).lstrip("/")) for entry in containers]

    def ask(container_id: str) -> bool:
        # Those that wait behind others which are stuck are not waited for as well.
        return time.monotonic() > late or _is_answered(wire, f"/containers/{container_id}/json")

    with open_crew(_AT_ONCE) as crew:
        answered = crew.map(lambda one: ask(one[0]), listed)
        return tuple(sorted(name for (_, name), good in zip(listed, answered, strict=True) if not good))


def _is_answered(wire: Wire, path: str) -> bool:
    try:
        wire.get(path, {"all": True} if path == "/containers/json" else None)
    except EngineUnreachable:
        return False
    except EngineError:
        # A refusal is an answer, too.
        return True
    return True
