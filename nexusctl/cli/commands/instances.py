from __future__ import annotations

import sys
import time

import click

from nexusctl.api import connection
from nexusctl.api.everyday.instances import list_instances
from nexusctl.cli import options
from nexusctl.render.instances import instances_document, render_instances


@click.command()
@options.as_json
@click.argument("stack", required=False)
def instances(stack: str | None, as_json: bool) -> None:
    """List the instances of all stacks on this engine, or of STACK: what `--instance` has made."""
    found, problems = list_instances(connection.connect(), stack)
    options.warn(problems)
    if as_json:
        options.write_json(instances_document(found))
    else:
        text = render_instances(found, time.time(), color=options.wants_color(sys.stdout))
        click.echo(text, nl=False, color=True)
