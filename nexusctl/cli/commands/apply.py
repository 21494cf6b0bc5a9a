from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from nexusctl.api import apply as sentence
from nexusctl.api import subject
from nexusctl.cli import options
from nexusctl.cli.confirm import Face, require_answer
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.live import Adopt
from nexusctl.plan.commands.names import Choice


@click.command()
@click.argument("saved", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@options.stack_inputs
@options.deep
@options.adopt
@options.locked
@options.targets
@options.excludes
@options.start_stopped
@options.replaces
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
    start_stopped: bool,
    replaces: tuple[str, ...],
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
        face = Face(as_json=as_json, timeout=timeout)
        terms = face.terms(lock_timeout=lock_timeout, rollback=on_failure == "rollback")
        return face.follow(sentence.apply_saved(saved, inputs.given, terms, inputs.trust))
    about = subject.read_chosen(
        options.with_lock(inputs, locked),
        Choice(targets=targets, excludes=excludes, start_stopped=start_stopped, replaces=replaces),
    )
    require_answer(yes=yes, first=partial(_check_names, about))
    face = Face(as_json=as_json, yes=yes, question="Carry out this plan?", timeout=timeout)
    terms = face.terms(lock_timeout=lock_timeout, rollback=on_failure == "rollback")
    return face.follow(sentence.apply(about, terms, deep=deep, adopt=adopt))


def _check_names(about: subject.Subject) -> None:
    # Where somebody can be asked the plan does it.
    from nexusctl.api.everyday.required_names import require_choice  # noqa: PLC0415 - deferred: start-up time

    require_choice(about)


def _refuse_choice(context: click.Context) -> None:
    """A saved plan has its stack file and its choice in it; another one beside it would be silently ignored."""
    choice = {
        "deep": "--deep",
        "adopt": "--adopt",
        "adopt_containers": "--adopt-container",
        "locked": "--locked",
        "targets": "--target",
        "excludes": "--exclude",
        "start_stopped": "--start-stopped",
        "replaces": "--replace",
    }
    for name, flag in (options.INPUT_FLAGS | choice).items():
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flag} cannot be given with a saved plan, which says that already")
