from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from nexusctl.api import connection, execution, locking
from nexusctl.api.connection import Engine
from nexusctl.cli import options
from nexusctl.cli.confirm import require_answer
from nexusctl.cli.exit_codes import FAILED
from nexusctl.cli.terminal.progress import is_painted, show
from nexusctl.cli.terminal.signals import stoppable
from nexusctl.model.load_request import Inputs
from nexusctl.model.plan.plan import Difference, Plan
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.plan.plan import difference_document, render_difference


@click.command()
@options.stack_inputs
@click.option("--update", is_flag=True, help="Ask anew for everything, and show what differs before it is written.")
@options.yes
@options.as_json
def lock(inputs: Inputs, update: bool, yes: bool, as_json: bool) -> int:
    """Write `nexus.lock`: the images and package versions that the stack file stands for now.

    `apply --locked` then uses exactly those. What is locked already stays, but for --update.
    """
    path = inputs.lock_path
    known = locking.read_known(path, inputs.trust)
    stack = locking.load_asked(inputs)
    if not update and path.exists() and locking.covers(stack, known):
        _tell(path, {}, as_json=as_json)
        return 0
    if update:
        require_answer(yes=yes)
    engine = connection.connect()
    found = locking.resolve(engine, stack, known, lambda plan: _carry(engine, plan), update=update)
    if found is None:
        return FAILED
    differences = locking.compare_locks(known, found)
    if differences or not path.exists():
        if update and not as_json:
            _show(differences)
        if update and not yes and not click.confirm("Write this?", err=True):
            options.say("Nothing was changed.")
            return FAILED
        locking.save(found, path)
    _tell(path, differences, as_json=as_json, shown=update)
    return 0


def _carry(engine: Engine, plan: Plan) -> bool:
    with stoppable(painted=is_painted(as_json=False)) as interrupt:
        course = show(execution.apply(engine, plan, interrupt), plan, interrupt, as_json=False)
    sys.stderr.write(render_diagnostics(course.problems, color=options.wants_color(sys.stderr)))
    return course.finished.outcome == "done"


def _show(differences: Mapping[str, tuple[Difference, ...]]) -> None:
    color = options.wants_color(sys.stdout)
    for name, found in differences.items():
        click.echo(f"    ~ sandbox  {name}")
        for difference in found:
            click.echo(f"{'':9}{render_difference(difference, color=color)}", color=True)


def _tell(path: Path, differences: Mapping[str, tuple[Difference, ...]], *, as_json: bool, shown: bool = False) -> None:
    if as_json:
        changed = {name: [difference_document(one) for one in found] for name, found in differences.items()}
        options.write_json({"format_version": FORMAT_VERSION, "file": str(path), "differences": changed})
        return
    if not differences:
        click.echo(f"{path} is up to date.")
        return
    if not shown:
        _show(differences)
    click.echo(f"Wrote {path}.")
