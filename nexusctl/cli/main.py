"""`nexusctl`: the group of all verbs. A verb's module is imported when the verb is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from nexusctl import __version__
from nexusctl.cli.exit_codes import guard
from nexusctl.cli.options import say
from nexusctl.cli.terminal.group import SuggestingGroup, with_examples
from nexusctl.model.observed.notice import listening

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_VERBS = {
    "init": "Write a first stack file.",
    "validate": "Check a stack file; touches no engine.",
    "fmt": "Write stack files in the usual layout.",
    "schema": "Print the JSON schema of a kind of file, for editors.",
    "config": "Print the stack with everything worked in.",
    "plan": "Show what apply would change, and why.",
    "apply": "Make the live sandboxes what the stack file says.",
    "watch": "Apply, and again after each edit, until Ctrl-C.",
    "lock": "Write down which images and versions a stack file stands for.",
    "scale": "Change how many there are of a sandbox, in the file too.",
    "rename": "Call a sandbox otherwise, in the file too.",
    "explain": "Say why the plan says what it says of a sandbox.",
    "run": "Bring a stack up for one command, and remove it.",
    "drift": "Show what was changed behind nexusctl's back.",
    "destroy": "Remove everything that belongs to a stack.",
    "status": "Show state, health, uptime and endpoints.",
    "ls": "List all stacks of the engine.",
    "instances": "List what is there several times of one stack file.",
    "history": "Show who has done what to sandboxes, and when.",
    "output": "Show the outputs of a stack.",
    "port": "Show where ports of a sandbox are reached.",
    "open": "Open a port of a sandbox in the browser.",
    "logs": "Show what sandboxes printed.",
    "events": "Tell what happened to sandboxes.",
    "stats": "Show what sandboxes use of CPU and memory.",
    "top": "List the processes of a sandbox.",
    "exec": "Run a command in a sandbox.",
    "executions": "List what was started in sandboxes.",
    "attach": "Give input to what was started in a sandbox.",
    "signal": "Send a signal to what was started in a sandbox.",
    "wait": "Wait until sandboxes are healthy, done or gone.",
    "shell": "Open a shell in a sandbox.",
    "cp": "Copy files into sandboxes and out of them.",
    "pull": "Bring edited uploads back to where they came from.",
    "stop": "Stop sandboxes on purpose, so that they stay stopped.",
    "start": "Start sandboxes that are stopped or paused.",
    "restart": "Stop sandboxes and start them again.",
    "pause": "Hold the processes of sandboxes where they are.",
    "resume": "Let paused sandboxes go on.",
    "kill": "End sandboxes at once, or send them a signal.",
    "extend": "Let sandboxes live longer than their files say.",
    "reap": "End the sandboxes whose lifetime is over.",
    "prune": "Remove what no stack of the engine needs.",
    "unlock": "Remove a lock that somebody left behind.",
    "import": "Write a stack file for what others describe.",
    "secrets": "Keep secrets in the repository, encrypted.",
    "template": "List and show the templates.",
    "mcp": "Serve agents with tools of the Model Context Protocol.",
    "approve": "Let an agent's call be carried out that waits for a person.",
    "engine": "Start, stop and show the engine.",
    "completion": "Let a shell complete verbs and names.",
    "doctor": "Check what this machine can do.",
}
_MODULES = {
    "exec": "execute",
    "import": "import_",
    "signal": "signal_",
    **dict.fromkeys(("stop", "start", "restart", "pause", "resume", "kill", "extend"), "states"),
    "rename": "scale",
    "open": "port",
    "top": "stats",
}
"""Those of verbs whose names they do not bear, because Python has them for itself, or because of several alike."""
_SEVERAL = frozenset({"states", "scale", "port", "stats"})


class _LazyGroup(SuggestingGroup):
    """Knows the verbs and their help by heart, so that `--help` imports none of them."""

    unlisted = ("help", "version")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _WORDS:
            return _WORDS[cmd_name]
        if cmd_name not in _VERBS:
            return None
        name = _MODULES.get(cmd_name, cmd_name)
        attribute = cmd_name if name in _SEVERAL else name
        command: click.Command = getattr(import_module(f"nexusctl.cli.commands.{name}"), attribute)
        return with_examples(command, cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        # Only a shell that completes a word needs it.
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - deferred: start-up time

        verbs = [CompletionItem(verb, help=said) for verb, said in _VERBS.items() if verb.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.command(hidden=True)
def version() -> None:
    """What --version says."""
    click.echo(f"nexusctl, version {__version__}")


@click.command(hidden=True, name="help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """What --help says, of nexusctl or of a command."""
    above = context.find_root()
    command: click.Command = above.command
    for word in words:
        if not isinstance(command, click.Group):
            break
        name, found, _ = command.resolve_command(above, [word])
        assert found is not None
        command, above = found, click.Context(found, info_name=name, parent=above)
    click.echo(command.get_help(above))


_WORDS = {"version": version, "help": help_}
"""What others have as commands, and `--help` need not list."""


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nexusctl")
def nexusctl() -> None:
    """Sandboxes as code: a stack file, a plan, an apply; no state file."""


def main() -> int:
    """Run what the command line says; returns the exit code of the process."""
    if "_NEXUSCTL_COMPLETE" in os.environ:
        # Only a shell asks so.
        from nexusctl.cli.completion.answer import answer  # noqa: PLC0415 - deferred: start-up time

        return answer(nexusctl)
    arguments = sys.argv[1:]

    def run(noted: dict[str, bool]) -> int | None:
        with listening(say):
            code: int | None = nexusctl.main(args=arguments, prog_name="nexusctl", standalone_mode=False, obj=noted)
        return code

    return guard(run, arguments)
