from __future__ import annotations

import sys
import time

import click

from nexusctl.api import connection
from nexusctl.api.connection import Engine
from nexusctl.api.lifetimes.reap import end_expired, find_expired, find_unwatched, release_reaper
from nexusctl.cli import options
from nexusctl.cli.confirm import Face
from nexusctl.cli.exit_codes import FAILED
from nexusctl.cli.terminal.show_plan import show_plan
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.errors import Diagnostic, LockHeld, NexusError


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would end.")
@click.option("--every", type=options.Duration(), metavar="DURATION", help="Look again after so long, until stopped.")
@options.as_json
def reap(dry_run: bool, every: float | None, as_json: bool) -> int:
    """End the sandboxes of this engine, of all stacks, whose lifetime is over.

    Each is stopped, paused or destroyed, as its `on_expire` says; `pre_stop` and its signal come first. A stack that
    somebody changes at this moment is left for the next time. No `idle_timeout` ends anything here: that is the
    reaper's alone, for it takes somebody who looks all the time.
    """
    if every is not None and every < 1:
        raise click.BadParameter("look at most once a second", param_hint="--every")
    obey_sigterm()
    code, told = 0, False
    while True:
        try:
            engine = connection.connect()
            if not told:
                options.warn(find_unwatched(engine))
                told = True
            code = _reap(engine, dry_run=dry_run, as_json=as_json)
        except NexusError as error:
            if every is None:
                raise
            # It may be back the next time.
            options.warn(tuple(error.diagnostics))
        if every is None:
            return code
        time.sleep(every)


def _reap(engine: Engine, *, dry_run: bool, as_json: bool) -> int:
    code = 0
    for found in find_expired(engine):
        if isinstance(found, Diagnostic):
            options.warn((found,))
            code = FAILED
        elif dry_run:
            show_plan(found, "planned", as_json=as_json)
        else:
            code = _end(engine, found.stack, as_json=as_json) or code
    if not dry_run:
        options.warn(release_reaper(engine, options.say))
    sys.stdout.flush()
    return code


def _end(engine: Engine, stack: str, *, as_json: bool) -> int:
    face = Face(as_json=as_json)
    try:
        return face.follow(end_expired(engine, stack, face.terms(lock_timeout=0)))
    except LockHeld:
        options.say(f"Stack {stack} is being changed; its turn comes the next time.")
        return 0
