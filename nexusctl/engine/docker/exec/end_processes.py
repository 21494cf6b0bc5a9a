"""Ends what an exec runs: the API cannot, so another exec does it, and this machine where the engine is on it."""

from __future__ import annotations

import contextlib
import os
import signal as signals
from collections.abc import Iterator, Sequence
from pathlib import Path

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.calls import MARK, SHELLS, create_exec, drain, wait_for_exit_code
from nexusctl.errors import EngineError

PATIENCE = 10.0
"""Seconds that a shell inside has for its work, unless the sandbox is broken."""

# Builtins only, for the image may have a shell and nothing else. The first process of an exec begins a session, by
# which those are found that gave their environment away. All are halted before the first one is killed, so that none
# starts another or remarks on the end of another. Of any other signal those hear first that began first: a shell is not
# told of the end of its children before it ends itself.
_SIGNAL = """
mark=$1 signal=$2 sessions=" "
session_of() {
  line=; IFS= read -r line <"$1/stat" || return 1
  line=${line##*) }; set -- $line; session=$4
}
marked() {
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in *"$mark"*) return 0;; esac
  done <"$1/environ"
  return 1
}
for folder in /proc/[0-9]*; do
  if marked "$folder" && session_of "$folder"; then sessions="$sessions$session "; fi
done 2>/dev/null
pids= n="/proc/[0-9]" d="[0-9]"
# It passes them on to its command, which would hear them twice.
case $signal in TERM|INT|HUP|QUIT|ALRM) spared=timeout;; *) spared=;; esac
for folder in $n $n$d $n$d$d $n$d$d$d $n$d$d$d$d $n$d$d$d$d$d $n$d$d$d$d$d$d; do
  session_of "$folder" || continue
  case $session in 0|1) marked "$folder" || continue;; esac
  name=; read -r name <"$folder/comm" || :
  if [ "$name" = "$spared" ]; then continue; fi
  case $sessions in *" $session "*) pids="$pids ${folder#/proc/}";; esac
done 2>/dev/null
if [ -n "$pids" ]; then
  if [ "$signal" = KILL ]; then kill -STOP $pids; fi
  kill "-$signal" $pids
fi 2>/dev/null
exit 0
"""


def signal_marked(
    wire: Wire,
    container_id: str,
    mark: str,
    user: str | None,
    *,
    signal: str = "KILL",
    variable: str = MARK,
    exec_id: str = "",
) -> None:
    """Send `signal` to every process that bears `mark` in `variable`, and to all of their sessions.

    It is done as the same user, because only that one may read the environment of those processes. With `exec_id` what
    that one began is found without its mark too, where the engine is on this machine. Raises `EngineError`.
    """
    words = ("-c", _SIGNAL, "kill", f"{variable}={mark}", signal)
    reached = False
    try:
        reached = any(_ask(wire, container_id, (*shell, *words), user) for shell in SHELLS)
    finally:
        # A program may count how often it is asked to end; to be killed twice makes no difference.
        if signal == "KILL" or not reached:
            _signal_from_here(wire, container_id, f"{variable}={mark}", signal, exec_id)


def _ask(wire: Wire, container_id: str, command: Sequence[str], user: str | None) -> bool:
    """Whether `command` could be run; some engines refuse a program that is not there, others give its exit code."""
    exec_id = create_exec(wire, container_id, command, env={}, user=user, cwd="/")
    start = b'{"Detach":false,"Tty":false}'
    try:
        with wire.open("POST", f"/exec/{exec_id}/start", data=start, timeout=PATIENCE) as answer:
            ended = drain(answer, PATIENCE)
    except EngineError as error:
        if error.status != 400:
            raise
        return False
    if not ended:
        # Another shell would be as slow, and the engine knows of no end either.
        _signal_from_here(wire, container_id, f"{MARK}={exec_id}", "KILL", exec_id)
        raise EngineError(f"the shell of the sandbox has not answered within {PATIENCE:g} s")
    return wait_for_exit_code(wire, exec_id) == 0


def _signal_from_here(wire: Wire, container_id: str, mark: str, signal: str, exec_id: str) -> None:
    """Reach what no shell of the sandbox has reached, as far as this user may."""
    found = {pid: _read_session(pid) for pid in _find_processes(container_id)}
    if not found:
        return
    begun = {found.get(pid) for pid in found if _bears(pid, mark)}
    with contextlib.suppress(EngineError):
        first = wire.get(f"/exec/{exec_id}/json")["Pid"] if exec_id else 0
        begun.add(found.get(first))
    main = _read_session(wire.get(f"/containers/{container_id}/json")["State"]["Pid"])
    for pid, session in found.items():
        if session and session in begun - {main, None}:
            with contextlib.suppress(OSError):
                os.kill(pid, signals.Signals[f"SIG{signal}"])


def _find_processes(container_id: str) -> Iterator[int]:
    """Those of the container, where it runs on this machine: its id stands in the names of their control groups."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if container_id in (folder / "cgroup").read_text():
                yield int(folder.name)


def _read_session(pid: int) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[3])
    return None


def _bears(pid: int, mark: str) -> bool:
    with contextlib.suppress(OSError):
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False
