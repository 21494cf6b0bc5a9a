from __future__ import annotations

import sys

import click

from nexusctl.api import subject
from nexusctl.api.overview.history import list_history
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.overview.history import history_document, render_history


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("sandboxes", nargs=-1, metavar="[NAME]...")
@options.as_json
def history(inputs: Inputs, stack_name: str | None, sandboxes: tuple[str, ...], as_json: bool) -> None:
    """Show who created, changed, stopped or started sandboxes, and when, by the engine's own records. Newest first.

    It also tells who let one live longer, and what ended by its lifetime. A NAME may be a glob. Records go with their
    containers, so that little is told of what is gone.
    """
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    deeds = list_history(engine, found.stack.name, sandboxes)
    if as_json:
        options.write_json(history_document(found.stack.name, deeds))
    else:
        click.echo(render_history(deeds, color=options.wants_color(sys.stdout)), nl=False, color=True)
