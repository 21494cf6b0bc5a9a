from __future__ import annotations

from functools import partial

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
@click.option(
    "--ignore-missing", is_flag=True, help="No error where nothing has the name that --stack or --instance gives."
)
@options.yes
@options.lock_timeout
@options.as_json
@click.argument("sandboxes", nargs=-1, metavar="[NAME]...")
def destroy(
    inputs: Inputs,
    stack_name: str | None,
    volumes: bool,
    ignore_missing: bool,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
    sandboxes: tuple[str, ...],
) -> int:
    """Remove everything that belongs to the stack; volumes stay unless --volumes.

    With NAME, a sandbox, a group or a glob, only that and what depends on it; the plan names them.
    """
    if sandboxes and volumes:
        raise click.UsageError("--volumes is for a whole stack: volumes of the file are not one sandbox's")
    obey_sigterm()
    about = subject.read_subject(inputs, stack_name)
    options.warn(about.problems)
    name = about.stack.name
    named = bool(stack_name) or _names_instance()
    must_exist = named and not ignore_missing
    require_answer(yes=yes, first=partial(_check_names, about, sandboxes, must_exist=must_exist))
    if sandboxes:
        # Mostly the whole goes.
        from nexusctl.api.everyday.removing import destroy_some  # noqa: PLC0415 - deferred: start-up time

        some = Face(as_json=as_json, yes=yes, question=f"Remove these of stack {name}?")
        return some.follow(destroy_some(about, sandboxes, some.terms(lock_timeout=lock_timeout), must_exist=must_exist))
    face = Face(as_json=as_json, yes=yes, question=f"Remove all of stack {name}?")
    terms = face.terms(lock_timeout=lock_timeout)
    return face.follow(sentence.destroy(name, terms, remove_volumes=volumes, must_exist=must_exist))


def _names_instance() -> bool:
    """Whether somebody has typed the name of one; `auto` is that of whatever branch this is."""
    context = click.get_current_context()
    typed = context.get_parameter_source("instance") is click.core.ParameterSource.COMMANDLINE
    return typed and context.params["instance"] != "auto"


def _check_names(about: subject.Subject, sandboxes: tuple[str, ...], *, must_exist: bool) -> None:
    # Where somebody can be asked the plan does it.
    from nexusctl.api.everyday.required_names import require_removal  # noqa: PLC0415 - deferred: start-up time

    require_removal(about, sandboxes, must_exist=must_exist)
