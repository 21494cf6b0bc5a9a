"""Putting a new container in the place of an old one, so that one of the two always serves.

The new container bears its temporary name until it is ready; then the old one gives up the final name,
the new one takes it, and the old one goes. A crash at any point leaves containers that the planner can tell
apart: with its temporary name the new one is partial, and once the final name is taken the old one is superseded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from nexusctl.engine.base import Engine, Report
from nexusctl.errors import EngineError, Note, SourceChanged, StepError
from nexusctl.model.engine_names import outgoing_name
from nexusctl.model.plan.plan import Attachment
from nexusctl.model.plan.step import ReplaceContainer
from nexusctl.run.drain import see_off
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.kept_ports import say_moved, warn_of_moved
from nexusctl.run.ready import wait_ready
from nexusctl.run.startup_script import run_startup
from nexusctl.run.stop import Warn, end_by, end_of, remove, stop
from nexusctl.run.waits import ENDED, SETTLE, Interrupted, hold_up, wait_settled

FAILED_HINT = "mend it and apply again; the log of the new container went with it, but for the lines above"


def replace_container(
    stack: str, step: ReplaceContainer, engine: Engine, new_id: str, report: Report, warn: Warn, interrupt: Interrupt
) -> None:
    """Start `new_id`, wait until it is ready, swap the names, remove the old one.

    One without a health check is ready when it has not ended at once. The swap, and what the old one takes to end, is
    time for the new one to fail in, so it is looked at again before each step that is harder to take back.
    When the new one fails it is removed and the old one, if it had to be stopped, is started again; the failure is
    raised as it was. When the engine stops answering, nothing more is tried: the next plan heals it.
    """
    if step.sandbox.state == "stopped":
        _replace_at_rest(step, engine, new_id, report, warn)
        return
    try:
        _bring_up(step, engine, new_id, report, warn, interrupt)
        _announce(step, engine, new_id)
    except (StepError, EngineError, Interrupted) as failure:
        if isinstance(failure, EngineError) and failure.status == 0:
            raise
        raise _fall_back(step, engine, new_id, report, warn, failure) from failure
    # Getting ready may have taken its time.
    engine.check_lock(stack)
    report("swapping")
    engine.rename_container(step.old_id, outgoing_name(step.placement.name))
    engine.rename_container(new_id, step.placement.name)
    hidden = True
    try:
        hidden = see_off(engine, step.old_id, step.old_networks, step.old_ports)
        hold_up(engine, new_id, step.subject)
        if step.old_running and not step.stop_first:
            report("stopping the old one")
            stop(engine, step.old_id, step.subject, end_by(step), warn)
            hold_up(engine, new_id, step.subject)
    except StepError as failure:
        raise _swap_back(step, engine, new_id, report, warn, failure, hidden=hidden) from failure
    remove(engine, step.old_id, step.subject, end_by(step), warn)
    for name in step.amendments:
        engine.remove_amendment(name)


def _replace_at_rest(step: ReplaceContainer, engine: Engine, new_id: str, report: Report, warn: Warn) -> None:
    """Nothing is started, so that nothing can fail that the old one would be needed for."""
    if step.old_running:
        report("stopping the old one")
        stop(engine, step.old_id, step.subject, end_by(step), warn)
    if step.left_behind is not None:
        report("carrying its files over")
        engine.carry_over(step.old_id, new_id, step.left_behind)
    engine.rename_container(step.old_id, outgoing_name(step.placement.name))
    engine.rename_container(new_id, step.placement.name)
    remove(engine, step.old_id, step.subject, end_by(step), warn)
    for name in step.amendments:
        engine.remove_amendment(name)


def _bring_up(
    step: ReplaceContainer, engine: Engine, new_id: str, report: Report, warn: Warn, interrupt: Interrupt
) -> None:
    if step.stop_first and step.old_running:
        report("stopping the old one")
        stop(engine, step.old_id, step.subject, end_by(step), warn)
    if step.left_behind is not None:
        report("carrying its files over")
        engine.carry_over(step.old_id, new_id, step.left_behind)
    report("starting")
    begun = time.monotonic()
    engine.start_container(new_id)
    started = time.monotonic()
    warn_of_moved(engine, new_id, step.subject, step.placement.ports, warn)
    run_startup(engine, new_id, step.sandbox, report, interrupt.deadline)
    if not step.sandbox.health:
        now = wait_settled(engine, new_id, step.subject, begun, started)
        if now.health == "none" and step.sandbox.restart == "no" and not step.required:
            return
    wait_ready(engine, new_id, step.sandbox, report, interrupt, hint=FAILED_HINT, required=step.required)


def _announce(step: ReplaceContainer, engine: Engine, new_id: str) -> None:
    """Let others find the new one under its names."""
    if step.placement.quiet:
        _join_again(engine, new_id, step.placement.networks)


def _join_again(engine: Engine, container_id: str, networks: Iterable[Attachment]) -> None:
    """An engine names a container where it joins: from now on it is found by its names there."""
    for attachment in networks:
        engine.disconnect(container_id, attachment.id or attachment.name)
        engine.connect(container_id, attachment, attachment.names)


def _fall_back(
    step: ReplaceContainer,
    engine: Engine,
    new_id: str,
    report: Report,
    warn: Warn,
    failure: StepError | EngineError | Interrupted,
) -> Exception:
    """Remove the new one and see that the old one serves; returns `failure` with a word on how that went."""
    report("failed: going back to the old one")
    with suppress(EngineError):
        remove(engine, new_id, step.subject, end_of(step.sandbox), warn)
    kept = step.old_running and not step.stop_first
    word = _describe_kept(step, engine) if kept else _start_old(step, engine)
    return failure if isinstance(failure, Interrupted) else _with_word(step, failure, word)


def _swap_back(
    step: ReplaceContainer,
    engine: Engine,
    new_id: str,
    report: Report,
    warn: Warn,
    failure: StepError,
    *,
    hidden: bool,
) -> Exception:
    """As `_fall_back`, where the old one has given up its name already, and perhaps its processes.

    Where it was `hidden` nobody finds it in its networks, and it is bound to the addresses that it has there.
    """
    report("failed: going back to the old one")
    with suppress(EngineError):
        remove(engine, new_id, step.subject, end_of(step.sandbox), warn)
        engine.rename_container(step.old_id, step.placement.name)
        if hidden:
            _join_again(engine, step.old_id, step.old_networks)
    return _with_word(step, failure, _serve_again(step, engine))


def _serve_again(step: ReplaceContainer, engine: Engine) -> str:
    """Start the old one where it does not run; returns what is true of it then."""
    with suppress(EngineError):
        if engine.condition(step.old_id).state == "running":
            return _describe_kept(step, engine)
    return _start_old(step, engine)


def _describe_kept(step: ReplaceContainer, engine: Engine) -> str:
    """What is true of an old one that nobody has stopped."""
    try:
        now = engine.condition(step.old_id)
    except EngineError:
        return "the old container was left as it was"
    if now.state == "running" and now.health != "unhealthy":
        return "the old container went on serving"
    return f"the old container stays as it was: {now.health if now.state == 'running' else now.state}"


def _start_old(step: ReplaceContainer, engine: Engine) -> str:
    """Start the old one; returns what came of it."""
    if step.stay_down:
        return "the old container stays stopped: another sandbox has its volume or folder now"
    which = "the old container" if step.old_running else "the old container, which did not run before,"
    try:
        engine.start_container(step.old_id)
        time.sleep(SETTLE)
        now = engine.condition(step.old_id)
    except EngineError as error:
        return f"{which} could not be started{' again' if step.old_running else ''}: {error}"
    if now.state in ENDED:
        return f"{which} was started again and exited with code {now.exit_code}"
    moved = say_moved(engine, step.old_id, step.placement.ports)
    return f"{which} {'serves' if step.old_running else 'was started'} again{moved}"


def _with_word(step: ReplaceContainer, failure: StepError | EngineError, word: str) -> StepError:
    first = failure.diagnostics[0]
    summary = first.summary if step.subject in first.summary else f"{step.subject}: {first.summary}"
    kind = SourceChanged if isinstance(failure, SourceChanged) else StepError
    return kind(replace(first, summary=summary, sandbox=step.subject, notes=(*first.notes, Note(word))))
