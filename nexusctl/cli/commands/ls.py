from __future__ import annotations

import sys
import time

import click

from nexusctl.api import connection
from nexusctl.api.overview.stacks import list_all
from nexusctl.cli import options
from nexusctl.render.overview.stacks import render_stacks, stacks_document


@click.command()
@options.as_json
@click.argument("stacks", nargs=-1, metavar="[STACK]...")
def ls(stacks: tuple[str, ...], as_json: bool) -> None:
    """List the stacks of this engine, each instance for itself: what they have, since when and by whom; who has stopped
    what on purpose, and who changes a stack now.

    A STACK may be a glob, and stands for its instances too. It needs no stack file, and looks into no sandbox.
    """
    found = list_all(connection.connect(), stacks)
    if as_json:
        options.write_json(stacks_document(found))
    else:
        click.echo(render_stacks(found, time.time(), color=options.wants_color(sys.stdout)), nl=False, color=True)
