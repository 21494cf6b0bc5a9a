from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from nexusctl.api import connection, execution, planning, secrets, subject
from nexusctl.cli import options
from nexusctl.cli.carry_out import carry_out, require_answer
from nexusctl.cli.signals import obey_sigterm
from nexusctl.engine.base import Engine
from nexusctl.model.inputs import Given, Inputs
from nexusctl.model.live import Adopt
from nexusctl.model.stack import Stack
from nexusctl.plan.choice import Choice


@click.command()
@click.argument("saved", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@options.stack_inputs
@options.deep
@options.adopt
@options.locked
@options.targets
@options.excludes
@click.option(
    "--on-failure", type=click.Choice(["keep", "rollback"]), default="keep", show_default=True,
    help="Keep what was done, or bring what this run touched back to what was recorded before.",
)  # fmt: skip
@click.option(
    "--timeout", type=options.Duration(), metavar="DURATION",
    help="Begin no step after this time, and fail; what is not done half a minute later is left.",
)  # fmt: skip
@options.yes
@options.lock_timeout
@options.as_json
@click.pass_context
def apply(
    context: click.Context,
    saved: Path | None,
    inputs: Inputs,
    deep: bool,
    adopt: Adopt,
    locked: bool | None,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    on_failure: str,
    timeout: float | None,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Show the plan, ask, and carry it out in dependency order, in parallel.

    With PLAN, a file that `plan --out` wrote: carry out that plan without asking, unless something moved since. It has
    the variables that were given with --var in it, except sensitive ones, which have to be given again.
    """
    obey_sigterm()
    if saved:
        _refuse_choice(context)
        return _apply_saved(saved, inputs.given, on_failure, timeout, lock_timeout, as_json=as_json)
    about = subject.read_chosen(options.with_lock(inputs, locked), Choice(targets=targets, excludes=excludes))
    stack = about.stack
    require_answer(yes=yes)
    engine = connection.connect()
    with connection.hold_lock(engine, stack.name, timeout=lock_timeout, report=options.say):
        basis = planning.prepare(engine, stack, deep=deep, adopt=adopt, choice=about.choice)
        options.warn((*about.problems, *basis.warnings))
        basis, known = secrets.read_secrets(engine, basis)
        back = partial(execution.plan_rollback, engine, basis) if on_failure == "rollback" else None
        question = "Carry out this plan?"
        execution.note_ends(engine, basis)
        code = carry_out(
            engine,
            basis.plan,
            yes=yes,
            as_json=as_json,
            question=question,
            back=back,
            known=known,
            timeout=timeout,
        )
    return code or _show_outputs(engine, stack, as_json=as_json)


def _apply_saved(
    path: Path, given: Given, on_failure: str, timeout: float | None, lock_timeout: float, *, as_json: bool
) -> int:
    # See `plan --out`: only a saved plan needs it.
    from nexusctl.api import saving  # noqa: PLC0415

    saved = saving.read_plan(path)
    engine = connection.connect()
    with connection.hold_lock(engine, saved.stack, timeout=lock_timeout, report=options.say):
        basis, known = secrets.read_secrets(engine, saving.recall_plan(engine, saved, given))
        back = partial(execution.plan_rollback, engine, basis) if on_failure == "rollback" else None
        code = carry_out(
            engine, basis.plan, yes=True, as_json=as_json, question="", back=back, known=known, timeout=timeout
        )
    return code or _show_outputs(engine, basis.stack, as_json=as_json)


def _show_outputs(engine: Engine, stack: Stack, *, as_json: bool) -> int:
    if not stack.outputs:
        return 0
    # Only a stack that has some needs it.
    from nexusctl.api.outputs import read_outputs  # noqa: PLC0415
    from nexusctl.render.outputs import outputs_event, render_outputs  # noqa: PLC0415

    found = read_outputs(engine, stack)
    if as_json:
        options.write_json(outputs_event(found))
    else:
        click.echo(f"\nOutputs:\n\n{render_outputs(found)}", nl=False)
    return 0


def _refuse_choice(context: click.Context) -> None:
    """A saved plan has its stack file and its choice in it; another one beside it would be silently ignored."""
    choice = {
        "deep": "--deep",
        "adopt": "--adopt",
        "adopt_containers": "--adopt-container",
        "locked": "--locked",
        "targets": "--target",
        "excludes": "--exclude",
    }
    for name, flag in (options.INPUT_FLAGS | choice).items():
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flag} cannot be given with a saved plan, which says that already")
