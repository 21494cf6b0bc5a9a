"""What a sandbox says of an execution, and what is to be believed of it. Pure."""

from __future__ import annotations

import json
import signal as signals
from collections.abc import Mapping
from typing import Any

from nexusctl.model.observed.execution import Execution, ExecutionState, Order
from nexusctl.model.values.frozen import dataclass

LONGEST_META = 64 * 1024
LONGEST_WORD = 1024
MOST_WORDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundExecution:
    """What one says of itself: `alive` whether its supervisor runs, where somebody could look.

    `former` is whether it was begun before the sandbox's main process was, so in a run of the container that is over.
    """

    id: str
    meta: Mapping[str, Any]
    booted: float
    end: str
    bytes: int
    alive: bool | None
    former: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What the engine says of the container."""

    container_id: str
    stack: str
    sandbox: str
    running: bool
    started_at: float
    finished_at: float
    out_of_memory: bool


def write_meta(order: Order) -> str:
    """One line of JSON for `order`, of which long words are cut."""
    words = [word if len(word) <= LONGEST_WORD else word[:LONGEST_WORD] + "..." for word in order.command[:MOST_WORDS]]
    said = {
        "command": words,
        "who": order.who,
        "started": round(order.started, 3),
        "fed": order.fed,
        "user": order.user,
        "tty": order.tty,
        "timeout": order.timeout,
    }
    return json.dumps(said)


def read_meta(text: str) -> Mapping[str, Any]:
    """The same back, of a text that may be anything; empty for what nobody of us has written."""
    try:
        found = json.loads(text[:LONGEST_META])
    except (ValueError, RecursionError):
        return {}
    command = found.get("command") if isinstance(found, dict) else None
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        return {}
    known = isinstance(found.get("who"), str) and isinstance(found.get("started"), int | float)
    return found if known and 0 <= found["started"] < 1e11 else {}


def read_home(found: Mapping[str, Any], stack: str, sandbox: str) -> Home:
    state = found["State"]
    return Home(
        container_id=str(found["Id"]),
        stack=stack,
        sandbox=sandbox,
        running=bool(state["Running"]),
        started_at=_read_moment(state.get("StartedAt", "")),
        finished_at=_read_moment(state.get("FinishedAt", "")),
        out_of_memory=bool(state.get("OOMKilled")),
    )


def _read_moment(text: str) -> float:
    """Seconds since 1970; 0 for the engine's year 1, which stands for never."""
    # Who starts one reads no times.
    from datetime import datetime  # noqa: PLC0415 - deferred: start-up time

    return datetime.fromisoformat(text).timestamp() if text and not text.startswith("0001-") else 0.0


def judge(entry: FoundExecution, home: Home) -> Execution | None:
    """The execution that `entry` tells of; None where nobody of us has written it."""
    if not entry.meta:
        return None
    started = float(entry.meta["started"])
    state, code, signal, ended = _judge_end(entry, home, started)
    return Execution(
        id=entry.id,
        container_id=home.container_id,
        stack=home.stack,
        sandbox=home.sandbox,
        command=tuple(word[: LONGEST_WORD + 3] for word in entry.meta["command"][:MOST_WORDS]),
        who=entry.meta["who"][:256],
        started=started,
        state=state,
        exit_code=code,
        signal=signal,
        ended=ended,
        bytes=entry.bytes,
        fed=entry.meta.get("fed") is True,
        tty=entry.meta.get("tty") is True,
        user=user if isinstance(user := entry.meta.get("user"), str) else None,
        timeout=timeout if isinstance(timeout := entry.meta.get("timeout"), int | float) else None,
    )


def _judge_end(
    entry: FoundExecution, home: Home, started: float
) -> tuple[ExecutionState, int | None, str, float | None]:
    code, up, *rest = [*entry.end.split(), "", ""][:4]
    if code.isascii() and code.isdigit() and int(code) < 256:
        signal = name_signal(int(code))
        ended = max(started, started + read_seconds(up) - entry.booted) if up else None
        state: ExecutionState = "killed" if signal else "exited"
        if "oom" in rest and signal == "KILL":
            state = "oom"
        return state, int(code), signal, ended
    # A container that was started again after it has taken all that ran in it along. The sandbox's kernel counts from
    # the machine's boot, so after another boot the clocks have to tell, which may be those of two machines.
    former = not entry.alive and (entry.former or (entry.alive is False and started + 1 < home.started_at))
    if home.running and not former and entry.alive is not False:
        return "running", None, "", None
    if home.running and not former:
        return "lost", None, "", None
    if home.out_of_memory and not home.running:
        return "oom", None, "KILL", max(started, home.finished_at)
    # The engine forgets when a container has ended that runs again.
    ended = home.finished_at if home.finished_at >= started else home.started_at
    return "killed", None, "KILL", max(started, ended)


def name_signal(code: int) -> str:
    """Of an exit code, as a shell gives it; empty where a command has ended by itself."""
    try:
        return signals.Signals(code - 128).name.removeprefix("SIG") if 128 < code < 160 else ""
    except ValueError:
        return ""


def read_seconds(text: str) -> float:
    """A number of seconds as a kernel writes it; 0 for anything else."""
    whole, _, part = text.partition(".")
    digits = whole.isascii() and whole.isdigit() and len(whole) < 12
    return float(f"{whole}.{part}") if digits and (not part or (part.isascii() and part.isdigit())) else 0.0


def read_line(line: str) -> FoundExecution | None:
    """What `reader.LISTER` has printed of one; None for anything else."""
    parts = line.split("|", 6)
    if len(parts) != 7:
        return None
    name, alive, former, booted, end, count, meta = parts
    return FoundExecution(
        id=name,
        meta=read_meta(meta),
        booted=read_seconds(booted),
        end=end,
        bytes=int(count) if count.isascii() and count.isdigit() and len(count) < 16 else 0,
        alive=alive == "1",
        former=former == "1",
    )
