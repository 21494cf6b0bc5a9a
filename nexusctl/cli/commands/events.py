from __future__ import annotations

import click

from nexusctl.api import subject
from nexusctl.api.overview.events import read_events
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.overview.events import event_document, render_event


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("sandboxes", nargs=-1, metavar="[NAME]...")
@click.option("--follow", is_flag=True, help="Go on with what happens until Ctrl-C.")
@click.option("--since", type=options.Duration(), metavar="DURATION", help="Only what is younger, such as 10m or 2h.")
@options.as_json
def events(
    inputs: Inputs, stack_name: str | None, sandboxes: tuple[str, ...], follow: bool, since: float | None, as_json: bool
) -> None:
    """Tell what happened to sandboxes, as far as the engine remembers; to all of them where none is named.

    A NAME may be a glob, or a group: its replicas. With --json each event is a line.
    """
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    if follow:
        from nexusctl.cli.terminal.reader_gone import end_with_reader  # noqa: PLC0415 - deferred: start-up time

        end_with_reader()
    for event in read_events(engine, found.stack, sandboxes, since, follow=follow):
        if as_json:
            options.write_json(event_document(found.stack.name, event))
        else:
            click.echo(render_event(event))
