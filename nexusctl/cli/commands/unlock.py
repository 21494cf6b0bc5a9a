from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from nexusctl.api import connection, subject
from nexusctl.cli import options
from nexusctl.cli.confirm import require_answer
from nexusctl.cli.exit_codes import FAILED
from nexusctl.model.engine_names import run_lock
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.render.format import FORMAT_VERSION


@click.command()
@click.argument("stack", required=False)
@options.stack_inputs
@options.yes
@options.as_json
def unlock(stack: str | None, inputs: Inputs, yes: bool, as_json: bool) -> int:
    """Say who holds a stack's lock, and remove it. STACK is its name; without it the stack file tells."""
    engine, about = subject.find_subject(inputs, stack)
    options.warn(about.problems)
    name = about.stack.name
    holder = connection.find_lock(engine, name)
    if holder is None and (running := connection.find_lock(engine, run_lock(name))):
        name, holder = run_lock(name), running
    if holder is None:
        _tell(name, None, as_json=as_json)
        return 0
    if not yes:
        options.say(_describe(name, holder))
        require_answer(yes=yes)
        if not click.confirm("If it is still at work, two would change the stack at once. Remove it?", err=True):
            options.say("Nothing was changed.")
            return FAILED
    _tell(name, engine.unlock(name), as_json=as_json)
    return 0


def _tell(stack: str, holder: LockHolder | None, *, as_json: bool) -> None:
    if as_json:
        options.write_json(
            {"format_version": FORMAT_VERSION, "stack": stack, "removed": asdict(holder) if holder else None}
        )
    elif holder is None:
        click.echo(f"Stack {stack} is not locked.")
    else:
        click.echo(f"Removed. {_describe(stack, holder)}")


def _describe(stack: str, holder: LockHolder) -> str:
    since = datetime.fromtimestamp(holder.since).strftime("%Y-%m-%d %H:%M:%S")
    who = f"{holder.user or 'somebody'}@{holder.host or 'an unknown host'}"
    return f"The lock of stack {stack}: {who}, pid {holder.pid}, {holder.command or 'nexusctl'}, since {since}."
