"""The port of executions: commands that live in their sandbox, whoever started them, and are found there again.

As in `engine/base.py` every method blocks and raises only `EngineError` and its children: `NotFound` for an execution
or a sandbox that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from nexusctl.engine.command import Command
from nexusctl.model.observed.execution import Execution, Order, Piece

FOLDER = "/var/lib/nexusctl"
"""Where a sandbox keeps its executions: of all that is in it, this was written by nobody who uses it."""


class Executions(Protocol):
    def start(self, container_id: str, order: Order) -> str:
        """Start it in a running container, and return when it is written down there and runs on by itself.

        What is returned says where its log is kept otherwise than usual, and is empty else. Raises `StepError` where
        the sandbox has no shell, or none of what a log or a terminal asks for.
        """

    def watch(self, container_id: str, command: Command, order: Order) -> int:
        """As `Engine.execute`, and an execution where the sandbox can keep one; `order` says what is written down.

        It survives whoever watches it. What it prints on a terminal is not kept.
        """

    def list(self, container_id: str) -> tuple[Execution, ...]:
        """Those of one container in any state, the oldest first."""

    def count_running(self, container_ids: Iterable[str]) -> Mapping[str, int]:
        """How many run in each of these containers, without those in which none does, or that are gone."""

    def show(self, execution_id: str) -> Execution: ...

    def read(self, execution_id: str, offset: int, *, most: int, wait: float = 0.0) -> Iterator[Piece]:
        """Its log from `offset` on, at most `most` bytes of it, as far as it goes now.

        With `wait` also what comes in so many seconds; it ends sooner where the execution does.
        """

    def listen(
        self, execution_id: str, *, most: int, wait: float, silence: float | None = None
    ) -> tuple[tuple[Piece, ...], Execution]:
        """At most `most` bytes of its log from the begin on, with what comes in `wait` seconds, and how it is then.

        It returns sooner where the execution ends, and where it serves: somebody in its sandbox listens for connections
        since it began, and it says nothing more for `silence` seconds, or nothing at all for ten times as long.
        """

    def signal(self, execution_id: str, name: str) -> None:
        """Send `name`, without SIG, to all that it has started. Raises `Conflict` where it has ended."""

    def feed(self, execution_id: str, data: bytes, *, end: bool = False) -> None:
        """Send it `data`, and with `end` that nothing more comes. Raises `Conflict` where it reads nothing."""

    def attached(self, execution_id: str, stdin: BinaryIO) -> AbstractContextManager[None]:
        """While inside, send it what comes on `stdin`, and that nothing more comes once that ends; see `feed`."""

    def resize(self, execution_id: str, rows: int, columns: int) -> None:
        """Give its terminal this size; one without a terminal has none. Raises `Conflict` where it has ended."""

    def remove(self, execution_id: str) -> None:
        """Remove what is known of it, with its log. Raises `Conflict` where it runs."""
