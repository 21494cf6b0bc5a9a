"""`nexusctl doctor`: what stands in the way on this machine, and what to do about it."""

from __future__ import annotations

import json
import os
import sys

import click
from click.core import ParameterSource

from nexusctl.cli import options
from nexusctl.cli.exit_codes import FAILED
from nexusctl.model.load_request import Inputs
from nexusctl.model.trust import Trust

_FOR_BOTH = ("as_json", "untrusted", "allowed_env", "allowed_templates", "offline")


@click.command()
@click.option("--security", is_flag=True, help="Rate the engine, and the stack file here, by CIS Docker Benchmark.")
@options.stack_inputs
@options.as_json
@click.pass_context
def doctor(context: click.Context, inputs: Inputs, security: bool, as_json: bool) -> int:
    """Check the engine, the registry and this machine, and say what to do. Exits with 1 for a problem.

    With --security each point of the benchmark that applies passes, warns or is for you to judge; no point that warns
    is a problem, an engine that cannot be asked is.
    """
    given = [name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if security:
        named = "files" in given or inputs.files[0].exists()
        return _rate(inputs if named else None, as_json=as_json)
    others = [each.opts[-1] for each in context.command.params if each.name in given and each.name not in _FOR_BOTH]
    if others:
        raise click.UsageError(f"{others[0]} is for `nexusctl doctor --security`")
    return _examine(inputs.trust, as_json=as_json)


def _examine(trust: Trust, *, as_json: bool) -> int:
    # Nor does a rating need these.
    from nexusctl.api.host import examine_machine  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.render.doctor import render_checks, render_checks_json, render_summary  # noqa: PLC0415 - deferred: start-up time

    checks = examine_machine(os.environ, trust)
    if as_json:
        click.echo(json.dumps(render_checks_json(checks), indent=2))
    else:
        click.echo(render_checks(checks))
        options.say(render_summary(checks))
    return FAILED if any(check.status == "problem" for check in checks) else 0


def _rate(inputs: Inputs | None, *, as_json: bool) -> int:
    # The checks of this machine need nothing of it.
    from nexusctl.api.rating import rate  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.render.rating import rating_document, render_counts, render_rating  # noqa: PLC0415 - deferred: start-up time

    rating = rate(inputs, os.environ)
    if as_json:
        options.write_json(rating_document(rating))
    else:
        click.echo(render_rating(rating, color=options.wants_color(sys.stdout)), color=True)
        options.say(render_counts(rating))
    return FAILED if rating.absence else 0
