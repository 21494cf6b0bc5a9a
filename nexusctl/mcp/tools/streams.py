"""`execution_stream_subscribe` and `execution_stream_status`: a cursor is an id and an offset, and lives nowhere."""

from __future__ import annotations

import time
from typing import Any

from nexusctl.api.connection import Engine
from nexusctl.api.everyday import executions
from nexusctl.errors import Diagnostic, InputError, NotFound
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.looks import id_of
from nexusctl.mcp.tools.execute import status_of

PREFIX = "stream_"
MOST = 20_000


def subscribe(door: Door, call: Call) -> Answer:
    """A cursor on one execution, or on the newest of a sandbox."""
    engine = door.looks.engine()
    if "execution_id" in call.arguments:
        found = find_execution(door, engine, call["execution_id"])
        ended = found.state != "running"
        return {
            "stream_id": PREFIX + found.id,
            "status": "ended" if ended else "active",
            "sandbox_id": id_of(found.sandbox),
            "execution_ids": [found.id],
            "stream_type": call.get("stream_type", ""),
            "next_offset": 0,
        }
    if "sandbox_id" not in call.arguments:
        hint = "give one of them; `sandbox_list` shows the sandboxes"
        raise InputError(Diagnostic("neither `sandbox_id` nor `execution_id` is given", hint=hint))
    seen = door.look()
    name = seen.status(call["sandbox_id"]).name
    live = seen.container(name)
    known = executions.listing(engine, [live]) if live else ()
    return {
        "stream_id": PREFIX + id_of(name),
        "status": "active",
        "sandbox_id": id_of(name),
        "execution_ids": [one.id for one in known],
        "stream_type": call.get("stream_type", ""),
        "next_offset": 0,
    }


def read_on(door: Door, call: Call) -> Answer:
    """What was printed from an offset on; waits for more where there is nothing yet."""
    engine = door.looks.engine()
    stream = call.get("stream_id") or (
        id_of(call["sandbox_id"].removeprefix("sb_")) if call.get("sandbox_id") else None
    )
    if stream is None:
        hint = "give the cursor that `execution_stream_subscribe` gave, or a sandbox"
        raise InputError(Diagnostic("neither `stream_id` nor `sandbox_id` is given", hint=hint))
    what = stream.removeprefix(PREFIX)
    start, most, wait = int(call.get("from", 0)), int(call.get("max_bytes", MOST)), call.get("wait_s", 0)
    if what.startswith("exec_"):
        found = find_execution(door, engine, what)
        return _answer(stream, *_read(engine, [found], start, most, wait))
    seen = door.look()
    live = seen.container(seen.status(what).name)
    known = executions.listing(engine, [live]) if live else ()
    return _answer(PREFIX + what, *_read(engine, known, start, most, wait))


def find_execution(door: Door, engine: Engine, execution_id: str) -> executions.Execution:
    """The execution of this stack with that id. Raises `InputError` for any other."""
    try:
        found = executions.show(engine, execution_id)
    except NotFound:
        found = None
    seen = door.look()
    if found is None or not any(live.id == found.container_id for live in seen.live.sandboxes):
        hint = "take an id that `sandbox_execute` gave, while its sandbox is there"
        raise InputError(Diagnostic(f"there is no execution `{execution_id[:60]}`", hint=hint))
    return found


def _read(
    engine: Engine, known: Any, start: int, most: int, wait: float
) -> tuple[list[executions.Execution], bytes, int, bool]:
    """The output of all of `known`, one behind the other, from `start` on: what of it, where it ends, whether to go on.

    The last may grow; only that one is waited for.
    """
    deadline = time.monotonic() + wait
    data, at = b"", 0
    seen: list[executions.Execution] = []
    for number, one in enumerate(known):
        last = number == len(known) - 1
        offset = max(0, start - at)
        if not last and offset >= one.bytes:
            at += one.bytes
            seen.append(one)
            continue
        left = max(0.0, deadline - time.monotonic()) if last and not data else 0.0
        output = executions.read(engine, one.id, offset, max(4, most - len(data)), left)
        data += b"".join(chunk for _, chunk in output.chunks)
        seen.append(output.execution)
        if len(data) >= most or output.next_offset < output.execution.bytes:
            return [*seen, *known[number + 1 :]], data, at + output.next_offset, True
        at += output.execution.bytes if not last else output.next_offset
    return seen, data, max(at, start), False


def _answer(stream: str, known: list[executions.Execution], data: bytes, end: int, more: bool) -> Answer:
    runs = any(one.state == "running" for one in known)
    return {
        "stream_id": stream,
        "status": "running" if runs else "ended" if known else "idle",
        "next_offset": end,
        "data": data.decode(errors="replace"),
        "exit_code": known[-1].exit_code if len(known) == 1 else None,
        "executions": [
            {"execution_id": one.id, "status": status_of(one), "exit_code": one.exit_code, "bytes": one.bytes}
            for one in known
        ],
        "truncated": more,
    }
