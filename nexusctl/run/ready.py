"""When a service that was started counts as ready, and whether those that it needs are alive by then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from nexusctl.engine.base import Engine, Report
from nexusctl.engine.condition import Condition
from nexusctl.errors import Diagnostic, EngineError, NotFound, StepError
from nexusctl.model.plan.step import Upstream
from nexusctl.model.stack import Sandbox
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.waits import ENDED, SETTLE, has_failed, hold_up, wait_healthy

STEADY = 2.0
"""Seconds that a service lives which its engine would start again, before it is believed: its end shows only then."""


def wait_ready(
    engine: Engine,
    container_id: str,
    sandbox: Sandbox,
    report: Report,
    interrupt: Interrupt,
    *,
    required: bool = False,
    hint: str = "",
) -> None:
    """Return when the health check of its own or of its image passes; without any, when it has lived for a moment.

    Raises `StepError` where it fails, or has no check and `required` one; `hint` says what to do then.
    """
    health = sandbox.health
    if health is None:
        begun = time.monotonic()
        _rest(interrupt, SETTLE)
        now = _look(engine, container_id, sandbox.name, required=required)
        if now is None or now.health == "none":
            if now and required:
                raise StepError(_describe_unprobed(sandbox.name))
            if now and sandbox.restart != "no":
                stay(engine, container_id, sandbox.name, interrupt, begun)
            return
        health = engine.find_health(container_id)
    wait_healthy(engine, container_id, sandbox.name, health, report, interrupt, hint=hint, limit=sandbox.start_timeout)


def stay(engine: Engine, container_id: str, name: str, interrupt: Interrupt, begun: float) -> None:
    """Return when what was started at `begun`, monotonic, has lived for a while. Raises `StepError` if it has not."""
    _rest(interrupt, begun + STEADY - time.monotonic())
    _look(engine, container_id, name, required=False)


def check_upstream(
    engine: Engine, name: str, upstream: Iterable[Upstream], needs: Iterable[str], find: Callable[[str], str]
) -> None:
    """Raise `StepError` where something that `name` depends on has ended by now; `find` tells what a step created."""
    for other in upstream:
        container_id = other.container_id or find(other.created)
        if not container_id or (other.after and other.after not in needs):
            continue
        try:
            now = engine.condition(container_id)
        except NotFound:
            raise StepError(_describe_dead(name, other.name, "is gone")) from None
        if has_failed(now):
            raise StepError(_describe_dead(name, other.name, _describe_end(now)))


def _look(engine: Engine, container_id: str, name: str, *, required: bool) -> Condition | None:
    """How it is; None where the engine does not say, which takes nothing back from what was done."""
    try:
        return hold_up(engine, container_id, name)
    except EngineError:
        if required:
            raise
        return None


def _rest(interrupt: Interrupt, seconds: float) -> None:
    """Sleep, and less where somebody wants to stop: what was started is no less started then."""
    with interrupt.alarm() as alarm:
        if seconds > 0 and not interrupt.requested:
            alarm.wait(seconds)


def _describe_unprobed(name: str) -> Diagnostic:
    return Diagnostic(
        f"{name}: neither the stack file nor its image has a health check, and others wait for it to be healthy",
        sandbox=name,
        hint=f"give `{name}` a `health` probe, or let them wait for `condition: started`",
    )


def _describe_end(now: Condition) -> str:
    if now.state in ("exited", "dead"):
        return f"has exited with code {now.exit_code}"
    return "keeps restarting" if now.state in ENDED or now.restarts else f"is {now.state}"


def _describe_dead(name: str, other: str, what: str) -> Diagnostic:
    return Diagnostic(
        f"{name}: not started, because {other}, which it depends on, {what}",
        sandbox=name,
        hint=f"see `nexusctl logs {other}`; the next apply carries on from here",
    )
