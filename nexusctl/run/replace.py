"""Putting a new container in the place of an old one, so that one of the two always serves.

The new container bears its temporary name until it is ready; then the old one gives up the final name,
the new one takes it, and the old one goes. A crash at any point leaves containers that the planner can tell
apart: with its temporary name the new one is partial, and once the final name is taken the old one is superseded.
"""

from __future__ import annotations

from contextlib import suppress

from nexusctl.engine.base import Engine, Report
from nexusctl.errors import EngineError, NexusError, StepError
from nexusctl.model.step import ReplaceContainer
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.startup import run_startup
from nexusctl.run.wait import Interrupted, wait_healthy


def replace_container(
    step: ReplaceContainer, engine: Engine, new_id: str, report: Report, interrupt: Interrupt
) -> None:
    """Start `new_id`, wait until it is ready, swap the names, remove the old one.

    When the new one fails it is removed and the old one, if it had to be stopped, is started again; the failure is
    raised as it was. When the engine stops answering, nothing more is tried: the next plan heals it.
    """
    try:
        _bring_up(step, engine, new_id, report, interrupt)
    except (StepError, EngineError, Interrupted) as failure:
        if isinstance(failure, EngineError) and failure.status == 0:
            raise
        _fall_back(step, engine, new_id, report, failure)
        raise
    report("swapping")
    engine.rename_container(step.old_id, f"{step.placement.name}_old")
    engine.rename_container(new_id, step.placement.name)
    engine.remove_container(step.old_id)
    for name in step.amendments:
        engine.remove_amendment(name)


def _bring_up(step: ReplaceContainer, engine: Engine, new_id: str, report: Report, interrupt: Interrupt) -> None:
    if step.stop_first and step.old_running:
        report("stopping the old one")
        engine.stop_container(step.old_id)
    report("starting")
    engine.start_container(new_id)
    run_startup(engine, new_id, step.sandbox, report)
    if step.sandbox.health:
        wait_healthy(engine, new_id, step.subject, step.sandbox.health, report, interrupt)


def _fall_back(step: ReplaceContainer, engine: Engine, new_id: str, report: Report, failure: Exception) -> None:
    report("failed: going back to the old one")
    with suppress(EngineError):
        engine.remove_container(new_id)
    if step.stop_first and step.old_running:
        try:
            engine.start_container(step.old_id)
        except EngineError as error:
            if isinstance(failure, NexusError):
                failure.add_note(f"the old container could not be started again: {error}")
