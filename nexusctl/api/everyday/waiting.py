"""Waiting for what somebody else brings about: health, an end, a removal. Changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from nexusctl.api.planning import empty_stack, require_known
from nexusctl.api.subject import as_warnings
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.engine_names import natural_key
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.commands.states.states import find_holders

Condition = Literal["running", "healthy", "completed", "stopped", "gone"]

PAUSE = 0.3
"""Seconds between two looks; each is a handful of calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How one sandbox is; `why` says why it will not come to what is waited for, and is empty where it may.

    Where `hint` does not say what to do then, its log may.
    """

    name: str
    met: bool
    state: str
    health: str = "none"
    exit_code: int | None = None
    why: str = ""
    hint: str = ""


def wait_for(
    engine: Engine,
    stack: Stack,
    names: tuple[str, ...],
    wanted: Condition,
    timeout: float | None,
    warn: Callable[[tuple[Diagnostic, ...]], None],
) -> tuple[Waited, ...]:
    """How the sandboxes are when all have come to `wanted`, one of them cannot any more, or the time is over.

    `names` are of sandboxes or groups, or globs, all for none. Raises `InputError` for one that means nothing; where
    they are to be gone, that is a warning.
    """
    live = engine.observe(empty_stack(stack.name))
    groups = group_names(stack, live)
    try:
        require_known(Choice(targets=names), groups)
    except InputError as error:
        if wanted != "gone":
            raise
        # What is gone may be called so in no file any more, or it is mistyped.
        warn(as_warnings(error.diagnostics))
    chosen = {name for word in names for name in match_names(word, groups)} if names else set(groups)
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        found = tuple(_look(live, sorted(chosen, key=natural_key), wanted))
        over = until is not None and time.monotonic() >= until
        if over or all(one.met for one in found) or any(one.why for one in found):
            return found
        time.sleep(PAUSE)
        live = engine.observe(empty_stack(stack.name))


def _look(live: LiveState, names: Iterable[str], wanted: Condition) -> Iterator[Waited]:
    holders: Mapping[str, LiveSandbox] = find_holders(live)
    for name in names:
        found = holders.get(name)
        if found is None:
            yield Waited(name=name, met=wanted in ("gone", "stopped"), state="absent")
            continue
        why = _refuse(found, wanted)
        yield Waited(
            name=name,
            met=not why and _is_met(found, wanted),
            state=found.state,
            health=found.health,
            exit_code=found.exit_code,
            why=why,
            hint=_advise(found, wanted) if why else "",
        )


def _is_met(found: LiveSandbox, wanted: Condition) -> bool:
    match wanted:
        case "running":
            return found.state == "running" and not found.partial
        case "healthy":
            return found.state == "running" and found.health == "healthy" and not found.partial
        case "completed":
            return found.state == "exited" and found.exit_code == 0
        case "stopped":
            return found.state in ("exited", "created", "dead")
    return False


def _refuse(found: LiveSandbox, wanted: Condition) -> str:
    """Why it will not come to that by itself."""
    name, record = found.sandbox, found.record
    again = record is not None and record.restart != "no"
    if wanted in ("running", "healthy") and found.state in ("exited", "dead") and not again:
        return f"{name} has exited with code {found.exit_code}"
    if wanted == "healthy" and found.state == "running" and found.health == "none" and not found.partial:
        return f"{name} has no health check"
    if wanted == "completed" and found.state == "exited" and found.exit_code:
        return f"{name} has exited with code {found.exit_code}"
    return ""


def _advise(found: LiveSandbox, wanted: Condition) -> str:
    if wanted == "healthy" and found.state == "running":
        return "`--for running` waits for it as it is; `health` in the stack file gives it a check"
    if wanted != "completed" and found.exit_code == 0 and found.record and found.record.kind == "task":
        return "it is a task, and done: `--for completed` waits for that"
    return ""


def describe_unmet(found: Iterable[Waited]) -> InputError | None:
    """What is to be said where one of them cannot come to that; None where none of them is so."""
    problems = [
        Diagnostic(one.why, hint=one.hint or f"see `nexusctl logs {one.name}`", sandbox=one.name)
        for one in found
        if one.why
    ]
    return InputError(*problems) if problems else None
