from __future__ import annotations

import sys

import click

from nexusctl.api import config as documents
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
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
    if origin:
        # Most callers want the document.
        from nexusctl.render.origin import origins_document, render_origins  # noqa: PLC0415 - deferred: start-up time

        name, origins = documents.read_origins(inputs)
        if as_json:
            options.write_json(origins_document(name, origins))
        else:
            click.echo(render_origins(origins, color=options.wants_color(sys.stdout)), nl=False, color=True)
        return
    document = documents.read_document(inputs)
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "document": documents.as_json(document)})
    else:
        click.echo(render_yaml(document), nl=False)
