from __future__ import annotations

import sys

import click

from nexusctl.api.everyday.explaining import explain as tell
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.explain import render_stories, stories_document


@click.command()
@options.stack_inputs
@options.as_json
@click.argument("asked", metavar="NAME[.FIELD]")
def explain(inputs: Inputs, as_json: bool, asked: str) -> None:
    """Say why the plan says what it says of NAME: what the file wants and where, what was applied, what is live.

    FIELD is a path as plans name them, such as `env.PORT` or `resources`. Looks inside; changes nothing.
    """
    stories, problems = tell(inputs, asked)
    options.warn(problems)
    if as_json:
        options.write_json(stories_document(stories))
    else:
        click.echo(render_stories(stories, color=options.wants_color(sys.stdout)), nl=False, color=True)
