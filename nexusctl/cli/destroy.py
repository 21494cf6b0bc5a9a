from __future__ import annotations

import click

from nexusctl.api import connection, planning, subject
from nexusctl.cli import options
from nexusctl.cli.boundary import FAILED
from nexusctl.cli.carry_out import carry_out, require_answer
from nexusctl.cli.signals import obey_sigterm
from nexusctl.errors import EngineUnreachable
from nexusctl.model.inputs import Inputs
from nexusctl.model.live import LiveState
from nexusctl.render.format import FORMAT_VERSION


@click.command()
@options.stack_inputs
@options.stack_name
@click.option("--volumes", is_flag=True, help="Remove the volumes too; their data is lost.")
@click.option("--ignore-missing", is_flag=True, help="With --stack: no error where there is no stack of that name.")
@options.yes
@options.lock_timeout
@options.as_json
def destroy(
    inputs: Inputs,
    stack_name: str | None,
    volumes: bool,
    ignore_missing: bool,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Remove everything that belongs to the stack; volumes stay unless --volumes."""
    obey_sigterm()
    about = subject.read_subject(inputs, stack_name)
    options.warn(about.problems)
    name = about.stack.name
    require_answer(yes=yes)
    engine = connection.connect()
    if stack_name and not ignore_missing:
        subject.require_stack(engine, name)
    with connection.hold_lock(engine, name, timeout=lock_timeout, report=options.say, makes_space=True):
        chosen = planning.plan(engine, planning.empty_stack(name), remove_volumes=volumes)
        code = carry_out(engine, chosen, yes=yes, as_json=as_json, question=f"Remove all of stack {name}?")
    try:
        remains = planning.observe_remains(engine, name)
    except EngineUnreachable:
        if code:
            # It was gone before, and that has been said.
            return code
        raise
    if not as_json:
        click.echo(_describe_remains(name, remains))
    else:
        options.write_json({"format_version": FORMAT_VERSION, "event": "remains", "remains": _list_remains(remains)})
    return code or (FAILED if remains.sandboxes or remains.networks else 0)


def _list_remains(remains: LiveState) -> list[str]:
    return [
        *(f"container {sandbox.name}" for sandbox in remains.sandboxes),
        *(f"network {network.name}" for network in remains.networks),
        *(f"volume {volume.name}" for volume in remains.volumes),
        *(f"{'record' if orphan.kind == 'amendment' else orphan.kind} {orphan.name}" for orphan in remains.orphans),
    ]


def _describe_remains(stack: str, remains: LiveState) -> str:
    left = _list_remains(remains)
    if not left:
        return f"Nothing is left of stack {stack}."
    hint = " (`--volumes` removes volumes and their data)" if remains.volumes else ""
    return f"Left of stack {stack}: {', '.join(left)}{hint}."
