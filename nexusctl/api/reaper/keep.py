"""Starting the reaper where it is needed, and removing it where it is not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from nexusctl.api import connection, execution, planning
from nexusctl.api.reaper.itself import LEAVING, NAME, has_lifetimes
from nexusctl.engine.base import Engine, Report
from nexusctl.errors import Diagnostic, NexusError
from nexusctl.model.engine_names import REAPER
from nexusctl.model.load_request import Given, Inputs
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.event import Failed
from nexusctl.model.stack import Stack

__all__ = ["has_reaper", "keep_reaper"]

PATIENCE, PAUSE = 20.0, 0.2
"""Seconds that one which leaves is waited for, and between two looks."""


def keep_reaper(engine: Engine, *, wanted: bool, report: Report) -> tuple[Diagnostic, ...]:
    """Start the reaper where one is `wanted` and none runs, and remove it where nothing has a lifetime any more.

    Returns what went wrong, as warnings: what was done before is done all the same.
    """
    try:
        states = {live.stack: live for live in engine.survey()}
        found = _find(states.get(REAPER))
        if wanted and not _refuses():
            if found is None or not _serves(found):
                report("starting the reaper, which ends lifetimes")
                return _start(engine)
        elif found and not wanted and not any(map(has_lifetimes, states.values())):
            report("nothing has a lifetime any more: removing the reaper")
            return _remove(engine)
    except NexusError as error:
        return _warn(error.diagnostics)
    return ()


def has_reaper(states: Iterable[LiveState]) -> bool:
    """Whether one runs by a survey of an engine, and can be left to its work."""
    found = next((_find(live) for live in states if live.stack == REAPER), None)
    return found is not None and _serves(found)


def _find(live: LiveState | None) -> LiveSandbox | None:
    return next(iter(live.sandboxes), None) if live else None


def _serves(found: LiveSandbox) -> bool:
    """Whether it runs, and is no older than this nexusctl. A newer one is left to whoever has started it."""
    # Only where something has a lifetime.
    from nexusctl import __version__  # noqa: PLC0415 - deferred: start-up time

    version = found.record.metadata.get("version", "") if found.record else ""
    runs = found.state in ("running", "restarting") and found.name == NAME
    return runs and _numbers(version) >= _numbers(__version__)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isascii() and part.isdigit())


def _refuses() -> bool:
    # Nor do others need the settings here.
    from nexusctl.config.settings import refuses_lifetimes  # noqa: PLC0415 - deferred: start-up time

    return refuses_lifetimes()


def _start(engine: Engine) -> tuple[Diagnostic, ...]:
    with connection.hold_lock(engine, REAPER, timeout=60.0, report=connection.be_silent):
        _await_end(engine)
        return _carry_out(engine, _load(engine))


def _remove(engine: Engine) -> tuple[Diagnostic, ...]:
    with connection.hold_lock(engine, REAPER, timeout=60.0, report=connection.be_silent):
        # Something may have been made while the lock was waited for.
        if any(map(has_lifetimes, engine.survey())):
            return ()
        return _carry_out(engine, planning.empty_stack(REAPER))


def _await_end(engine: Engine) -> None:
    """Of one that leaves."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = _find(engine.observe(planning.empty_stack(REAPER)))
        if found is None or found.name != LEAVING:
            return
        time.sleep(PAUSE)


def _carry_out(engine: Engine, stack: Stack) -> tuple[Diagnostic, ...]:
    basis = planning.prepare(engine, stack)
    events = execution.apply(engine, basis.plan, execution.Interrupt()) if not basis.plan.empty else ()
    return _warn([event.problem for event in events if isinstance(event, Failed)])


def _load(engine: Engine) -> Stack:
    # Only who starts it says what it is.
    import nexusctl  # noqa: PLC0415 - deferred: start-up time

    package = Path(nexusctl.__file__).parent
    values = {
        "package": str(package),
        "socket": engine.socket,
        "version": nexusctl.__version__,
        "engine": engine.identity(),
    }
    return planning.load(Inputs(files=(package / "reaper" / "reaper.yaml",), given=Given(values=values), settings=""))


def _warn(problems: list[Diagnostic] | tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    hint = "`nexusctl reap`, called by cron, does its work; `lifetimes: off` in your settings says that you want none"
    return tuple(
        Diagnostic(f"no reaper ends lifetimes here: {problem.summary}", hint=hint, severity="warning")
        for problem in problems
    )
