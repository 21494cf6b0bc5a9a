"""The port of `engine/executions.py` on a Docker Engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO

from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.values.late_module import LateModule

if TYPE_CHECKING:
    from nexusctl.engine.command import Command
    from nexusctl.engine.docker.executions import control, listen, listing, reading, start, watch
    from nexusctl.model.observed.execution import Execution, Order, Piece
else:
    # Most commands are watched to their end, and need no more than that.
    control = LateModule("nexusctl.engine.docker.executions.control")
    listen = LateModule("nexusctl.engine.docker.executions.listen")
    listing = LateModule("nexusctl.engine.docker.executions.listing")
    reading = LateModule("nexusctl.engine.docker.executions.reading")
    start = LateModule("nexusctl.engine.docker.executions.start")
    watch = LateModule("nexusctl.engine.docker.executions.watch")


class DockerExecutions:
    """Holds the way to the engine, and is safe to share between threads."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def start(self, container_id: str, order: Order) -> str:
        return start.start(self._wire, container_id, order)

    def watch(self, container_id: str, command: Command, order: Order) -> int:
        return watch.watch(self._wire, container_id, command, order)

    def list(self, container_id: str) -> tuple[Execution, ...]:
        return listing.list_executions(self._wire, container_id)

    def count_running(self, container_ids: Iterable[str]) -> Mapping[str, int]:
        return listing.count_running(self._wire, container_ids)

    def show(self, execution_id: str) -> Execution:
        return listing.show_execution(self._wire, execution_id)

    def read(self, execution_id: str, offset: int, *, most: int, wait: float = 0.0) -> Iterator[Piece]:
        return reading.read(self._wire, execution_id, offset, most=most, wait=reading.Waiting(wait))

    def listen(
        self, execution_id: str, *, most: int, wait: float, silence: float | None = None
    ) -> tuple[tuple[Piece, ...], Execution]:
        return listen.listen(self._wire, execution_id, most, reading.Waiting(wait, silence))

    def signal(self, execution_id: str, name: str) -> None:
        control.signal(self._wire, execution_id, name)

    def feed(self, execution_id: str, data: bytes, *, end: bool = False) -> None:
        control.feed(self._wire, execution_id, data, end=end)

    def attached(self, execution_id: str, stdin: BinaryIO) -> AbstractContextManager[None]:
        return control.attached(self._wire, execution_id, stdin)

    def resize(self, execution_id: str, rows: int, columns: int) -> None:
        control.resize(self._wire, execution_id, rows, columns)

    def remove(self, execution_id: str) -> None:
        control.remove(self._wire, execution_id)
