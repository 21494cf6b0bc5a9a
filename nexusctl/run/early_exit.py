"""Services that were started and ended at once: a wrong command or a missing file shows only then."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, EngineError
from nexusctl.model.event import Done, Event, Failed, Finished, Progress
from nexusctl.model.live import LiveSandbox
from nexusctl.model.plan import Step
from nexusctl.model.stack import Stack
from nexusctl.model.step import ReplaceContainer, RestoreContainer, StartContainer, UpdateContainer
from nexusctl.run.wait import tail

SETTLE = 0.2
"""Seconds that a service gets to fail in; most wrong commands need less, and most applies have waited longer."""


def watch(events: Iterable[Event], engine: Engine, stack: str) -> Iterator[Event]:
    """Pass `events` on; before the last one, tell with a `Failed` of each service that was started and has ended."""
    started: dict[str, Done] = {}
    moments: dict[str, float] = {}
    for event in events:
        if isinstance(event, Progress) and isinstance(event.step, ReplaceContainer):
            # What a replacement does last, to the old one, it does after the new one was started.
            moments[event.step.subject] = event.at
        elif isinstance(event, Failed):
            started.pop(event.step.subject, None)
        elif isinstance(event, Done) and _starts(event.step):
            started[event.step.subject] = event
            moments.setdefault(event.step.subject, event.at)
        if isinstance(event, Finished):
            yield from _conclude(event, engine, stack, started, moments)
        else:
            yield event


def _conclude(
    finished: Finished, engine: Engine, stack: str, started: Mapping[str, Done], moments: Mapping[str, float]
) -> Iterator[Event]:
    if not started or finished.outcome == "interrupted":
        yield finished
        return
    # One with a health check has been waited for already.
    fresh = [moments[name] for name, done in started.items() if not _has_health(done.step)]
    pause = max(0.0, SETTLE - (finished.at - max(fresh))) if fresh else 0.0
    time.sleep(pause)
    at = finished.at + pause
    failures = [
        Failed(step=started[live.sandbox].step, at=at, problem=_describe(live, engine))
        for live in _find_ended(engine, stack, started)
    ]
    yield from failures
    yield replace(finished, at=at, outcome="failed" if failures else finished.outcome)


def _starts(step: Step) -> bool:
    if isinstance(step, UpdateContainer):
        return any(reaction.restart for reaction in step.reactions)
    return isinstance(step, StartContainer | RestoreContainer | ReplaceContainer)


def _has_health(step: Step) -> bool:
    return isinstance(step, StartContainer | ReplaceContainer | UpdateContainer) and step.sandbox.health is not None


def _find_ended(engine: Engine, stack: str, started: Mapping[str, Done]) -> list[LiveSandbox]:
    # What was to be done is done: an engine that does not answer now takes nothing back from it.
    with suppress(EngineError):
        return [
            live
            for live in engine.observe(Stack(name=stack)).sandboxes
            if live.sandbox in started
            and live.state in ("exited", "dead", "restarting")
            and live.record is not None
            and live.record.kind == "service"
        ]
    return []


def _describe(live: LiveSandbox, engine: Engine) -> Diagnostic:
    code = "" if live.exit_code is None else f" with code {live.exit_code}"
    again = "; the engine keeps restarting it" if live.state == "restarting" else ""
    return Diagnostic(
        f"{live.sandbox}: it exited{code} right after its start{again}",
        sandbox=live.sandbox,
        output=tail(engine, live.id),
        hint="mend its command; where it is meant to end, say `kind: task`",
    )
