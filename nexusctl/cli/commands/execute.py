from __future__ import annotations

import io
import sys

import click

from nexusctl.api import inspection, subject
from nexusctl.api.connection import Command
from nexusctl.cli import options
from nexusctl.model.load_request import Inputs
from nexusctl.render.format import FORMAT_VERSION


@click.command(name="exec", context_settings={"allow_interspersed_args": False})
@options.stack_inputs
@options.stack_name
@click.option("-e", "--env", "pairs", multiple=True, metavar="KEY=VALUE", help="Set a variable for this command.")
@click.option("-w", "--workdir", metavar="PATH", help="Where to run it; the sandbox's working_dir by default.")
@click.option("-u", "--user", metavar="USER", help="As whom; the sandbox's user by default.")
@click.option(
    "--timeout",
    type=options.Duration(),
    metavar="DURATION",
    help="End the command after this time, with exit code 124.",
)
@click.option("-T", "--no-tty", is_flag=True, help="No terminal inside, even where there is one here.")
@click.option(
    "-i", "-t", "habits", is_flag=True, expose_value=False,
    help="Taken, as by other tools, and without effect: input and terminal are passed on where there are some.",
)  # fmt: skip
@options.as_json
@click.argument("sandbox", metavar="NAME")
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(
    inputs: Inputs,
    stack_name: str | None,
    pairs: tuple[str, ...],
    workdir: str | None,
    user: str | None,
    timeout: float | None,
    no_tty: bool,
    as_json: bool,
    sandbox: str,
    words: tuple[str, ...],
) -> int:
    """Run COMMAND in the sandbox NAME with this terminal's input and output, and exit with its code.

    Everything behind NAME is the command's; options of nexusctl go before it.
    """
    argv = _read_words(words)
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    live = inspection.find_running(engine, found.stack, sandbox)
    captured = (io.BytesIO(), io.BytesIO())
    out, err = captured if as_json else (sys.stdout.buffer, sys.stderr.buffer)
    command = Command(
        argv=argv,
        env=dict(options.split_pair(pair, "--env") for pair in pairs),
        working_dir=workdir,
        user=user,
        tty=not no_tty and not as_json and sys.stdin.isatty() and sys.stdout.isatty(),
        stdin=sys.stdin.buffer,
        stdout=out,
        stderr=err,
        timeout=timeout,
    )
    code = engine.execute(live.id, command)
    if as_json:
        texts = [stream.getvalue().decode(errors="replace") for stream in captured]
        options.write_json(
            {"format_version": FORMAT_VERSION, "exit_code": code, "stdout": texts[0], "stderr": texts[1]}
        )
    return code


def _read_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command, without the `--` that may precede it."""
    marked = words[0] == "--"
    command = words[1:] if marked else words
    if not command:
        raise click.UsageError("Missing argument 'COMMAND...'.")
    if not marked and command[0].startswith("-"):
        raise click.UsageError(f"{command[0]} stands where the command begins; options of nexusctl go before NAME")
    return command
