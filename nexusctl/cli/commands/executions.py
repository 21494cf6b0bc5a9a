from __future__ import annotations

import sys
import time

import click

from nexusctl.api import connection, inspection, subject
from nexusctl.api.everyday import executions as api
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.executions import executions_document, render_executions


@click.command()
@options.stack_inputs
@options.stack_name
@options.as_json
@click.argument("words", metavar="[NAME]... | rm ID...", nargs=-1)
def executions(inputs: Inputs, stack_name: str | None, as_json: bool, words: tuple[str, ...]) -> None:
    """List the commands that were started in sandboxes, or only in those called NAME; `rm ID...` removes some.

    Each is kept in its sandbox with its log and its end, the newest 200 of them; all go when the sandbox does.
    """
    if words[:1] == ("rm",):
        _remove(words[1:])
        return
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    listed = api.listing(engine, inspection.find_sandboxes(engine, found.stack, words))
    if as_json:
        options.write_json(executions_document(listed))
    else:
        text = render_executions(listed, time.time(), color=options.wants_color(sys.stdout))
        click.echo(text, nl=False, color=True)


def _remove(ids: tuple[str, ...]) -> None:
    if not ids:
        raise click.UsageError("Missing argument 'ID...'; `nexusctl executions` lists them.")
    engine = connection.connect()
    for execution_id in ids:
        api.remove(engine, execution_id)
