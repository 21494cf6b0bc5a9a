from __future__ import annotations

import sys
from pathlib import Path

import click

from nexusctl import api
from nexusctl.cli import options
from nexusctl.render.plan import plan_document, render_plan


@click.command()
@options.stack_file
@click.option("--deep", is_flag=True, help="Also look inside every sandbox.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@options.as_json
def plan(file: Path, deep: bool, detailed_exitcode: bool, as_json: bool) -> int:
    """Show what apply would create, change or remove, and why. Changes nothing, needs no image."""
    chosen = api.plan(api.connect(), api.load(file), deep=deep)
    if as_json:
        options.write_json(plan_document(chosen))
    else:
        click.echo(render_plan(chosen, color=options.wants_color(sys.stdout)), nl=False, color=True)
    return 2 if detailed_exitcode and not chosen.empty else 0
