"""`nexusctl engine`: find, start and stop the container engine."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from nexusctl.api import host as api_host
from nexusctl.api.host import START_TIMEOUT, STOP_TIMEOUT, InstallEngine
from nexusctl.cli import options
from nexusctl.cli.terminal.group import SuggestingGroup
from nexusctl.errors import Diagnostic, EngineUnreachable, InputError
from nexusctl.render.engine import (
    render_absence_json,
    render_start_json,
    render_status,
    render_status_json,
    render_stop_json,
)

_host = click.option(
    "--host", metavar="unix:///PATH", help="The engine at this socket, rather than the one that commands would use."
)


@click.group(cls=SuggestingGroup)
def engine() -> None:
    """Find, start and stop the container engine on this machine."""


@engine.command()
@_host
@click.option("--data-root", metavar="DIR", help="With --host: the folder for that engine's images and containers.")
@click.option("--yes", is_flag=True, help="Install the distribution's engine without asking, where there is none.")
@click.option("--timeout", default=START_TIMEOUT, show_default=True, help="Seconds to wait for the engine's answer.")
@options.as_json
def start(host: str | None, data_root: str | None, yes: bool, timeout: float, as_json: bool) -> None:
    """Use the engine that answers, else start the installed one, else install and start the distribution's."""

    def ask(choice: InstallEngine) -> None:
        _ask(choice, yes)

    endpoint, done = api_host.start(host, data_root, os.environ, timeout=timeout, ask=ask, report=_report)
    if as_json:
        _print_json(render_start_json(endpoint, done))
    else:
        click.echo(f"{done}\nthe engine answers at {endpoint.url}, API {endpoint.version}")
        if host:
            click.echo(f"use it with: export DOCKER_HOST={endpoint.url}")


@engine.command()
@_host
@options.as_json
@click.pass_context
def status(context: click.Context, host: str | None, as_json: bool) -> None:
    """Show which engine is used, how it was found, and what it is. Exits with 1 where none answers."""
    try:
        found = api_host.read_status(host, os.environ)
    except EngineUnreachable as error:
        if not as_json:
            raise
        _print_json(render_absence_json(error.summary))
        context.exit(1)
    if as_json:
        _print_json(render_status_json(found))
    else:
        click.echo(render_status(found))


@engine.command()
@_host
@click.option("--timeout", default=STOP_TIMEOUT, show_default=True, help="Seconds to wait for the engine's end.")
@options.as_json
def stop(host: str | None, timeout: float, as_json: bool) -> None:
    """Stop the engine that `engine start` started; any other is left alone."""
    done = api_host.stop(host, os.environ, timeout=timeout, report=_report)
    if as_json:
        _print_json(render_stop_json(done))
    else:
        click.echo(done)


def _ask(choice: InstallEngine, yes: bool) -> None:
    commands = "\n".join(f"  {' '.join(command)}" for command in choice.commands)
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(
            Diagnostic(
                "no engine is installed, and there is no terminal to ask whether to install one",
                hint="say --yes to run: " + "; ".join(" ".join(command) for command in choice.commands),
            )
        )
    click.echo(f"No engine is installed. This would install and start the distribution's:\n{commands}", err=True)
    click.confirm("Go ahead?", abort=True, err=True)


def _report(phrase: str) -> None:
    click.echo(phrase, err=True)


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, indent=2))
