from __future__ import annotations

import click

from nexusctl.api import connection, outputs, subject
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.outputs import outputs_document, render_outputs, render_value


@click.command()
@click.argument("name", required=False)
@options.stack_inputs
@options.as_json
def output(name: str | None, inputs: Inputs, as_json: bool) -> None:
    """Show the outputs of the stack, or only the value of NAME, which may be a sensitive one."""
    about = subject.read_for_outputs(inputs, name)
    options.warn(about.problems)
    stack = about.stack
    engine = connection.connect()
    found = (outputs.read_output(engine, stack, name),) if name else outputs.read_outputs(engine, stack)
    if as_json:
        options.write_json(outputs_document(stack.name, found))
    elif name:
        click.echo(render_value(found[0]))
    else:
        click.echo(render_outputs(found) or f"Stack {stack.name} has no outputs.\n", nl=False)
