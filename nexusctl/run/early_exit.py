"""Services that were started, or told of new files, and have ended when all is done: each step saw its own moment."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from nexusctl.engine.base import Engine
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.observed.live import State
from nexusctl.model.plan.event import Done, Event, Failed, Finished
from nexusctl.model.plan.plan import Step
from nexusctl.model.plan.step import (
    ReplaceContainer,
    RestoreContainer,
    StartContainer,
    StopContainer,
    UpdateContainer,
)
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.run.waits import ENDED, SETTLE, START, START_SHARE, describe_early_end, has_failed

FEW = 8
"""So many looks at one container each cost no more than one look at all that there are."""

LONGEST_SETTLE = 2.0
"""Seconds; much of a step that takes long is work of its own."""

NOTICE_SHARE = 0.5
"""Of what it took to bring files and to tell a service, which is a few calls: as many as its end takes to be seen."""


def watch(events: Iterable[Event], engine: Engine, stack: str) -> Iterator[Event]:
    """Pass `events` on; before the last one, tell with a `Failed` of each service that was started and has ended."""
    started: dict[str, Done] = {}
    for event in events:
        if isinstance(event, Failed) or (isinstance(event, Done) and isinstance(event.step, StopContainer)):
            started.pop(event.step.subject, None)
        elif isinstance(event, Done) and _tries(event.step):
            started[event.step.subject] = event
        if isinstance(event, Finished):
            yield from _conclude(event, engine, stack, started)
        else:
            yield event


def _conclude(finished: Finished, engine: Engine, stack: str, started: Mapping[str, Done]) -> Iterator[Event]:
    if not started or finished.outcome == "interrupted":
        yield finished
        return
    pause = max(0.0, *(done.at + _settle(done) - finished.at for done in started.values()))
    time.sleep(pause)
    at = finished.at + pause
    failures = [
        Failed(
            # What was done was done: its end is a thing of its own.
            step=Step(id=step_id("sandbox", ended.name, "stay"), subject=ended.name),
            at=at,
            problem=describe_early_end(
                engine,
                ended.container_id,
                ended.name,
                ended.state,
                ended.exit_code,
                _cause(started[ended.name].step),
                at - started[ended.name].at,
            ),
        )
        for ended in _find_ended(engine, stack, started)
    ]
    yield from failures
    yield replace(finished, at=at, outcome="failed" if failures else finished.outcome)


def _settle(done: Done) -> float:
    """Seconds after it was done that a service gets to fail in: what took long shows a machine that is busy.

    A replacement has waited by itself. How long a startup or an install takes says nothing of the machine.
    """
    step = done.step
    match step:
        case UpdateContainer(restarts=False):
            return min(max(SETTLE, 0.0 if step.packages else done.took * NOTICE_SHARE), LONGEST_SETTLE)
        case UpdateContainer(packages=()) | RestoreContainer() | StartContainer(sandbox=Sandbox(startup=None)):
            return min(done.took * START_SHARE, LONGEST_SETTLE)
    return 0.0


def _tries(step: Step) -> bool:
    """Whether it starts a service, or does to one what can end it; only services are ever restored."""
    match step:
        case StartContainer() | ReplaceContainer():
            return step.sandbox.kind == "service" and step.sandbox.state == "running"
        case UpdateContainer():
            return bool(step.reactions)
        case RestoreContainer():
            return step.how != "unpause"
    return False


def _cause(step: Step) -> str:
    if not isinstance(step, UpdateContainer) or step.restarts:
        return START
    signals = " and ".join(reaction.signal for reaction in step.reactions if reaction.signal)
    return f"it got {signals} for its upload" if signals else "the command of its upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A service that does not run any more, or not without being started again and again."""

    name: str
    container_id: str
    state: State
    exit_code: int | None


def _find_ended(engine: Engine, stack: str, started: Mapping[str, Done]) -> list[_Ended]:
    look = _look_at_each if len(started) <= FEW else _look_at_all
    # What was to be done is done: an engine that does not answer now takes nothing back from it.
    with suppress(EngineError):
        return [*look(engine, stack, started)]
    return []


def _look_at_each(engine: Engine, _: str, started: Mapping[str, Done]) -> Iterator[_Ended]:
    for name, done in started.items():
        with suppress(NotFound):
            now = engine.condition(done.container_id)
            if has_failed(now):
                state = now.state if now.state in ENDED else "restarting"
                yield _Ended(name=name, container_id=done.container_id, state=state, exit_code=now.exit_code)


def _look_at_all(engine: Engine, stack: str, started: Mapping[str, Done]) -> Iterator[_Ended]:
    for live in engine.observe(Stack(name=stack)).sandboxes:
        if live.sandbox in started and live.state in ENDED:
            yield _Ended(name=live.sandbox, container_id=live.id, state=live.state, exit_code=live.exit_code)
