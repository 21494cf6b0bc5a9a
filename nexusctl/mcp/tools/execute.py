"""`sandbox_execute`: a command in a sandbox, which lives there whatever becomes of the caller."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from nexusctl.api.connection import Engine
from nexusctl.api.everyday import executions
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.looks import Seen, id_of
from nexusctl.mcp.text_values import as_text
from nexusctl.mcp.tools.times import utc
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.values.frozen import dataclass

WAIT = 20.0
"""Seconds that an answer waits for the end where nobody says how many."""

SILENCE = 0.4
"""Seconds after which a program that has said something, and says no more, goes on by itself: a server, mostly."""

MOST = 50_000
"""Bytes of output in an answer; clients cut what is much longer."""

LONGEST_ARGUMENT = 100_000
"""Bytes of code that fit on a command line."""

TIMED_OUT = 124
_KILLED = 137

_RUNNERS = {
    "shell": (("/bin/sh", "-c"), ("/bin/sh", "-s")),
    "javascript": (("node", "-e"), ("node", "-")),
    "python": (("python3", "-c"), ("python3", "-")),
}
"""By language: what runs code that is its last argument, and code that comes in."""

_WITHIN = 'if command -v timeout >/dev/null 2>&1; then exec timeout -k 5 "$0" "$@"; else exec "$@"; fi'
"""Ends a command after its time, also where nobody watches any more."""


def execute(door: Door, call: Call) -> Answer:
    """Run code in a sandbox, and answer when it has ended, or goes on by itself."""
    seen = door.look()
    live = running(seen, call["sandbox_id"])
    engine = door.looks.engine()
    begun = begin(
        engine,
        live,
        call["code"],
        call.get("language", "shell"),
        timeout=call.get("timeout", 60),
        env={name: as_text(value) for name, value in call.get("env_vars", {}).items()},
        working_dir=call.get("working_dir"),
        who=call.who,
        stack=seen.stack.name,
    )
    since, wait_s = time.monotonic(), call.get("wait_s")
    heard = wait_out(engine, listen(engine, begun.id, wait_s), wait_s, since)
    return describe_execution(heard, call.get("timeout", 60), output=call.get("capture_output", True))


def running(seen: Seen, sandbox_id: str) -> LiveSandbox:
    """The container of a sandbox that runs. Raises `InputError` where it does not."""
    name = seen.status(sandbox_id).name
    live = seen.container(name)
    if live is None or live.state != "running":
        state = live.state if live else "absent"
        hint = f"`sandbox_start` with `{id_of(name)}` starts it, then try again"
        raise InputError(Diagnostic(f"{id_of(name)} is {state}, so nothing can run in it", hint=hint))
    return live


def begin(
    engine: Engine,
    live: LiveSandbox,
    code: str,
    language: str,
    *,
    timeout: int,
    env: dict[str, str],
    working_dir: str | None,
    who: str,
    stack: str,
) -> executions.Execution:
    """Start `code` in a sandbox. Raises `NexusError` where it cannot be started at all."""
    if "\0" in code:
        raise InputError(
            Diagnostic("`code` has a NUL character in it", hint="upload it as a file with `encoding: base64`")
        )
    short, long = _RUNNERS[language]
    data = code.encode(errors="surrogatepass")
    fed = len(data) > LONGEST_ARGUMENT
    command = long if fed else (*short, code)
    argv = ("/bin/sh", "-c", _WITHIN, str(timeout), *command)
    found, _ = executions.start(
        engine, live, argv, env=env, working_dir=working_dir, who=who, stack=stack, stdin=fed, shown=_shown(command)
    )
    if fed:
        executions.feed(engine, found.id, data, end=True)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an execution has said so far, up to `next_offset`, and how it is."""

    chunks: tuple[tuple[str, bytes], ...]
    next_offset: int
    execution: executions.Execution


def listen(engine: Engine, execution_id: str, wait_s: float | None) -> Heard:
    """Wait until it has ended, or so many seconds; where nobody says how many, as long as it goes on saying things."""
    end = time.monotonic() + (WAIT if wait_s is None else wait_s)
    chunks: list[tuple[str, bytes]] = []
    offset, most = 0, MOST
    while True:
        left = max(0.0, end - time.monotonic())
        quiet = bool(chunks) and wait_s is None
        wait = min(left, SILENCE) if quiet else left
        output = executions.read(engine, execution_id, offset, most, wait)
        chunks += output.chunks
        silent = output.next_offset == offset
        offset, most = output.next_offset, most - sum(len(data) for _, data in output.chunks)
        if output.ended or most < 4 or left <= 0 or (quiet and silent):
            return Heard(chunks=tuple(chunks), next_offset=offset, execution=output.execution)


def wait_out(engine: Engine, heard: Heard, wait_s: float | None, begun: float) -> Heard:
    """`heard` with how the execution is at last, where it says more than an answer holds."""
    left = (WAIT if wait_s is None else wait_s) - (time.monotonic() - begun)
    if heard.execution.state != "running" or heard.next_offset >= heard.execution.bytes or left <= 0:
        return heard
    found = executions.wait(engine, heard.execution.id, left)
    return Heard(chunks=heard.chunks, next_offset=heard.next_offset, execution=found)


def describe_execution(heard: Heard, timeout: int, *, output: bool) -> dict[str, Any]:
    """An execution with the first of its output."""
    found = heard.execution
    streams = {"stdout": b"", "stderr": b""}
    for stream, data in heard.chunks if output else ():
        streams[stream] += data
    return {
        "execution_id": found.id,
        "status": status_of(found, timeout),
        **{stream: data.decode(errors="replace") for stream, data in streams.items()},
        "exit_code": found.exit_code,
        "started_at": utc(found.started),
        "ended_at": utc(found.ended),
        "next_offset": heard.next_offset if output else 0,
        "truncated": output and heard.next_offset < found.bytes,
    }


def status_of(found: executions.Execution, timeout: float | None = None) -> str:
    """How it is, in a word of the tool's."""
    if found.state == "exited":
        over = timeout is not None and found.ended is not None and found.ended - found.started >= timeout
        if over and found.exit_code in (TIMED_OUT, _KILLED):
            return "timeout"
        return "failed" if found.exit_code else "completed"
    return found.state


def _shown(command: Sequence[str]) -> tuple[str, ...]:
    return tuple(command)
