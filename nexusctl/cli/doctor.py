"""`nexusctl doctor`: what stands in the way on this machine, and what to do about it."""

from __future__ import annotations

import json
import os

import click

from nexusctl.cli import options
from nexusctl.engine.docker.doctor import examine
from nexusctl.render.doctor import render_checks, render_checks_json, render_summary


@click.command()
@options.as_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check the engine, the registry and this machine, and say what to do. Exits with 1 for a problem."""
    checks = examine(os.environ)
    if as_json:
        click.echo(json.dumps(render_checks_json(checks), indent=2))
    else:
        click.echo(render_checks(checks))
        click.echo(render_summary(checks), err=True)
    context.exit(1 if any(check.status == "problem" for check in checks) else 0)
