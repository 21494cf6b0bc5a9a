from __future__ import annotations

from pathlib import Path

import click

from nexusctl.cli import options
from nexusctl.cli.completion.install import find_shell
from nexusctl.cli.completion.install import install as install_script
from nexusctl.cli.completion.scripts import SCRIPTS
from nexusctl.cli.terminal.group import SuggestingGroup
from nexusctl.render.format import FORMAT_VERSION


@click.group(cls=SuggestingGroup)
def completion() -> None:
    """Let a shell complete verbs, options and the names of what is declared and what is live.

    The names of live things are those that the engine tells within a second.
    """


@completion.command()
@click.argument("shell", type=click.Choice(list(SCRIPTS)), required=False)
@options.as_json
def install(shell: str | None, as_json: bool) -> None:
    """Keep the script where the shell finds it; for your own shell where none is named.

    For bash and zsh a line in ~/.bashrc or ~/.zshrc reads it, for fish none is needed. A second time changes nothing.
    """
    chosen = shell or find_shell()
    changed = install_script(chosen, Path.home())
    if as_json:
        files = [str(path) for path in changed]
        options.write_json({"format_version": FORMAT_VERSION, "shell": chosen, "changed": files})
    elif changed:
        options.say(f"Wrote {' and '.join(map(str, changed))}; it holds for every {chosen} that is opened from now on.")
    else:
        options.say(f"It is there already for {chosen}.")


@completion.command()
def bash() -> None:
    """Print the script for bash."""
    click.echo(SCRIPTS["bash"], nl=False)


@completion.command()
def zsh() -> None:
    """Print the script for zsh."""
    click.echo(SCRIPTS["zsh"], nl=False)


@completion.command()
def fish() -> None:
    """Print the script for fish."""
    click.echo(SCRIPTS["fish"], nl=False)
