"""Which container an execution lives in, and where in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.executions.entry import Home, read_home
from nexusctl.engine.docker.executions.supervisor import ROOT, SHARED_MEMORY
from nexusctl.errors import NotFound
from nexusctl.model.observed.execution import CONTAINER_DIGITS, ID

ROOTS = (ROOT, SHARED_MEMORY)


def find_home(wire: Wire, container_id: str) -> Home:
    """Raises `NotFound` for a container that is gone, or is no sandbox."""
    found: Mapping[str, Any] = wire.get(f"/containers/{container_id}/json")
    marks = found["Config"].get("Labels") or {}
    if labels.STACK not in marks or labels.SANDBOX not in marks:
        raise NotFound(f"container {container_id[:12]} is no sandbox", status=404)
    return read_home(found, marks[labels.STACK], marks[labels.SANDBOX])


def find_container(wire: Wire, execution_id: str) -> Home:
    """The container that the id of an execution names. Raises `NotFound`, which says why."""
    if not ID.match(execution_id):
        hint = "`nexusctl executions` lists them"
        raise NotFound(f"{execution_id[:64]!r} is no id of an execution", status=404, hint=hint)
    begin = len("exec_")
    try:
        return find_home(wire, execution_id[begin : begin + CONTAINER_DIGITS])
    except NotFound:
        raise _absent(execution_id, "its sandbox was removed or replaced, and it went with it") from None


def _absent(execution_id: str, why: str) -> NotFound:
    return NotFound(f"there is no execution {execution_id}", status=404, hint=why)


def no_such(execution_id: str) -> NotFound:
    """What is said where the container is there, and the execution is not."""
    return _absent(execution_id, "`nexusctl executions` lists those that there are")
