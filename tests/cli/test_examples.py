"""Each command's help ends with what to type, and that can be typed."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from nexusctl.cli.terminal.examples import EXAMPLES
from tests.docs.commands import list_commands

LINES = [(words, line) for words, lines in EXAMPLES.items() for line in lines]


def test_every_command_has_some_and_so_has_each_below_one() -> None:
    assert set(EXAMPLES) == {" ".join(words) for words in list_commands() if words}


@pytest.mark.parametrize("words", EXAMPLES)
def test_they_end_its_help_each_on_a_line_of_its_own(words: str) -> None:
    shown = CliRunner().invoke(nexusctl, [*words.split(), "--help"]).output.splitlines()
    assert [line.strip() for line in shown[shown.index("Examples:") + 1 :]] == list(EXAMPLES[words])


@pytest.mark.parametrize(("words", "line"), LINES, ids=[line for _, line in LINES])
def test_what_they_say_is_understood(words: str, line: str) -> None:
    typed = shlex.split(line.rpartition("| ")[2].partition(" > ")[0].partition(" < ")[0])
    assert typed[: 1 + len(words.split())] == ["nexusctl", *words.split()]
    above = click.Context(nexusctl, info_name="nexusctl")
    command: click.Command | None = nexusctl
    rest = typed[1:]
    while isinstance(command, click.Group) and rest:
        _, command, rest = command.resolve_command(above, rest)
        assert command is not None
        above = click.Context(command, info_name=typed[1], parent=above)
    if "--help" not in rest:
        command.make_context(typed[1], rest, parent=above.parent)  # type: ignore[union-attr]
