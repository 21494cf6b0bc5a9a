"""The reference of the commands: what `--help` of each says."""

from __future__ import annotations

from collections.abc import Iterator

import click
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl

WIDTH = 80


def render_commands() -> str:
    """A heading and the help of nexusctl, of each command and of each command below one."""
    return "\n\n".join(_render(words) for words in list_commands())


def list_commands() -> list[tuple[str, ...]]:
    """The words of every command that `--help` lists, those above first."""
    return [(), *_list_below(nexusctl, ())]


def _list_below(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if command.hidden:
            continue
        yield (*words, name)
        if isinstance(command, click.Group):
            yield from _list_below(command, (*words, name))


def _render(words: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(
        nexusctl, [*words, "--help"], prog_name="nexusctl", terminal_width=WIDTH, max_content_width=WIDTH
    )
    assert shown.exit_code == 0, shown.output
    level = "##" if len(words) < 2 else "###"
    return f"{level} {' '.join(('nexusctl', *words))}\n\n```text\n{shown.output.strip()}\n```"
