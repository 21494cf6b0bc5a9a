from __future__ import annotations

import sys

import click

from nexusctl.api import inspection, subject
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.plan.drift import drift_document, render_drift

DRIFTED = 2
"""The exit code that tells drift from an error."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.stack_inputs
@options.stack_name
@options.as_json
def drift(names: tuple[str, ...], inputs: Inputs, stack_name: str | None, as_json: bool) -> int:
    """Look inside every sandbox, or the named ones, and show what is not as it was applied. Changes nothing.

    Exits with 2 where something has drifted, with 0 where nothing has.
    """
    engine, about = subject.find_subject(inputs, stack_name)
    options.warn(about.problems)
    found = inspection.find_drift(engine, about.stack, names)
    if as_json:
        options.write_json(drift_document(found))
    else:
        click.echo(render_drift(found, named=bool(names), color=options.wants_color(sys.stdout)), nl=False, color=True)
    return DRIFTED if found.changes else 0
