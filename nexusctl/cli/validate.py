from __future__ import annotations

from pathlib import Path

import click

from nexusctl.api import planning
from nexusctl.cli import options
from nexusctl.render.style import count


@click.command()
@options.stack_file
@options.as_json
def validate(file: Path, as_json: bool) -> None:
    """Check a stack file and everything that it names; touches no engine."""
    stack = planning.load(file)
    if as_json:
        options.write_json({"format_version": "1.0", "stack": stack.name, "sandboxes": list(stack.sandboxes)})
    else:
        click.echo(f"{file} is valid: stack {stack.name} with {count(len(stack.sandboxes), 'sandbox')}.")
