from __future__ import annotations

from typing import Any

import click

from nexusctl.api import connection, subject
from nexusctl.api.everyday.waiting import describe_unmet, wait_for
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.format import FORMAT_VERSION

TIME_IS_OVER = 124
"""The exit code of coreutils' `timeout`, and of `exec --timeout`."""


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("sandboxes", nargs=-1, metavar="[NAME]...")
@click.option(
    "--for", "wanted", type=click.Choice(["running", "healthy", "completed", "stopped", "gone"]), default="healthy",
    show_default=True, help="What to wait for; completed is an end with exit code 0.",
)  # fmt: skip
@click.option("--timeout", type=options.Duration(), metavar="DURATION", help="Give up after this time, with code 124.")
@options.as_json
def wait(
    inputs: Inputs,
    stack_name: str | None,
    sandboxes: tuple[str, ...],
    wanted: Any,
    timeout: float | None,
    as_json: bool,
) -> int:
    """Wait until sandboxes are healthy, have completed, are stopped or gone; all where none is named.

    It ends at once, with code 1, where one of them cannot come to that any more. A wait changes nothing.
    """
    about = subject.read_subject(inputs, stack_name)
    options.warn(about.problems)
    engine = connection.connect()
    if stack_name and wanted != "gone":
        subject.require_stack(engine, about.stack.name)
    found = wait_for(engine, about.stack, sandboxes, wanted, timeout, options.warn)
    met = all(one.met for one in found)
    if as_json:
        told = [
            {"name": o.name, "met": o.met, "state": o.state, "health": o.health, "exit_code": o.exit_code}
            for o in found
        ]
        options.write_json({"format_version": FORMAT_VERSION, "met": met, "sandboxes": told})
    if problem := describe_unmet(found):
        raise problem
    if not met:
        left = ", ".join(f"{o.name} ({o.health if o.health != 'none' else o.state})" for o in found if not o.met)
        options.say(f"not {wanted} in time: {left}")
    return 0 if met else TIME_IS_OVER
