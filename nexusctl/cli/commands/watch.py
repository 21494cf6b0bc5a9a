from __future__ import annotations

import click

from nexusctl.api import apply as sentence
from nexusctl.api.editing.watching import Reading, Watch
from nexusctl.cli import options
from nexusctl.cli.confirm import require_answer
from nexusctl.cli.exit_codes import FAILED, INTERRUPTED
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.cli.watch_face import WatchFace
from nexusctl.errors import EngineUnreachable, LockHeld, NexusError, PlanError
from nexusctl.model.load_request import Inputs
from nexusctl.plan.commands.names import Choice


@click.command()
@options.stack_inputs
@options.locked
@options.targets
@options.excludes
@click.option("--overwrite", is_flag=True, help="Write over what was changed inside too, and say so.")
@options.yes
@options.lock_timeout
@options.as_json
def watch(
    inputs: Inputs,
    locked: bool | None,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    overwrite: bool,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Apply the stack file, and again after each edit of it, of what it names and of what it uploads; until Ctrl-C.

    A file that is wrong shows its errors, and nothing is changed until it is right. A sandbox in which a file was
    changed since it was uploaded, and is changed here as well, is left as it is, unless --overwrite is given. After the
    first plan only those are asked for that replace or remove a sandbox.
    """
    obey_sigterm()
    require_answer(yes=yes)
    face = WatchFace(yes=yes, as_json=as_json)
    terms = face.terms(lock_timeout=lock_timeout, overwrites="told" if overwrite else "never")
    code = 0
    with Watch(options.with_lock(inputs, locked), Choice(targets=targets, excludes=excludes)) as watched:
        try:
            for reading in watched.readings():
                code = _take(watched, reading, face, terms)
                if code == INTERRUPTED or (face.declined and not face.begun):
                    break
        except (KeyboardInterrupt, click.Abort):
            code = FAILED if face.left else 0
    face.summarize()
    return code


def _take(watched: Watch, reading: Reading, face: WatchFace, terms: sentence.Terms) -> int:
    if reading.about is None:
        face.show_problems(reading.problems)
        return FAILED if reading.problems else 0
    try:
        code = face.follow(sentence.apply(reading.about, terms))
    except NexusError as error:
        may_pass = isinstance(error, EngineUnreachable | LockHeld)
        if not face.begun and not isinstance(error, PlanError):
            raise
        face.show_problems(error.diagnostics)
        watched.note_left(again=may_pass)
        return FAILED
    if face.left:
        watched.note_left(again=face.outrun)
    else:
        watched.note_done(reading.about)
    return code
