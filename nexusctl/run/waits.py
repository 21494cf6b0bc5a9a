"""Waiting until a sandbox is healthy or a task has run."""

from __future__ import annotations

import time
from math import ceil
from threading import Event

from nexusctl.engine.base import Engine, Report
from nexusctl.engine.command import Outcome
from nexusctl.engine.condition import Condition
from nexusctl.engine.first_error import choose_lines
from nexusctl.errors import Diagnostic, EngineError, EngineUnreachable, NotFound, StepError
from nexusctl.model.observed.live import State
from nexusctl.model.stack import Health
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.log_excerpt import show_ends, show_last

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
GRACE = 10.0
"""Seconds that the engine gets on top of a probe's own limits before it counts as failed."""

START_TIMEOUT = 300.0
"""Seconds for a service to become healthy in, where neither the file nor the numbers of its probe give more."""

MOST_RESTARTS = 5
"""So often may a service end and be started again before it is healthy; its engine waits longer each time."""

LOG_LINES = 15

TASK_LINES = 40
"""So many lines are shown from the begin of a failed task's log, and so many from its end."""
LOG_LOOK = 500
"""Lines of a log that are looked through for its first error: a probe that fails writes many of its own behind it."""

SETTLE = 0.15
"""Seconds that a service gets to fail in: three times what a shell, Python or Node takes over a missing file."""

BRIEF = 0.025
"""Seconds that a new service gets at least before the names are swapped, which take some 8 ms more.

Python and Node miss a file within 25 to 40 ms.
"""

START_SHARE = 0.12
"""Of what its start took; a busy machine takes longer over both."""

AT_ONCE = 10.0
"""Seconds; whoever has ended within them has ended right after what came before, and of others nobody knows."""

ENDED = ("exited", "dead", "restarting")

START = "its start"
"""What a service has not lived through where nothing else was done to it."""


class Interrupted(Exception):
    """A wait was cut short because the user asked to stop; what was waited for is unchanged."""


def wait_healthy(
    engine: Engine,
    container_id: str,
    name: str,
    health: Health | None,
    report: Report,
    interrupt: Interrupt,
    *,
    hint: str = "",
    limit: float | None = None,
) -> None:
    """Return as soon as the probe passes, by the engine's account or by our own earlier try.

    The engine's own first probe comes after a whole interval, so we try before; and it tells of each change at once,
    so a change is not seen late where our tries have become rare.

    Raises `StepError` with the probe's last output and the log's last lines when the engine calls it unhealthy,
    the container ends, or ends again and again, or `limit` seconds have passed: five minutes for None, and more where
    the probe's own numbers allow more. `hint` says what to do then, where that is not to look at its whole log.
    """
    patience = limit or max(START_TIMEOUT, _patience(health))
    deadline = time.monotonic() + patience
    rest, said = FIRST_PAUSE, ""
    report("waiting for health")
    with interrupt.alarm() as alarm, engine.listen(container_id, alarm.set):
        while True:
            condition = engine.condition(container_id)
            if condition.health == "healthy":
                return
            if condition.state in ("exited", "dead"):
                raise _failure(
                    engine, container_id, name, f"{_describe_exit(condition)} before it was healthy", hint=hint
                )
            if condition.restarts >= MOST_RESTARTS:
                what = f"it has ended {condition.restarts} times before it was healthy, and was restarted each time"
                raise _failure(engine, container_id, name, what, hint=hint)
            if condition.health == "unhealthy" or time.monotonic() > deadline:
                late = "" if condition.health == "unhealthy" else f" within {patience:g} s"
                probe = condition.probe_output or said
                raise _failure(engine, container_id, name, f"its health check does not pass{late}", probe, hint)
            if health and condition.state == "running":
                outcome = _try(engine, container_id, health)
                if outcome.exit_code == 0:
                    return
                said = outcome.output or said
            pause(interrupt, alarm, min(rest, max(0.0, deadline - time.monotonic()) + FIRST_PAUSE))
            rest = min(rest * 1.5, LONGEST_PAUSE, health.interval if health else LONGEST_PAUSE)


def _try(engine: Engine, container_id: str, health: Health) -> Outcome:
    """What the probe says now. One whose container has ended meanwhile fails in many ways: its condition tells."""
    try:
        return engine.probe(container_id, health)
    except EngineUnreachable:
        raise
    except EngineError as error:
        return Outcome(exit_code=1, output=str(error))


def wait_exit(engine: Engine, container_id: str, name: str, report: Report, interrupt: Interrupt) -> None:
    """Return when the task has exited with 0; raises `StepError` with its first and last lines for any other code."""
    rest = FIRST_PAUSE
    report("running")
    with interrupt.alarm() as alarm, engine.listen(container_id, alarm.set):
        while (condition := _look_for_exit(engine, container_id)).exit_code is None:
            pause(interrupt, alarm, rest)
            rest = min(rest * 1.3, LONGEST_PAUSE)
    if condition.exit_code != 0:
        raise _failure(engine, container_id, name, _describe_exit(condition), output=_read_ends(engine, container_id))


