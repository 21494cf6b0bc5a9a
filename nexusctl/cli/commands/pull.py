from __future__ import annotations

import sys
from pathlib import Path

import click

from nexusctl.api.apply import Terms
from nexusctl.api.editing import pulling
from nexusctl.cli import options
from nexusctl.cli.exit_codes import FAILED
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.load_request import Inputs
from nexusctl.render.report.pull import describe_pulled, pulled_document, summarize_pulled


@click.command()
@options.stack_inputs
@click.option("--force", is_flag=True, help="Also over what was edited here since it was uploaded.")
@options.yes
@options.lock_timeout
@options.as_json
@click.argument("place", metavar="NAME[:PATH]")
def pull(inputs: Inputs, force: bool, yes: bool, lock_timeout: float, as_json: bool, place: str) -> int:
    """Bring what was edited inside of a sandbox back to where its uploads come from; a plan is empty then.

    PATH is an upload of the stack file, or what lies in one; all of them by default. What was edited here since it was
    uploaded is refused, and nothing is written then. Removals are asked for.
    """
    obey_sigterm()
    name, _, path = place.partition(":")

    def agree(told: pulling.Pulled) -> bool:
        if not as_json:
            click.echo(describe_pulled(told, str(Path.cwd())), nl=False)
            sys.stdout.flush()
        if not told.removed or yes:
            return True
        if not sys.stdin.isatty():
            raise InputError(
                Diagnostic("there is no terminal to ask for approval on", hint="pass --yes to remove files here too")
            )
        return click.confirm("Write this, with what is removed?", err=True)

    terms = Terms(begin=lambda _: None, lock_timeout=lock_timeout, report=options.say)
    told = pulling.pull(inputs, name, path, terms, agree, force=force)
    if told is None:
        options.say("Nothing was changed.")
        return FAILED
    for phrase in told.left:
        options.say(f"left inside: {phrase}")
    if as_json:
        options.write_json(pulled_document(told))
    else:
        click.echo(summarize_pulled(told))
    return 0
