"""An execution begun: its supervisor is started, and says so once everything is written down."""

from __future__ import annotations

from contextlib import suppress
from threading import Event

from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.frames import split_frames
from nexusctl.engine.docker.exec.calls import SHELLS, create_exec, start_timer, wait_for_exit_code
from nexusctl.engine.docker.exec.end_processes import signal_marked
from nexusctl.engine.docker.exec.exec import CHANGE_TIMEOUT, LATE, run
from nexusctl.engine.docker.exec.exec import ROOT as ROOT_USER
from nexusctl.engine.docker.executions.entry import write_meta
from nexusctl.engine.docker.executions.supervisor import NO_COMMAND, READY, REFUSED, ROOT, SHARED_MEMORY, SUPERVISOR
from nexusctl.engine.docker.executions.terminal import TOOLS, wrap
from nexusctl.errors import Conflict, Diagnostic, EngineError, NotFound, StepError
from nexusctl.model.observed.execution import Order

PATIENCE = 60.0
"""Seconds that a sandbox has to write down what it is to run."""

# Whoever a command runs as may then keep its own there.
_PREPARE = 'mkdir -p "$1" && mkdir -p "$1/executions" "$1/output" && chmod 1777 "$1/executions" "$1/output"'

_NO_FOLDER = "folder"


def start(wire: Wire, container_id: str, order: Order) -> str:
    """See `engine/executions.py`."""
    tool = _choose_tool(wire, container_id, order) if order.tty else ""
    said = _try(wire, container_id, order, ROOT, tool)
    if said == _NO_FOLDER and _prepare(wire, container_id):
        said = _try(wire, container_id, order, ROOT, tool)
    if said == READY:
        return ""
    if said == _NO_FOLDER and _try(wire, container_id, order, SHARED_MEMORY, tool) == READY:
        return f"its root cannot be written, so the log lies in {SHARED_MEMORY} and goes when it stops"
    if said == "shell" and order.working_dir and _lacks(wire, container_id, order.working_dir, order.user):
        raise StepError(
            Diagnostic(
                f"nothing was started: the sandbox has no folder {order.working_dir[:200]} that its user may enter",
                hint="make it first, or name another one",
            )
        )
    raise StepError(_explain(said))


def _lacks(wire: Wire, container_id: str, folder: str, user: str | None) -> bool:
    """The engine says no more of a folder that is not there than of a shell that is not."""
    said = _ask(wire, container_id, 'cd "$1"', user, folder)
    return said is not None and said.exit_code != 0


def _explain(said: str) -> Diagnostic:
    what = "nothing was started: the sandbox"
    if said == _NO_FOLDER:
        return Diagnostic(f"{what} has no folder that its user may write", hint="make /var/lib or /dev/shm writable")
    if said == "silent":
        hint = f"it had {PATIENCE:g} s; see whether its /bin/sh and mkdir work, and how busy it is"
        return Diagnostic(f"{what} does not say that it keeps a log", hint=hint)
    if said == "space":
        return Diagnostic(f"{what} has no space left for a log", hint="make space in it, then try again")
    if said.startswith("tool "):
        return Diagnostic(f"{what} has no `{said[5:][:20]}`", hint="an image with coreutils or busybox has it")
    if said == "shell":
        hint = "without --detach a command needs none"
        return Diagnostic(f"{what} has no shell, which keeps the log of a command", hint=hint)
    return Diagnostic(f"{what} did not say that it keeps a log", hint="without --detach it needs none")


def _choose_tool(wire: Wire, container_id: str, order: Order) -> str:
    said = _ask(wire, container_id, TOOLS, order.user)
    if said is None:
        raise StepError(_explain("shell"))
    if said.exit_code or not (tool := said.output.strip()):
        raise StepError(
            Diagnostic(
                "nothing was started: the sandbox has no tool that gives a command a terminal",
                hint="install `script` of util-linux, or python3, with `stty`; without -t it needs none",
            )
        )
    return tool


def _prepare(wire: Wire, container_id: str) -> bool:
    said = _ask(wire, container_id, _PREPARE, ROOT_USER, ROOT)
    return said is not None and said.exit_code == 0


def _ask(wire: Wire, container_id: str, script: str, user: str | None, *words: str) -> Outcome | None:
    """What `script` says in the first shell that there is; None where there is none."""
    for shell in SHELLS:
        try:
            outcome = run(
                wire,
                container_id,
                (*shell, "-c", script, "nexusctl", *words),
                user=user,
                working_dir="/",
                timeout=CHANGE_TIMEOUT,
            )
        except EngineError as error:
            if error.status != 400:
                raise
            continue
        if outcome.exit_code not in NO_COMMAND:
            return outcome
    return None


def _try(wire: Wire, container_id: str, order: Order, root: str, tool: str) -> str:
    """What the supervisor says of its start: that it is ready, or what it lacks."""
    mode = "fed" if order.fed else "apart"
    for shell in SHELLS:
        argv = wrap(order.argv, tool, shell, f"{root}/executions/{order.id}") if tool else order.argv
        words = (root, order.id, write_meta(order), mode, *argv)
        exec_id = create_exec(
            wire,
            container_id,
            (*shell, "-c", SUPERVISOR, "nexusctl", *words),
            env=order.env,
            user=order.user,
            cwd=order.working_dir,
        )
        try:
            said = _listen(wire, exec_id)
        except _Silent:
            with suppress(EngineError):
                signal_marked(wire, container_id, order.id, order.user, exec_id=exec_id)
            raise StepError(_explain("silent")) from None
        except (NotFound, Conflict):
            raise
        except EngineError as error:
            if error.status != 400:
                raise
            continue
        if said == READY:
            return READY
        if said.startswith(REFUSED):
            return said.removeprefix(REFUSED).strip()
        if wait_for_exit_code(wire, exec_id) not in NO_COMMAND:
            return ""
    return "shell"


class _Silent(Exception):
    """A supervisor has said nothing while it could have said something."""


def _listen(wire: Wire, exec_id: str) -> str:
    """Its first line. Whoever hears it may go: it needs nobody's ear from then on. Raises `_Silent`, `EngineError`."""
    heard, late = b"", Event()
    start = b'{"Detach":false,"Tty":false}'
    with wire.open("POST", f"/exec/{exec_id}/start", data=start, timeout=PATIENCE + LATE) as answer:

        def give_up() -> None:
            late.set()
            answer.cut()

        timer = start_timer(PATIENCE, give_up)
        try:
            for chunk in split_frames(answer.read):
                heard += chunk.data if chunk.stream == "stdout" else b""
                if b"\n" in heard or len(heard) > 1000:
                    break
        finally:
            timer.cancel()
    if late.is_set() and not heard:
        raise _Silent
    return heard.partition(b"\n")[0].decode(errors="replace").strip()
