from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from nexusctl.api import inspection, subject
from nexusctl.api.inspection import STATES, select
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.render.status import find_overfull, render_lock, render_status, status_document


@click.command()
@options.stack_inputs
@options.stack_name
@click.option("--state", "states", multiple=True, metavar="STATE", help="Only those in this state or health.")
@click.option("--metadata", "pairs", multiple=True, metavar="KEY=VALUE", help="Only those with this metadata.")
@options.as_json
def status(
    inputs: Inputs, stack_name: str | None, states: tuple[str, ...], pairs: tuple[str, ...], as_json: bool
) -> None:
    """Show state, health, uptime, template, ports and endpoint of each sandbox; and who changes the stack now, if
    somebody does.
    """
    _require_states(states)
    metadata = dict(options.split_pair(pair, "--metadata") for pair in pairs)
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    live, statuses = inspection.look(engine, found.stack)
    chosen = select(statuses, states=states, metadata=metadata)
    options.warn(tuple(find_overfull(chosen)))
    if as_json:
        options.write_json(status_document(found.stack.name, chosen, live.lock))
    else:
        click.echo(render_status(chosen, color=options.wants_color(sys.stdout)), nl=False, color=True)
        if live.lock:
            options.say(render_lock(found.stack.name, live.lock))


def _require_states(states: Iterable[str]) -> None:
    for state in states:
        if state not in STATES:
            hint = suggest(state, STATES, "states")
            raise click.BadParameter(f"no sandbox can be {state!r}; {hint}", param_hint="--state")
