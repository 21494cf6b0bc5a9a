"""What is done to an execution that is there: signals, input, removal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.engine.docker.exec.calls import SHELLS, create_exec
from nexusctl.engine.docker.exec.end_processes import signal_marked
from nexusctl.engine.docker.exec.exec import LOOK_TIMEOUT, run
from nexusctl.engine.docker.exec.pump import CHUNK, pumped
from nexusctl.engine.docker.executions.find import ROOTS, find_container
from nexusctl.engine.docker.executions.listing import show_execution
from nexusctl.engine.docker.executions.supervisor import NO_COMMAND
from nexusctl.engine.docker.executions.terminal import RESIZE
from nexusctl.errors import Conflict, EngineError
from nexusctl.model.observed.execution import Execution

# The supervisor holds the input open, whoever comes and goes; so this ends with whoever sends, and the input does not.
_FEED = """
id=$1; shift
for root do here=$root/executions/$id; if [ -d "$here" ]; then break; fi; done
if [ ! -p "$here/in" ] || [ -h "$here/in" ]; then exit 1; fi
exec cat 1<>"$here/in"
"""

_CLOSE = """
id=$1; shift
for root do here=$root/executions/$id; if [ -d "$here" ]; then break; fi; done
if [ ! -p "$here/close" ] || [ -h "$here/close" ]; then exit 1; fi
echo 1<>"$here/close"
"""

_REMOVE = """
id=$1; shift
for root do rm -rf "$root/output/$id" "$root/executions/$id" || exit 1; done
"""


def require_running(wire: Wire, execution_id: str) -> Execution:
    """Raises `NotFound`, and `Conflict` where it has ended."""
    found = show_execution(wire, execution_id)
    if found.state != "running":
        how = f"with {found.exit_code}" if found.exit_code is not None else f"({found.state})"
        hint = f"`nexusctl logs --execution {execution_id}` shows what it printed"
        raise Conflict(f"{execution_id} has ended {how}", status=409, hint=hint)
    return found


def _require_fed(wire: Wire, execution_id: str) -> Execution:
    found = require_running(wire, execution_id)
    if not found.fed:
        hint = "one that was started with `exec --detach -i` does"
        raise Conflict(f"{execution_id} reads no input", status=409, hint=hint)
    return found


def signal(wire: Wire, execution_id: str, name: str) -> None:
    """See `engine/executions.py`."""
    found = require_running(wire, execution_id)
    signal_marked(wire, found.container_id, execution_id, found.user, signal=name)


def feed(wire: Wire, execution_id: str, data: bytes, *, end: bool) -> None:
    """See `engine/executions.py`."""
    found = _require_fed(wire, execution_id)
    if data:
        _run(wire, found, _FEED, data)
    if end:
        _run(wire, found, _CLOSE)


@contextmanager
def attached(wire: Wire, execution_id: str, stdin: BinaryIO) -> Iterator[None]:
    """See `engine/executions.py`."""
    found = _require_fed(wire, execution_id)

    with _open(wire, found) as answer:

        def close() -> None:
            # It may have ended at the same time. What was sent is there once that which brings it has ended.
            with contextlib.suppress(EngineError):
                while answer.read_some(CHUNK):
                    pass
                _run(wire, found, _CLOSE)

        with pumped(stdin, answer, close):
            yield


def resize(wire: Wire, execution_id: str, rows: int, columns: int) -> None:
    """See `engine/executions.py`."""
    _run(wire, require_running(wire, execution_id), RESIZE, words=(str(rows), str(columns)))


def remove(wire: Wire, execution_id: str) -> None:
    """See `engine/executions.py`."""
    found = show_execution(wire, execution_id)
    if found.state == "running":
        hint = f"`nexusctl signal {execution_id} TERM` asks it to end"
        raise Conflict(f"{execution_id} runs", status=409, hint=hint)
    if not find_container(wire, execution_id).running:
        hint = "start it, or leave it: what a sandbox keeps of its executions goes with it"
        raise Conflict(f"sandbox {found.sandbox} does not run, so nothing can be removed in it", status=409, hint=hint)
    _run(wire, found, _REMOVE)


def _words(found: Execution, shell: Sequence[str], script: str, words: Sequence[str] = ()) -> tuple[str, ...]:
    return (*shell, "-c", script, "nexusctl", found.id, *words, *ROOTS)


def _run(wire: Wire, found: Execution, script: str, data: bytes | None = None, words: Sequence[str] = ()) -> None:
    for shell in SHELLS:
        try:
            outcome = run(
                wire,
                found.container_id,
                _words(found, shell, script, words),
                user=found.user,
                working_dir="/",
                timeout=LOOK_TIMEOUT,
                stdin=data,
            )
        except EngineError as error:
            if error.status != 400:
                raise
            continue
        if outcome.exit_code in NO_COMMAND:
            continue
        if outcome.exit_code:
            last = outcome.output.strip().rpartition("\n")[2][:200]
            raise EngineError(f"{found.id} cannot be reached in its sandbox: {last or outcome.exit_code}")
        return
    raise EngineError(f"{found.id} cannot be reached: its sandbox has lost its shell")


def _open(wire: Wire, found: Execution) -> Answer:
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
    start = b'{"Detach":false,"Tty":false}'
    for shell in SHELLS:
        words = _words(found, shell, _FEED)
        exec_id = create_exec(wire, found.container_id, words, env={}, user=found.user, cwd="/", stdin=True)
        try:
            return wire.open("POST", f"/exec/{exec_id}/start", data=start, headers=headers, timeout=FOREVER)
        except EngineError as error:
            if error.status != 400:
                raise
    raise EngineError(f"{found.id} cannot be reached: its sandbox has lost its shell")
