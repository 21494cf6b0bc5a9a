"""`execution_stream_subscribe` and `execution_stream_status`: a cursor is an id and an offset, and lives nowhere."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nexusctl.api.connection import Engine
from nexusctl.api.everyday import executions
from nexusctl.errors import Diagnostic, InputError, NotFound
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.looks import id_of, name_of
from nexusctl.mcp.tools.execute import status_of
from nexusctl.model.values.frozen import dataclass

PREFIX = "stream_"
EXECUTION = "exec_"
MOST = 20_000


def subscribe(door: Door, call: Call) -> Answer:
    """A cursor on one execution, or on all of a sandbox."""
    engine = door.looks.engine()
    if "execution_id" in call.arguments:
        found = find_execution(door, engine, call["execution_id"])
        belong(found, call.get("sandbox_id"))
        return {
            "stream_id": PREFIX + found.id,
            "status": "active" if found.state == "running" else "ended",
            "sandbox_id": id_of(found.sandbox),
            "execution_ids": [found.id],
            "stream_type": call.get("stream_type", ""),
            "next_offset": 0,
        }
    if "sandbox_id" not in call.arguments:
        hint = "give one of them; `sandbox_list` shows the sandboxes"
        raise InputError(Diagnostic("neither `sandbox_id` nor `execution_id` is given", hint=hint))
    name, known = _find_all(door, engine, call["sandbox_id"])
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
    if "stream_id" not in call.arguments and "sandbox_id" not in call.arguments:
        hint = "give the cursor that `execution_stream_subscribe` gave, or a sandbox"
        raise InputError(Diagnostic("neither `stream_id` nor `sandbox_id` is given", hint=hint))
    stream = call.get("stream_id", PREFIX + id_of(name_of(call.get("sandbox_id", ""))))
    what = stream.removeprefix(PREFIX)
    if what.startswith(EXECUTION):
        known = [find_execution(door, engine, what)]
        belong(known[0], call.get("sandbox_id"))
    else:
        name, known = _find_all(door, engine, what, None if "stream_id" not in call.arguments else stream)
        if name_of(call.get("sandbox_id", name)) != name:
            hint = f"give `sandbox_id: {id_of(name)}`, or the stream alone"
            raise InputError(Diagnostic(f"`{stream[:60]}` is a stream of {id_of(name)}", hint=hint))
        stream = PREFIX + id_of(name)
    start = int(call.get("from", 0))
    return _answer(stream, _read(engine, known, start, int(call.get("max_bytes", MOST)), call.get("wait_s", 0)))


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


def belong(found: executions.Execution, sandbox_id: str | None) -> None:
    """Hold that an execution is of the sandbox that was named beside it. Raises `InputError`."""
    if sandbox_id is not None and name_of(sandbox_id) != found.sandbox:
        hint = f"ask for it with `sandbox_id: {id_of(found.sandbox)}`"
        raise InputError(Diagnostic(f"`{found.id}` is an execution of {id_of(found.sandbox)}", hint=hint))


def _find_all(
    door: Door, engine: Engine, sandbox_id: str, stream: str | None = None
) -> tuple[str, list[executions.Execution]]:
    """A sandbox's name with its executions. Raises `InputError` where there is none, of the `stream` that names it."""
    seen = door.look()
    if stream is not None and name_of(sandbox_id) not in seen.statuses:
        hint = "`execution_stream_subscribe` with a `sandbox_id` or an `execution_id` gives one"
        raise InputError(Diagnostic(f"there is no stream `{stream[:60]}`", hint=hint))
    name = seen.status(sandbox_id).name
    live = seen.container(name)
    return name, list(executions.listing(engine, [live]) if live else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What was read of executions: they as they are then, `data`, where it ends, and whether there is `more`.

    Those that are `behind` come after one that runs.
    """

    known: Sequence[executions.Execution]
    data: bytes
    end: int
    more: bool = False
    behind: Sequence[executions.Execution] = ()


def _read(engine: Engine, known: Sequence[executions.Execution], start: int, most: int, wait: float) -> _Part:
    """The output of all of `known`, one behind the other, from `start` on. Raises `InputError` past the end of it.

    The first that runs is waited for, and holds back all behind it: what it has still to say comes before them, and an
    offset means the same byte for ever.
    """
    deadline = time.monotonic() + wait
    data, at = b"", 0
    seen: list[executions.Execution] = []
    for number, one in enumerate(known):
        last = one.state == "running" or number == len(known) - 1
        offset = max(0, start - at)
        if not last and offset >= one.bytes:
            at += one.bytes
            seen.append(one)
            continue
        left = max(0.0, deadline - time.monotonic()) if last and not data else 0.0
        output = executions.read(engine, one.id, offset, max(4, most - len(data)), left)
        if offset > output.execution.bytes:
            raise _past_the_end(start, at + output.execution.bytes)
        data += b"".join(chunk for _, chunk in output.chunks)
        seen.append(output.execution)
        rest, end = known[number + 1 :], at + output.next_offset
        if len(data) >= most or output.next_offset < output.execution.bytes:
            return _Part(known=[*seen, *rest], data=data, end=end, more=True, behind=rest if last else ())
        if last:
            # Where it has ended meanwhile, those behind it are read with the next call.
            ended = output.execution.state != "running" and bool(rest)
            return _Part(known=[*seen, *rest], data=data, end=end, more=ended, behind=() if ended else rest)
        at += output.execution.bytes
    if start > at:
        raise _past_the_end(start, at)
    return _Part(known=seen, data=data, end=at)


def _past_the_end(start: int, end: int) -> InputError:
    hint = f"read on from `{end}`, or from `0` where the sandbox was replaced, as its executions go with it"
    return InputError(Diagnostic(f"nothing was printed at {start} yet: there are {end} bytes", hint=hint))


def _answer(stream: str, part: _Part) -> Answer:
    known = part.known
    runs = any(one.state == "running" for one in known)
    return {
        "stream_id": stream,
        "status": "running" if runs else "ended" if known else "idle",
        "next_offset": part.end,
        "data": part.data.decode(errors="replace"),
        "exit_code": known[-1].exit_code if len(known) == 1 else None,
        "executions": [
            {"execution_id": one.id, "status": status_of(one), "exit_code": one.exit_code, "bytes": one.bytes}
            for one in known
        ],
        "held_back": [one.id for one in part.behind],
        "truncated": part.more,
    }
