from __future__ import annotations

from pathlib import Path

import click

from nexusctl import api
from nexusctl.cli import options
from nexusctl.cli.carry_out import carry_out, require_answer


@click.command()
@options.stack_file
@options.yes
@options.lock_timeout
@options.as_json
def apply(file: Path, yes: bool, lock_timeout: float, as_json: bool) -> int:
    """Show the plan, ask, and carry it out in dependency order, in parallel."""
    stack = api.load(file)
    require_answer(yes=yes)
    engine = api.connect()
    with api.hold_lock(engine, stack.name, timeout=lock_timeout, report=options.say):
        chosen = api.plan(engine, stack)
        return carry_out(engine, chosen, yes=yes, as_json=as_json, question="Carry out this plan?")
