from __future__ import annotations

import io
import os
import sys

import click

from nexusctl.api.connection import Command
from nexusctl.api.everyday import executions
from nexusctl.api.everyday.one_sandbox import choose_one
from nexusctl.cli import options
from nexusctl.cli.terminal.program_streams import program_streams
from nexusctl.model.load_request import Inputs


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
@click.option("--raw", is_flag=True, help="With -T: give a terminal here the control sequences of the command, too.")
@click.option("-d", "--detach", is_flag=True, help="Leave it running there, and print the id by which it is found.")
@click.option("-i", "interactive", is_flag=True, help="With --detach: keep its input open, for `nexusctl attach`.")
@click.option(
    "-t", "terminal", is_flag=True,
    help="With --detach: give it a terminal, for `nexusctl attach`. Without, it has one where there is one here.",
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
    raw: bool,
    detach: bool,
    interactive: bool,
    terminal: bool,
    as_json: bool,
    sandbox: str,
    words: tuple[str, ...],
) -> int | None:
    """Run COMMAND in the sandbox NAME with this terminal's input and output, and exit with its code.

    Everything behind NAME is the command's; options of nexusctl go before it. A command with a terminal
    is interactive: yours obeys what it prints, control sequences too, and passes Ctrl-C on. -T gives it none, and yours
    shows control sequences instead, colours excepted.
    Leave one of `--detach -t` with ctrl-p ctrl-q; to leave any other is to end it.
    """
    argv = _read_words(words)
    if detach and timeout is not None:
        raise click.UsageError(
            "--timeout is for a command that is waited for; with --detach write `timeout 10m COMMAND`"
        )
    chosen = choose_one(inputs, stack_name, sandbox)
    options.warn(chosen.problems)
    env = dict(options.split_pair(pair, "--env") for pair in pairs)
    if detach:
        begun, note = executions.start(
            chosen.engine,
            chosen.live,
            argv,
            env={"TERM": os.environ.get("TERM", "xterm"), **env} if terminal else env,
            working_dir=workdir,
            user=user,
            stdin=interactive or terminal,
            tty=terminal,
            stack=chosen.stack,
        )
        if note:
            options.say(f"note: {note}")
        if as_json:
            # Most say it in one word.
            from nexusctl.render.executions import execution_document  # noqa: PLC0415 - deferred: start-up time
            from nexusctl.render.format import FORMAT_VERSION  # noqa: PLC0415 - deferred: start-up time

            options.write_json({"format_version": FORMAT_VERSION, **execution_document(begun)})
        else:
            click.echo(begun.id)
        return None
    captured = (io.BytesIO(), io.BytesIO())
    tty = not no_tty and not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    with program_streams(raw=raw or tty) as streams:
        out, err = captured if as_json else streams
        command = Command(
            argv=argv, env=env, working_dir=workdir, user=user, tty=tty, timeout=timeout,
            stdin=sys.stdin.buffer, stdout=out, stderr=err,
        )  # fmt: skip
        code = executions.watch(chosen.engine, chosen.live, command)
    if as_json:
        # As above.
        from nexusctl.render.format import FORMAT_VERSION  # noqa: PLC0415 - deferred: start-up time

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
