from __future__ import annotations

import click

from nexusctl.api import apply as sentence
from nexusctl.api import subject
from nexusctl.cli import options
from nexusctl.cli.confirm import Face, require_answer
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.model.load_request import Inputs


@click.command()
@options.stack_inputs
@options.stack_name
@click.option("--volumes", is_flag=True, help="Remove the volumes too; their data is lost.")
@click.option("--ignore-missing", is_flag=True, help="With --stack: no error where there is no stack of that name.")
@options.yes
@options.lock_timeout
@options.as_json
def destroy(
    inputs: Inputs,
    stack_name: str | None,
    volumes: bool,
    ignore_missing: bool,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Remove everything that belongs to the stack; volumes stay unless --volumes."""
    obey_sigterm()
    about = subject.read_subject(inputs, stack_name)
    options.warn(about.problems)
    name = about.stack.name
    require_answer(yes=yes)
    face = Face(as_json=as_json, yes=yes, question=f"Remove all of stack {name}?")
    terms = face.terms(lock_timeout=lock_timeout)
    must_exist = bool(stack_name) and not ignore_missing
    return face.follow(sentence.destroy(name, terms, remove_volumes=volumes, must_exist=must_exist))
