"""`sandbox_execute`: a command in a sandbox, which lives there whatever becomes of the caller."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nexusctl.api.connection import Engine
from nexusctl.api.everyday import executions
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.looks import Seen, id_of
from nexusctl.mcp.text_values import as_text
from nexusctl.mcp.tools.times import utc
from nexusctl.model.observed.live import LiveSandbox

WAIT = 20.0
"""Seconds that an answer waits for the end where nobody says how many."""

SILENCE = 0.3
"""Seconds after which a server that says no more goes on by itself; for whatever else the whole time is waited."""

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
    heard = listen(engine, begun.id, call.get("wait_s"))
    if heard.execution.state not in ("running", "exited"):
        # It may have gone with its sandbox.
        door.looks.tell(time.monotonic())
    return describe_execution(heard, output=call.get("capture_output", True))


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
        engine, live, argv, env=env, working_dir=working_dir, who=who, stack=stack, stdin=fed, shown=_shown(command),
        timeout=timeout,
    )  # fmt: skip
    if fed:
        executions.feed(engine, found.id, data, end=True)
    return found


def listen(engine: Engine, execution_id: str, wait_s: float | None) -> executions.ExecutionOutput:
    """Wait until it has ended, or so many seconds; where nobody says how many, no longer than until it serves."""
    begun = time.monotonic()
    wait = WAIT if wait_s is None else wait_s
    heard = executions.listen(engine, execution_id, MOST, wait, SILENCE if wait_s is None else None)
    left = wait - (time.monotonic() - begun)
    if heard.execution.state != "running" or heard.next_offset >= heard.execution.bytes or left <= 0:
        return heard
    # It says more than an answer holds, and may end all the same.
    return replace(heard, execution=executions.wait(engine, execution_id, left))


def describe_execution(heard: executions.ExecutionOutput, *, output: bool) -> dict[str, Any]:
    """An execution with the first of its output."""
    found = heard.execution
    streams = {"stdout": b"", "stderr": b""}
    for stream, data in heard.chunks if output else ():
        streams[stream] += data
    return {
        "execution_id": found.id,
        "status": status_of(found),
        **{stream: data.decode(errors="replace") for stream, data in streams.items()},
        "exit_code": found.exit_code,
        "started_at": utc(found.started),
        "ended_at": utc(found.ended),
        "next_offset": heard.next_offset if output else 0,
        "truncated": output and heard.next_offset < found.bytes,
    }


def status_of(found: executions.Execution) -> str:
    """How it is, in a word of the tool's."""
    if found.state == "exited":
        over = found.timeout is not None and found.ended is not None and found.ended - found.started >= found.timeout
        if over and found.exit_code in (TIMED_OUT, _KILLED):
            return "timeout"
        return "failed" if found.exit_code else "completed"
    return found.state


def _shown(command: Sequence[str]) -> tuple[str, ...]:
    return tuple(command)
