"""Commands that live in their sandbox: what each prints and how it ends is what a test says, all of it at once.

One whose answer has timed out, or that reads an input, goes on until somebody ends it.
"""

from __future__ import annotations

import contextlib
import signal as signals
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

from nexusctl.engine.command import Command
from nexusctl.engine.memory.world import ENDED_WITH_ITS_SANDBOX, MemoryExecution, World
from nexusctl.errors import Conflict, NotFound
from nexusctl.model.observed.execution import CONTAINER_DIGITS, ID, Execution, Order, Piece

_BEGIN = len("exec_")
_CODES = {"KILL": 137, "TERM": 143, "INT": 130, "HUP": 129, "QUIT": 131, "USR1": 138, "USR2": 140, "ALRM": 142}


class MemoryExecutions:
    def __init__(self, world: World) -> None:
        self._world = world

    def start(self, container_id: str, order: Order) -> str:
        self._world.note("start_execution", container_id)
        with self._world.mutex:
            found = self._world.get(container_id)
            if found.state != "running":
                raise Conflict(f"Container {container_id} is not running", status=409)
            outcome = self._world.answer(found.sandbox, order.argv)
            code = None if outcome.timed_out or order.fed else outcome.exit_code
            log = outcome.output.encode()
            found.executions[order.id] = MemoryExecution(order=order, log=log, exit_code=code)
        return ""

    def watch(self, container_id: str, command: Command, order: Order) -> int:
        self.start(container_id, order)
        with self._world.mutex:
            made = self._world.get(container_id).executions[order.id]
        command.stdout.write(made.log)
        return made.exit_code or 0

    def list(self, container_id: str) -> tuple[Execution, ...]:
        with self._world.mutex:
            made = self._world.get(container_id).executions.values()
            return tuple(self._tell(container_id, one) for one in made)

    def count_running(self, container_ids: Iterable[str]) -> Mapping[str, int]:
        with self._world.mutex:
            known = [name for name in container_ids if name in self._world.containers]
            found = {name: sum(one.state == "running" for one in self.list(name)) for name in known}
        return {name: count for name, count in found.items() if count}

    def show(self, execution_id: str) -> Execution:
        with self._world.mutex:
            return self._tell(*self._find(execution_id))

    def read(self, execution_id: str, offset: int, *, most: int, wait: float = 0.0) -> Iterator[Piece]:
        with self._world.mutex:
            data = self._find(execution_id)[1].log[offset : offset + most]
        return iter([Piece(offset=offset, stream="stdout", data=data)] if data else [])

    def listen(
        self, execution_id: str, *, most: int, wait: float, silence: float | None = None
    ) -> tuple[tuple[Piece, ...], Execution]:
        return tuple(self.read(execution_id, 0, most=most)), self.show(execution_id)

    def signal(self, execution_id: str, name: str) -> None:
        self._world.note(f"signal_execution {name}", execution_id)
        with self._world.mutex:
            found = self._find_running(execution_id)
            found.exit_code = _CODES.get(name)

    def feed(self, execution_id: str, data: bytes, *, end: bool = False) -> None:
        """Whatever reads says what it reads, as `cat` does."""
        self._world.note("feed_execution", execution_id)
        with self._world.mutex:
            found = self._find_fed(execution_id)
            found.log += data
            if end:
                found.exit_code = 0

    @contextmanager
    def attached(self, execution_id: str, stdin: BinaryIO) -> Iterator[None]:
        with self._world.mutex:
            self._find_fed(execution_id)
        self.feed(execution_id, stdin.read(), end=True)
        yield

    def resize(self, execution_id: str, rows: int, columns: int) -> None:
        self._world.note(f"resize_execution {rows}x{columns}", execution_id)
        with self._world.mutex:
            self._find_running(execution_id)

    def remove(self, execution_id: str) -> None:
        self._world.note("remove_execution", execution_id)
        with self._world.mutex:
            container_id, found = self._find(execution_id)
            if found.exit_code is None:
                raise Conflict(f"{execution_id} runs", status=409)
            if self._world.get(container_id).state != "running":
                raise Conflict("its sandbox does not run, so nothing can be removed in it", status=409)
            del self._world.get(container_id).executions[execution_id]

    def _find(self, execution_id: str) -> tuple[str, MemoryExecution]:
        if not ID.match(execution_id):
            raise NotFound(f"{execution_id!r} is no id of an execution", status=404)
        begin = execution_id[_BEGIN : _BEGIN + CONTAINER_DIGITS]
        for container_id, container in self._world.containers.items():
            if container_id.startswith(begin) and execution_id in container.executions:
                return container_id, container.executions[execution_id]
        raise NotFound(f"there is no execution {execution_id}", status=404)

    def _find_running(self, execution_id: str) -> MemoryExecution:
        _, found = self._find(execution_id)
        if found.exit_code is not None:
            raise Conflict(f"{execution_id} has ended", status=409)
        return found

    def _find_fed(self, execution_id: str) -> MemoryExecution:
        found = self._find_running(execution_id)
        if not found.order.fed:
            raise Conflict(f"{execution_id} reads no input", status=409)
        return found

    def _tell(self, container_id: str, made: MemoryExecution) -> Execution:
        container, order = self._world.get(container_id), made.order
        told = Execution(
            id=order.id,
            container_id=container_id,
            stack=container.stack,
            sandbox=container.sandbox.name,
            command=order.command,
            who=order.who,
            started=order.started,
            state="running",
            bytes=len(made.log),
            fed=order.fed,
            tty=order.tty,
            user=order.user,
            timeout=order.timeout,
        )
        code = made.exit_code
        if code is None:
            return told
        if code == ENDED_WITH_ITS_SANDBOX:
            return replace(told, state="killed", signal="KILL", ended=order.started)
        signal = ""
        if code > 128:
            with contextlib.suppress(ValueError):
                signal = signals.Signals(code - 128).name.removeprefix("SIG")
        return replace(told, state="killed" if signal else "exited", exit_code=code, signal=signal, ended=order.started)
