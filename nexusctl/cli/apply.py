from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from nexusctl.api import connection, execution, planning, secrets
from nexusctl.cli import options
from nexusctl.cli.carry_out import carry_out, require_answer
from nexusctl.cli.signals import obey_sigterm
from nexusctl.model.inputs import Inputs
from nexusctl.plan.choice import Choice


@click.command()
@click.argument("saved", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@options.stack_inputs
@options.deep
@options.locked
@options.targets
@options.excludes
@click.option(
    "--on-failure", type=click.Choice(["keep", "rollback"]), default="keep", show_default=True,
    help="Keep what was done, or bring what this run touched back to what was recorded before.",
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
    locked: bool | None,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    on_failure: str,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Show the plan, ask, and carry it out in dependency order, in parallel.

    With PLAN, a file that `plan --out` wrote: carry out that plan without asking, unless something moved since.
    """
    obey_sigterm()
    if saved:
        _refuse_choice(context)
        return _apply_saved(saved, on_failure, lock_timeout, as_json=as_json)
    stack = planning.load(options.with_lock(inputs, locked))
    require_answer(yes=yes)
    engine = connection.connect()
    with connection.hold_lock(engine, stack.name, timeout=lock_timeout, report=options.say):
        basis = planning.prepare(engine, stack, deep=deep, choice=Choice(targets=targets, excludes=excludes))
        basis, reveal = secrets.read_secrets(engine, basis)
        back = partial(execution.plan_rollback, engine, basis) if on_failure == "rollback" else None
        question = "Carry out this plan?"
        return carry_out(engine, basis.plan, yes=yes, as_json=as_json, question=question, back=back, reveal=reveal)


def _apply_saved(path: Path, on_failure: str, lock_timeout: float, *, as_json: bool) -> int:
    # See `plan --out`: only a saved plan needs it.
    from nexusctl.api import saving  # noqa: PLC0415

    saved = saving.read_plan(path)
    engine = connection.connect()
    with connection.hold_lock(engine, saved.stack, timeout=lock_timeout, report=options.say):
        basis, reveal = secrets.read_secrets(engine, saving.recall_plan(engine, saved))
        back = partial(execution.plan_rollback, engine, basis) if on_failure == "rollback" else None
        return carry_out(engine, basis.plan, yes=True, as_json=as_json, question="", back=back, reveal=reveal)


def _refuse_choice(context: click.Context) -> None:
    """A saved plan has its stack file and its choice in it; another one beside it would be silently ignored."""
    choice = {"deep": "--deep", "locked": "--locked", "targets": "--target", "excludes": "--exclude"}
    for name, flag in (options.INPUT_FLAGS | choice).items():
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flag} cannot be given with a saved plan, which says that already")
