from __future__ import annotations

import sys

import click

from nexusctl.api import subject
from nexusctl.api.overview.stats import list_processes, watch_stats
from nexusctl.cli import options
from nexusctl.cli.terminal.streams import rewind
from nexusctl.model.load_request import Inputs
from nexusctl.render.overview.stats import processes_document, render_processes, render_stats, stats_document


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("sandboxes", nargs=-1, metavar="[NAME]...")
@click.option("--once", is_flag=True, help="One sample, and no more.")
@click.option(
    "--interval", type=options.Duration(), default="1s", show_default=True, metavar="DURATION",
    help="Between two samples; what a CPU is used for is counted over it.",
)  # fmt: skip
@options.as_json
def stats(
    inputs: Inputs, stack_name: str | None, sandboxes: tuple[str, ...], once: bool, interval: float, as_json: bool
) -> None:
    """Show what sandboxes use of CPU, memory, networks and disks; all of them where none is named.

    It goes on until Ctrl-C, also with those that join. With --json each sample is a line.
    """
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    height = 0
    for sample in watch_stats(engine, found.stack, sandboxes, interval):
        if as_json:
            options.write_json(stats_document(found.stack.name, sample))
        else:
            text = render_stats(sample, color=options.wants_color(sys.stdout))
            if height and sys.stdout.isatty():
                rewind(sys.stdout, height)
            click.echo(text, nl=False, color=True)
            height = text.count("\n")
        if once:
            return


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("sandbox", metavar="NAME")
@options.as_json
def top(inputs: Inputs, stack_name: str | None, sandbox: str, as_json: bool) -> None:
    """List the processes of a sandbox, with the numbers that they have on the engine's machine."""
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    live, processes = list_processes(engine, found.stack, sandbox)
    if as_json:
        options.write_json(processes_document(live.sandbox, processes))
    else:
        click.echo(render_processes(processes), nl=False)