def _read_ends(engine: Engine, container_id: str) -> tuple[str, ...]:
    """Of a task the first lines may tell the cause, and the last ones what came of it."""
    try:
        return show_ends(engine.logs(container_id), TASK_LINES)
    except EngineError:
        return ()


def _look_for_exit(engine: Engine, container_id: str) -> Condition:
    """How a task is, also one that has ended well and was pruned at once."""
    try:
        return engine.condition(container_id)
    except NotFound:
        if engine.has_ended_well(container_id):
            return Condition(state="exited", health="none", exit_code=0)
        raise


def wait_settled(engine: Engine, container_id: str, name: str, begun: float, started: float) -> Condition:
    """How it is when the service has had the time to fail in; its start took from `begun` to `started`, monotonic.

    Raises `StepError` with its last lines where it has ended. A look at one that is ending waits until it has.
    """
    time.sleep(max(0.0, started + max(BRIEF, (started - begun) * START_SHARE) - time.monotonic()))
    return hold_up(engine, container_id, name)


def hold_up(engine: Engine, container_id: str, name: str) -> Condition:
    """How the container of a service is that was just started.

    Raises `StepError` where it is gone, or has ended, though it was started again: then with its last lines.
    """
    try:
        now = engine.condition(container_id)
    except NotFound as error:
        summary, hint = f"{name}: somebody removed its new container", "see who does that; the next apply makes it anew"
        raise StepError(Diagnostic(summary, sandbox=name, hint=hint)) from error
    if has_failed(now):
        state = now.state if now.state in ENDED else "restarting"
        raise StepError(describe_early_end(engine, container_id, name, state, now.exit_code))
    return now


def has_failed(now: Condition) -> bool:
    """Whether a service has ended since it was started, though the engine may have started it again.

    With a health check it may have needed more than one try.
    """
    return now.state in ENDED or (now.restarts > 0 and now.health == "none")


def describe_early_end(
    engine: Engine,
    container_id: str,
    name: str,
    state: State,
    exit_code: int | None,
    cause: str = START,
    within: float = 0.0,
) -> Diagnostic:
    """What to tell of a service that does not run any more, at most `within` seconds after its `cause`."""
    code = "" if exit_code is None else f" with code {exit_code}"
    again = "; the engine keeps restarting it" if state == "restarting" else ""
    moment = "right after" if within <= AT_ONCE else f"within {ceil(within)} s of"
    mend = "where it is meant to end, say `kind: task`; else see why its command has nothing to do"
    if exit_code != 0:
        mend = "mend its command; where it is meant to end, say `kind: task`"
    return Diagnostic(
        f"{name}: it exited{code} {moment} {cause}{again}",
        sandbox=name,
        output=tail(engine, container_id),
        hint=mend if cause == START else "let it live through that, or say `on_change: restart`",
    )


def tail(engine: Engine, container_id: str, lines: int = LOG_LINES) -> tuple[str, ...]:
    """The last lines of a container's log, both streams as they came, and its first error; empty where it cannot be
    read.
    """
    try:
        return choose_lines(show_last(engine.logs(container_id, tail=LOG_LOOK), LOG_LOOK), lines)
    except EngineError:
        return ()


def _patience(health: Health | None) -> float:
    if health is None:
        return 300.0
    return health.start_period + (health.interval + health.timeout) * health.retries + GRACE


def pause(interrupt: Interrupt, alarm: Event, seconds: float) -> None:
    """Sleep until `alarm` rings, at most that long. Raises `Interrupted`."""
    if interrupt.requested:
        raise Interrupted
    alarm.wait(seconds)
    alarm.clear()


def _describe_exit(condition: Condition) -> str:
    code = condition.exit_code
    if condition.killed_for_memory or code == 137:
        return f"it was killed (exit code {code}); its memory limit may be too low"
    return f"it exited with code {code}"


def _failure(
    engine: Engine,
    container_id: str,
    name: str,
    what: str,
    probe_output: str = "",
    hint: str = "",
    output: tuple[str, ...] | None = None,
) -> StepError:
    """`output` is what to show of its log, its last lines where that is None."""
    probe = (f"probe: {line}" for line in probe_output.strip().splitlines()[-5:])
    shown = tail(engine, container_id) if output is None else output
    return StepError(
        Diagnostic(
            f"{name}: {what}",
            sandbox=name,
            output=(*probe, *shown),
            hint=hint or f"`nexusctl logs {name}` shows all that it printed; the next apply carries on from here",
        )
    )
