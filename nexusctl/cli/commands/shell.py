from __future__ import annotations

import sys

import click

from nexusctl.api import inspection, subject
from nexusctl.api.connection import Command
from nexusctl.api.everyday.shell import choose_shell, history_of
from nexusctl.cli import options
from nexusctl.cli.terminal.program_streams import program_streams
from nexusctl.model.load_request import Inputs


class _Shell(click.Command):
    """Says of a command that stands behind the sandbox, as ssh and sh take one, what runs it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if getattr(error, "option_name", "") == "-c" or "extra argument" in error.message:
                ctx.fail("a shell takes no command; `nexusctl exec NAME COMMAND` runs one")
            raise


@click.command(cls=_Shell)
@options.stack_inputs
@options.stack_name
@click.option("-e", "--env", "pairs", multiple=True, metavar="KEY=VALUE", help="Set a variable in the shell.")
@click.option("-w", "--workdir", metavar="PATH", help="Where it begins; the sandbox's working_dir by default.")
@click.option("-u", "--user", metavar="USER", help="As whom; the sandbox's user by default.")
@click.argument("sandbox", metavar="NAME")
def shell(
    inputs: Inputs,
    stack_name: str | None,
    pairs: tuple[str, ...],
    workdir: str | None,
    user: str | None,
    sandbox: str,
) -> int:
    """Open the best shell that the sandbox NAME has: bash, zsh, ash or sh.

    What was typed is kept in the sandbox, for the next shell in it. Without a terminal here, it reads commands from
    stdin.
    """
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    live = inspection.find_running(engine, found.stack, sandbox)
    tty = sys.stdin.isatty() and sys.stdout.isatty()
    with program_streams(raw=tty) as (out, err):
        command = Command(
            argv=choose_shell(engine, live),
            env={**history_of(user), **dict(options.split_pair(pair, "--env") for pair in pairs)},
            working_dir=workdir,
            user=user,
            tty=tty,
            stdin=sys.stdin.buffer,
            stdout=out,
            stderr=err,
        )
        return engine.execute(live.id, command)
