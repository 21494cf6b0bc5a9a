"""Ending containers so that a kill is never silent."""

from __future__ import annotations

import time
from collections.abc import Callable

from nexusctl.engine.base import Engine
from nexusctl.errors import Conflict, Diagnostic, NotFound
from nexusctl.model.plan.step import (
    RemoveContainer,
    ReplaceContainer,
    RestoreContainer,
    StopContainer,
    UpdateContainer,
)
from nexusctl.model.stack import STOP_GRACE_PERIOD, Sandbox
from nexusctl.model.values.frozen import dataclass

KILL = "SIGKILL"

LEAST = 2
"""Seconds that a main program has to end in, however long what comes before has taken."""

LINES = 10

LOOKS, LOOK = 200, 0.05
"""How often to look whether a container has ended, and the seconds in between; the kernel takes less for most."""

Warn = Callable[[Diagnostic], None]
"""Takes what a user has to know of although the step goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a container ends: `grace` seconds, None for what it says itself, and the script `pre_stop` within them."""

    grace: int | None = None
    pre_stop: str = ""


def end_by(step: StopContainer | RemoveContainer | ReplaceContainer | RestoreContainer | UpdateContainer) -> Ending:
    """As a step says it."""
    return Ending(grace=step.grace, pre_stop=step.pre_stop)


def end_of(sandbox: Sandbox) -> Ending:
    """Of one that was made from `sandbox` a moment ago."""
    return Ending(grace=sandbox.stop_grace_period, pre_stop=sandbox.pre_stop or "")


def stop(engine: Engine, container_id: str, name: str, ending: Ending, warn: Warn) -> None:
    _tell(engine.stop_container(container_id, _prepare(engine, container_id, name, ending, warn)), name, ending, warn)


def restart(engine: Engine, container_id: str, name: str, ending: Ending, warn: Warn) -> None:
    _tell(
        engine.restart_container(container_id, _prepare(engine, container_id, name, ending, warn)), name, ending, warn
    )


def remove(engine: Engine, container_id: str, name: str, ending: Ending, warn: Warn) -> None:
    _tell(engine.remove_container(container_id, _prepare(engine, container_id, name, ending, warn)), name, ending, warn)


def _prepare(engine: Engine, container_id: str, name: str, ending: Ending, warn: Warn) -> int | None:
    """Run what is to run before the end; returns the seconds that are left for the end itself."""
    if not ending.pre_stop:
        return ending.grace
    patience = STOP_GRACE_PERIOD if ending.grace is None else ending.grace
    begun = time.monotonic()
    try:
        state = engine.condition(container_id).state
        if state == "paused":
            # Nothing runs in one that is paused, and it is resumed to end anyway.
            engine.unpause_container(container_id)
        elif state != "running":
            return ending.grace
        outcome = engine.run_script(container_id, ending.pre_stop, timeout=max(patience, 1))
    except (NotFound, Conflict):
        return ending.grace
    if outcome.timed_out or outcome.exit_code != 0:
        what = f"did not end within {patience} s" if outcome.timed_out else f"exited with code {outcome.exit_code}"
        warn(
            Diagnostic(
                f"{name}: its `pre_stop` script {what}",
                sandbox=name,
                output=tuple(outcome.output.splitlines()[-LINES:]),
                hint="the sandbox is stopped all the same; `nexusctl exec` tries a script out",
                severity="warning",
            )
        )
    return max(LEAST, patience - int(time.monotonic() - begun))


def send_signal(engine: Engine, container_id: str, signal: str) -> None:
    """To the main process. Where it is SIGKILL, return when the container has ended, or after a while if it does not.

    One that the engine is about to start again has no process, and is stopped.
    """
    try:
        engine.signal_container(container_id, signal)
    except Conflict:
        if signal != KILL:
            raise
        engine.stop_container(container_id, 0)
    for _ in range(LOOKS if signal == KILL else 0):
        if engine.condition(container_id).state not in ("running", "paused", "restarting"):
            return
        time.sleep(LOOK)


def _tell(patience: int | None, name: str, ending: Ending, warn: Warn) -> None:
    if patience is not None:
        whole = patience if ending.grace is None else max(patience, ending.grace)
        warn(
            Diagnostic(
                f"{name}: it had not ended {patience} s after it was asked to, and was killed",
                hint=f"give it longer with `stop_grace_period: {2 * whole}s`, or another `stop_signal`",
                sandbox=name,
                severity="warning",
            )
        )
