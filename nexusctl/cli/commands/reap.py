from __future__ import annotations

import sys
import time

import click

from nexusctl.api import connection
from nexusctl.api.connection import Engine
from nexusctl.api.lifetimes.left_runs import find_left_runs, remove_left_run
from nexusctl.api.lifetimes.reap import Weigh, end_expired, find_expired, find_unwatched, release_reaper
from nexusctl.cli import options
from nexusctl.cli.confirm import Face
from nexusctl.cli.exit_codes import FAILED
from nexusctl.cli.terminal.show_plan import show_plan
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.errors import Diagnostic, LockHeld, NexusError
from nexusctl.model.observed.live import LiveState
from nexusctl.reaper.lookout import Lookout
from nexusctl.reaper.one_look import weigh_once

_OFTEN = 60.0
"""Seconds between two looks after which what happens in between is told well enough, see `reaper/idleness.py`."""


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would end.")
@click.option("--every", type=options.Duration(), metavar="DURATION", help="Look again after so long, until stopped.")
@options.as_json
def reap(dry_run: bool, every: float | None, as_json: bool) -> int:
    """End the sandboxes of this engine, of all stacks, whose lifetime is over, and what a killed `run` has left.

    Each is stopped, paused or destroyed, as its `on_expire` says; `pre_stop` and its signal come first. A stack that
    somebody changes at this moment is left for the next time. An `idle_timeout` takes somebody who looks all the
    time: the reaper, or --every with at most a minute, which counts from its own first look.
    """
    if every is not None and every < 1:
        raise click.BadParameter("look at most once a second", param_hint="--every")
    obey_sigterm()
    code, told = 0, False
    lookout = Lookout() if every is not None and every <= _OFTEN else None
    while True:
        try:
            engine = connection.connect()
            states = lookout.look(engine) if lookout else engine.survey()
            if not (told or lookout):
                options.warn(find_unwatched(states))
                told = True
            weighs = (lookout.weigh, lookout.weigh_again) if lookout else (weigh_once(engine),) * 2
            code = _reap(engine, states, *weighs, dry_run=dry_run, as_json=as_json)
        except NexusError as error:
            if every is None:
                raise
            # It may be back the next time.
            options.warn(tuple(error.diagnostics))
        if every is None:
            return code
        time.sleep(every)


def _reap(
    engine: Engine, states: tuple[LiveState, ...], weigh: Weigh, weigh_again: Weigh, *, dry_run: bool, as_json: bool
) -> int:
    code, ended = 0, False
    for found in find_expired(engine, states, weigh):
        if isinstance(found, Diagnostic):
            options.warn((found,))
            code = FAILED
        elif dry_run:
            show_plan(found, "planned", as_json=as_json)
        else:
            code, ended = _end(engine, found.stack, weigh_again, as_json=as_json) or code, True
    for stack in find_left_runs(engine):
        options.say(f"Stack {stack} is what a run has left that was killed here.")
        if not dry_run:
            code, ended = _clear(engine, stack, as_json=as_json) or code, True
    if not dry_run:
        options.warn(release_reaper(engine, states, options.say, ended=ended))
    sys.stdout.flush()
    return code


def _clear(engine: Engine, stack: str, *, as_json: bool) -> int:
    face = Face(as_json=as_json)
    try:
        return face.follow(remove_left_run(engine, stack, face.terms(lock_timeout=0)))
    except LockHeld:
        options.say(f"Stack {stack} is being changed; its turn comes the next time.")
    except NexusError as error:
        options.warn(error.diagnostics)
        return FAILED
    return 0


def _end(engine: Engine, stack: str, weigh: Weigh, *, as_json: bool) -> int:
    face = Face(as_json=as_json)
    try:
        return face.follow(end_expired(engine, stack, face.terms(lock_timeout=0), weigh))
    except LockHeld:
        options.say(f"Stack {stack} is being changed; its turn comes the next time.")
        return 0
