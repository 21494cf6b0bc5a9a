from __future__ import annotations

import sys
from pathlib import Path

import click

from nexusctl.api import connection, inspection, planning, subject
from nexusctl.cli import options
from nexusctl.model.load_request import STDIN, Inputs
from nexusctl.model.observed.live import Adopt
from nexusctl.plan.commands.names import Choice
from nexusctl.render.plan.plan import plan_document, render_plan


@click.command()
@options.stack_inputs
@options.deep
@options.adopt
@options.locked
@options.targets
@options.excludes
@options.start_stopped
@options.replaces
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan for `apply FILE`."
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes; a task with `run: always` is none."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown"]), default="text", show_default=True,
    help="markdown is for a pull request: at most 60 KB, and no value that looks like a secret.",
)  # fmt: skip
@options.as_json
def plan(
    inputs: Inputs,
    deep: bool,
    adopt: Adopt,
    locked: bool | None,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    start_stopped: bool,
    replaces: tuple[str, ...],
    out: Path | None,
    detailed_exitcode: bool,
    form: str,
    as_json: bool,
) -> int:
    """Show what apply would create, change or remove, and why. Changes nothing, needs no image."""
    if out and STDIN in inputs.files:
        raise click.UsageError("--out needs a stack file that `apply` can read again, and stdin is none")
    inputs = options.with_lock(inputs, locked)
    choice = Choice(targets=targets, excludes=excludes, start_stopped=start_stopped, replaces=replaces)
    about = subject.read_chosen(inputs, choice)
    engine = connection.connect()
    basis = planning.prepare(engine, about.stack, deep=deep, adopt=adopt, choice=about.choice)
    options.warn((*about.problems, *basis.warnings))
    shown = inspection.mark_flight(basis)
    if as_json:
        options.write_json(plan_document(shown))
    elif form == "markdown":
        # Few plans go into a pull request.
        from nexusctl.render.plan.markdown import render_markdown  # noqa: PLC0415 - deferred: start-up time

        click.echo(render_markdown(shown), nl=False)
    else:
        click.echo(render_plan(shown, color=options.wants_color(sys.stdout)), nl=False, color=True)
    if out:
        # Few plans are saved, and what digests them takes as long to load as a plan to make.
        from nexusctl.api import saving  # noqa: PLC0415 - deferred: start-up time

        saving.save_plan(engine, basis, inputs, out, deep=deep, adopt=adopt, choice=choice)
        options.say(f"Saved as {out}: `nexusctl apply {out}` carries out exactly this plan, or says why not.")
    return 2 if detailed_exitcode and not basis.plan.settled else 0
