from __future__ import annotations

import sys

import click

from nexusctl.api import connection, inspection, planning
from nexusctl.cli import options
from nexusctl.model.inputs import Inputs
from nexusctl.plan.status import select
from nexusctl.render.status import render_status, status_document


@click.command()
@options.stack_inputs
@options.stack_name
@click.option("--state", "states", multiple=True, metavar="STATE", help="Only those in this state or health.")
@click.option("--metadata", "pairs", multiple=True, metavar="KEY=VALUE", help="Only those with this metadata.")
@options.as_json
def status(
    inputs: Inputs, stack_name: str | None, states: tuple[str, ...], pairs: tuple[str, ...], as_json: bool
) -> None:
    """Show state, health, uptime, template, ports and endpoint of each sandbox."""
    metadata = dict(options.split_pair(pair, "--metadata") for pair in pairs)
    stack = planning.stack_at(inputs, stack_name)
    chosen = select(inspection.status(connection.connect(), stack), states=states, metadata=metadata)
    if as_json:
        options.write_json(status_document(stack.name, chosen))
    else:
        click.echo(render_status(chosen, color=options.wants_color(sys.stdout)), nl=False, color=True)
