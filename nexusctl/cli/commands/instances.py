from __future__ import annotations

import sys
import time

import click

from nexusctl.api import connection
from nexusctl.api.everyday.instances import list_instances, suggest_stack
from nexusctl.cli import options
from nexusctl.render.instances import instances_document, render_instances


@click.command()
@options.as_json
@click.argument("stack", required=False)
def instances(stack: str | None, as_json: bool) -> None:
    """List the instances of all stacks on this engine, or of STACK: what `--instance` has made."""
    engine = connection.connect()
    found = list_instances(engine, stack)
    if stack and not found:
        # That there are none is an answer, so that a wrong name can be no error.
        options.warn(suggest_stack(engine, stack))
    if as_json:
        options.write_json(instances_document(found))
    else:
        text = render_instances(found, time.time(), color=options.wants_color(sys.stdout))
        click.echo(text, nl=False, color=True)
