"""The answer to a shell that asks how a word goes on."""

from __future__ import annotations

import os
import sys

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
    split_arg_string,
)

from nexusctl.cli.completion.names import complete_parameter
from nexusctl.cli.completion.scripts import SCRIPTS, VARIABLE


class _Bash(BashComplete):
    source_template = SCRIPTS["bash"].replace("%", "%%")
    _lead = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE")
        if line is None:
            return super().get_completion_args()
        words = split_arg_string(line)
        incomplete = words.pop() if line[-1:].strip() else ""
        rest = os.environ.get("COMP_CUR", "")
        rest = "" if rest in (":", "=") else rest
        self._lead = incomplete.removesuffix(rest)
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        return f"{_kind(item)},{item.value.removeprefix(self._lead)}"


class _Zsh(ZshComplete):
    source_template = SCRIPTS["zsh"].replace("%", "%%")

    def format_completion(self, item: CompletionItem[str]) -> str:
        return f"{_kind(item)}\n{item.value}"


class _Fish(FishComplete):
    source_template = SCRIPTS["fish"].replace("%", "%%")

    def format_completion(self, item: CompletionItem[str]) -> str:
        return f"{_kind(item)},{item.value}"


def _kind(item: CompletionItem[str]) -> str:
    """`open` where more of the same word is to come."""
    return "open" if item.type == "plain" and item.value.endswith((":", "=", ".")) else item.type


def answer(group: click.Group) -> int:
    """Write the completions that the environment asks for to stdout; returns the exit code.

    Nobody can read a message in the middle of a line, so what goes wrong gives none.
    """
    for kind in (_Bash, _Zsh, _Fish):
        add_completion_class(kind)
    click.Parameter.shell_complete = complete_parameter  # type: ignore[assignment, method-assign]
    try:
        code = shell_complete(group, {}, "nexusctl", VARIABLE, os.environ[VARIABLE])
        sys.stdout.flush()
    except Exception:
        return 1
    return code
