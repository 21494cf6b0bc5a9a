"""The log of an execution and how it is after that: by one command in its sandbox where it can, else by two looks."""

from __future__ import annotations

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.executions.entry import judge, read_line
from nexusctl.engine.docker.executions.find import find_container
from nexusctl.engine.docker.executions.listing import show_execution
from nexusctl.engine.docker.executions.reader import LISTER
from nexusctl.engine.docker.executions.reading import Unread, Waiting, ask, read
from nexusctl.errors import Conflict
from nexusctl.model.observed.execution import Execution, Piece


def listen(wire: Wire, execution_id: str, most: int, wait: Waiting) -> tuple[tuple[Piece, ...], Execution]:
    """See `engine/executions.py`."""
    home = find_container(wire, execution_id)
    told: list[str] = []
    if home.running:
        try:
            pieces = tuple(ask(wire, home, execution_id, 0, most, wait, LISTER, told))
        except (Unread, Conflict):
            # As `read` does.
            told = []
        for line in told:
            entry = read_line(line)
            if entry and entry.id == execution_id and (found := judge(entry, home)):
                return pieces, found
    return tuple(read(wire, execution_id, 0, most=most, wait=wait)), show_execution(wire, execution_id)
