"""`sandbox_logs`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from nexusctl.api.connection import Engine
from nexusctl.api.everyday import executions
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.looks import id_of
from nexusctl.mcp.tools.streams import belong, find_execution
from nexusctl.mcp.tools.times import moment

MOST = 60_000
"""Characters of an answer; clients cut what is much longer."""

_BEHIND = 256 * 1024
"""Bytes at the end of an execution's log that are looked at for its last lines."""

MAIN = "main"
Line = dict[str, Any]


def logs(door: Door, call: Call) -> Answer:
    """The last lines of a sandbox's main program, then of each execution, the oldest first; or of one execution."""
    seen = door.look()
    name = seen.status(call["sandbox_id"]).name
    live = seen.container(name)
    wanted, since = call.get("lines", 100), _since(call.get("from"))
    engine = door.looks.engine()
    found: list[Line] = []
    if "execution_id" in call.arguments:
        one = find_execution(door, engine, call["execution_id"])
        belong(one, name)
        found = _of_execution(engine, one, since)
    elif live and live.state != "created":
        # One more than is asked for tells whether there are more.
        chunks = engine.logs(live.id, tail=wanted + 1, since=since, timed=True)
        found = _lines(MAIN, ((chunk.stream, chunk.data, chunk.time) for chunk in chunks))
        for one in executions.listing(engine, [live]):
            if since is None or one.ended is None or one.ended >= since:
                found += _of_execution(engine, one, since)
    truncated = len(found) > wanted
    lines, cut = _fit(found[-wanted:])
    return {"sandbox_id": id_of(name), "lines": lines, "total": len(lines), "truncated": truncated or cut}


def _of_execution(engine: Engine, one: executions.Execution, since: float | None) -> list[Line]:
    start = max(0, one.bytes - _BEHIND)
    pieces = list(executions.read_pieces(engine, one.id, start, _BEHIND))
    said = [
        (piece.stream, piece.data, None if piece.after is None else one.started + piece.after)
        for piece in pieces
        if piece.stream
    ]
    lines = _lines(one.id, said, since)
    # Where it was cut into, the first is not whole.
    return lines[1:] if start > 0 or any(piece.stream is None for piece in pieces) else lines


def _lines(source: str, chunks: Iterable[tuple[str, bytes, float | None]], since: float | None = None) -> list[Line]:
    """What `chunks` say, as lines, without those before `since`; each has the time of its begin."""
    rest: dict[str, tuple[bytes, float | None]] = {}
    lines: list[tuple[str, bytes, float | None]] = []
    for stream, data, at in chunks:
        begun, then = rest.pop(stream, (b"", at))
        first, *others = data.split(b"\n")
        whole = [(begun + first, then), *((line, at) for line in others)]
        lines += [(stream, *line) for line in whole[:-1]]
        if whole[-1][0]:
            rest[stream] = whole[-1]
    lines += [(stream, *line) for stream, line in rest.items()]
    return [
        {"time": moment(at), "stream": stream, "source": source, "text": line.decode(errors="replace").rstrip("\r")}
        for stream, line, at in lines
        if since is None or at is None or at >= since
    ]


def _fit(lines: list[Line]) -> tuple[list[Line], bool]:
    """The last of `lines` that fit into an answer, and whether that are not all."""
    kept: list[Line] = []
    left = MOST
    for line in reversed(lines):
        if left <= 0:
            return kept[::-1], True
        kept.append({**line, "text": line["text"][-left:]})
        left -= len(line["text"]) + 1
    return kept[::-1], False


def _since(asked: str | float | None) -> float | None:
    if asked is None:
        return None
    if isinstance(asked, int | float):
        return time.time() - asked
    try:
        return datetime.fromisoformat(asked).timestamp()
    except ValueError:
        hint = "write a time such as `2026-11-29T10:00:00Z`, or a number of seconds ago"
        raise InputError(Diagnostic(f"`from` cannot be `{asked}`", hint=hint)) from None
