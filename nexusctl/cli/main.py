"""`nexusctl`: the group of all verbs. A verb's module is imported when the verb is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from nexusctl import __version__
from nexusctl.cli.exit_codes import guard
from nexusctl.cli.terminal.group import SuggestingGroup

_VERBS = {
    "init": "Write a first stack file.",
    "validate": "Check a stack file; touches no engine.",
    "schema": "Print the JSON schema of a kind of file, for editors.",
    "config": "Print the stack with everything worked in.",
    "plan": "Show what apply would change, and why.",
    "apply": "Make the live sandboxes what the stack file says.",
    "lock": "Write down which images and versions a stack file stands for.",
    "drift": "Show what was changed behind nexusctl's back.",
    "destroy": "Remove everything that belongs to a stack.",
    "status": "Show state, health, uptime and endpoints.",
    "output": "Show the outputs of a stack.",
    "logs": "Show what sandboxes printed.",
    "exec": "Run a command in a sandbox.",
    "unlock": "Remove a lock that somebody left behind.",
    "import": "Write a stack file for what others describe.",
    "secrets": "Keep secrets in the repository, encrypted.",
    "template": "List and show the templates.",
    "engine": "Start, stop and show the engine.",
    "doctor": "Check what this machine can do.",
}
_MODULES = {"exec": "execute", "import": "import_"}


class _LazyGroup(SuggestingGroup):
    """Knows the verbs and their help by heart, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _WORDS:
            return _WORDS[cmd_name]
        if cmd_name not in _VERBS:
            return None
        name = _MODULES.get(cmd_name, cmd_name)
        command: click.Command = getattr(import_module(f"nexusctl.cli.commands.{name}"), name)
        return command

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
    arguments = sys.argv[1:]

    def run(noted: dict[str, bool]) -> int | None:
        code: int | None = nexusctl.main(args=arguments, prog_name="nexusctl", standalone_mode=False, obj=noted)
        return code

    return guard(run, arguments)
