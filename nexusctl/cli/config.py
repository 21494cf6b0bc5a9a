from __future__ import annotations

import sys

import click

from nexusctl.cli import options
from nexusctl.config.load import load_whole
from nexusctl.config.resolved import as_json as json_values
from nexusctl.config.resolved import resolved
from nexusctl.model.inputs import Inputs
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.yaml_text import render_yaml


@click.command()
@options.stack_inputs
@click.option("--origin", is_flag=True, help="Say for every value where it was set, and what it was set over.")
@options.as_json
def config(inputs: Inputs, origin: bool, as_json: bool) -> None:
    """Print the stack with files, references and templates worked in, as a stack file. Touches no engine.

    Secrets and sensitive variables stay references. Relative paths become absolute, so that the file can lie anywhere.
    """
    loaded = load_whole(inputs)
    if origin:
        # The walk through all layers is for those who ask.
        from nexusctl.config.origin import find_origins  # noqa: PLC0415
        from nexusctl.render.origin import origins_document, render_origins  # noqa: PLC0415

        origins = find_origins(loaded)
        if as_json:
            options.write_json(origins_document(loaded.stack.name, origins))
        else:
            click.echo(render_origins(origins, color=options.wants_color(sys.stdout)), nl=False, color=True)
    elif as_json:
        options.write_json({"format_version": FORMAT_VERSION, "document": json_values(resolved(loaded))})
    else:
        click.echo(render_yaml(resolved(loaded)), nl=False)
