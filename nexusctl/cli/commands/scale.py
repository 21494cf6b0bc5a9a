"""The verbs that change how many there are of a sandbox, or what it is called, in the file and then in the world."""

from __future__ import annotations

import click

from nexusctl.api.everyday import scaling
from nexusctl.cli import options
from nexusctl.cli.confirm import Face, require_answer
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.model.load_request import Inputs


@click.command()
@options.stack_inputs
@options.yes
@options.lock_timeout
@options.as_json
@click.argument("wanted", metavar="NAME=NUMBER...", nargs=-1, required=True)
def scale(inputs: Inputs, yes: bool, lock_timeout: float, as_json: bool, wanted: tuple[str, ...]) -> int:
    """Write how many there are of a sandbox into the stack file, as `replicas`, and apply that part of it.

    Nothing else in the file changes. Where you do not want the plan, the file is as it was.
    """
    numbers: dict[str, int] = {}
    for pair in wanted:
        name, number = options.split_pair(pair, "NAME=NUMBER")
        if not number.isdecimal():
            raise click.BadParameter(f"{number!r} is no number of sandboxes", param_hint="NAME=NUMBER")
        numbers[name] = int(number)
    obey_sigterm()
    require_answer(yes=yes, first=lambda: scaling.check_scale(inputs, numbers))
    face = Face(as_json=as_json, yes=yes, question="Carry out this plan?")
    return face.follow(scaling.scale(inputs, numbers, face.terms(lock_timeout=lock_timeout)))


@click.command()
@options.stack_inputs
@options.yes
@options.lock_timeout
@options.as_json
@click.argument("old", metavar="NAME")
@click.argument("new", metavar="NEW-NAME")
def rename(inputs: Inputs, yes: bool, lock_timeout: float, as_json: bool, old: str, new: str) -> int:
    """Call a sandbox otherwise, wherever the stack file names it, and apply that: its container stays.

    Nothing else in the file changes but for an entry in `moved`. Where you do not want the plan, the file is as it was.
    """
    obey_sigterm()
    require_answer(yes=yes, first=lambda: scaling.check_rename(inputs, old, new))
    face = Face(as_json=as_json, yes=yes, question="Carry out this plan?")
    return face.follow(scaling.rename(inputs, old, new, face.terms(lock_timeout=lock_timeout)))
