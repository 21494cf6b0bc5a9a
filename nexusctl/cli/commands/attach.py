from __future__ import annotations

import contextlib
import sys

import click

from nexusctl.api import connection
from nexusctl.api.everyday import executions as api
from nexusctl.cli import options
from nexusctl.cli.terminal.execution_output import write_pieces
from nexusctl.errors import NexusError


@click.command()
@click.option("--from", "offset", type=click.IntRange(min=0), metavar="OFFSET", help="Show its log from there on.")
@click.option("--raw", is_flag=True, help="Give a terminal its control sequences, too.")
@click.argument("execution_id", metavar="ID")
def attach(execution_id: str, offset: int | None, raw: bool) -> int:
    """Send this input to the execution ID, show what it prints from now on, and exit with its code.

    The end of the input ends its input; Ctrl-C leaves it running. One with a terminal (`exec
    --detach -t`) gets all keys of this one and its size, and this terminal obeys what it prints,
    control sequences too; ctrl-p ctrl-q leaves it running.
    """
    engine = connection.connect()
    found = api.show(engine, execution_id)
    begin = found.bytes if offset is None else offset
    if found.tty and sys.stdin.isatty() and sys.stdout.isatty():
        if _show_terminal(engine, found, begin):
            options.say(f"left running; `nexusctl attach {execution_id}` comes back to it")
            return 0
    else:
        with api.attached(engine, execution_id, sys.stdin.buffer):
            write_pieces(api.follow(engine, execution_id, begin), begin, raw=raw, as_json=False)
    code = api.show(engine, execution_id).exit_code
    return 1 if code is None else code


def _show_terminal(engine: connection.Engine, found: api.Execution, begin: int) -> bool:
    """Until it ends, or is left: returns whether it was left."""
    from nexusctl.cli.terminal.attached_terminal import Keyboard, followed_window  # noqa: PLC0415 - deferred: start-up time

    def resize(rows: int, columns: int) -> None:
        # It may end at any time, and how it does is told elsewhere.
        with contextlib.suppress(NexusError):
            api.resize(engine, found.id, rows, columns)

    descriptor = sys.stdin.fileno()
    keyboard = Keyboard(descriptor)
    try:
        with keyboard.typed() as stdin, api.attached(engine, found.id, stdin), followed_window(descriptor, resize):
            write_pieces(api.follow(engine, found.id, begin), begin, raw=True, as_json=False)
    except KeyboardInterrupt:
        if not keyboard.left:
            raise
    return keyboard.left
