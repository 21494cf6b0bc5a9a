"""An execution that is watched to its end by whoever started it: its streams are those of the engine's exec."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO, cast

from nexusctl.engine.command import Command
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.calls import SHELLS
from nexusctl.engine.docker.exec.streams import execute
from nexusctl.engine.docker.executions.entry import write_meta
from nexusctl.engine.docker.executions.find import ROOTS
from nexusctl.engine.docker.executions.supervisor import NO_COMMAND, SUPERVISOR
from nexusctl.errors import EngineError
from nexusctl.model.observed.execution import Order

_REFUSAL = b"OCI runtime exec failed"


def watch(wire: Wire, container_id: str, command: Command, order: Order) -> int:
    """Run `command` as `order`; returns what `streams.execute` does, which says what it raises."""
    mode = "terminal" if command.tty else "watched"
    words = (" ".join(ROOTS), order.id, write_meta(order), mode, *command.argv)
    argv = (*SHELLS[0], "-c", SUPERVISOR, "nexusctl", *words)
    held = _HeldBack(command.stdout)
    supervised = replace(command, argv=argv, stdout=cast(BinaryIO, held))
    try:
        code = execute(wire, container_id, supervised, execution_id=order.id)
    except EngineError as error:
        if error.status != 400:
            raise
        return execute(wire, container_id, command)
    if held.refusal and code in NO_COMMAND:
        # Without a shell it runs all the same, and nobody finds it again.
        return execute(wire, container_id, command)
    held.let_go()
    return code


class _HeldBack:
    """Keeps back what may be the engine's word that there is no such shell, which some say in a command's output."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._written = False
        self.refusal = b""

    def write(self, data: bytes) -> int:
        if not self._written and not self.refusal and data.startswith(_REFUSAL):
            self.refusal = bytes(data)
        else:
            self.let_go()
            self._written = True
            self._stream.write(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def let_go(self) -> None:
        held, self.refusal = self.refusal, b""
        if held:
            self._stream.write(held)
            self._stream.flush()
