"""Puts a plan before the user."""

from __future__ import annotations

import sys

import click

from nexusctl.cli import options
from nexusctl.model.plan.plan import Plan
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.plan.plan import plan_document, render_plan


def show_plan(chosen: Plan, event: str, *, as_json: bool) -> None:
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "event": event, "plan": plan_document(chosen)})
    else:
        click.echo(render_plan(chosen, color=options.wants_color(sys.stdout)), nl=False, color=True)
