"""A group of commands that knows what others call its commands, and how others write options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

_NAMES: Mapping[str, str] = {
    "up": "apply",
    "create": "apply",
    "deploy": "apply",
    "down": "destroy",
    "rm": "destroy",
    "remove": "destroy",
    "delete": "destroy",
    "unpause": "resume",
    "halt": "stop",
    "ps": "status",
    "list": "ls",
    "stacks": "ls",
    "get": "status",
    "show": "status",
    "inspect": "status",
    "usage": "stats",
    "processes": "top",
    "sh": "shell",
    "ssh": "shell",
    "bash": "shell",
    "copy": "cp",
    "diff": "plan",
    "preview": "plan",
    "refresh": "drift",
    "check": "validate",
    "lint": "validate",
    "force-unlock": "unlock",
    "convert": "import",
    "format": "fmt",
    "info": "doctor",
}
"""What Compose, Docker, kubectl and Terraform call something near, and the command that is meant."""


class SuggestingGroup(click.Group):
    """As click's, with suggestions and examples. A word that leads to no command ends with a usage error.

    `unlisted` are commands that the list of them does not have.
    """

    unlisted: tuple[str, ...] = ()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return None if command is None else with_examples(command, f"{self.name} {cmd_name}")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing:
            # A shell completes a word, and nobody reads what is wrong.
            return super().resolve_command(ctx, args)
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no command `{args[0]}`; {self._suggest(ctx, args[0])}")
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _refuse_single_dashes(click.Context(command, info_name=name, parent=ctx), command, rest)
        return name, command, rest

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            _refuse_single_dashes(ctx, self, args)
        return super().parse_args(ctx, args)

    def _suggest(self, ctx: click.Context, word: str) -> str:
        # Only a mistake needs it.
        from nexusctl.model.values.did_you_mean import suggest  # noqa: PLC0415 - deferred: start-up time

        known = [*self.list_commands(ctx), *self.unlisted]
        named = _NAMES.get(word.lower(), "")
        return f"did you mean `{ctx.command_path} {named}`?" if named in known else suggest(word, known, "commands")


def with_examples(command: click.Command, words: str) -> click.Command:
    """`command`, whose help ends with what to type; `words` are those by which it is called."""

    def show(context: click.Context, formatter: click.HelpFormatter) -> None:
        # Only help needs them.
        from nexusctl.cli.terminal.examples import write_examples  # noqa: PLC0415 - deferred: start-up time

        write_examples(words, context, formatter)

    command.format_epilog = show  # type: ignore[assignment, method-assign]
    _compare_later(command)
    return command


def _compare_later(command: click.Command) -> None:
    """Take `-f` for a short option at once: click first compares it with the names of all long ones, for its refusal.

    That refusal nobody sees, and the comparison takes longer than reading all options.
    """

    def make_parser(context: click.Context) -> Any:
        parser: Any = type(command).make_parser(command, context)
        match = parser._match_long_opt

        def match_long(option: str, value: str | None, state: Any) -> None:
            if option.startswith("--") or option in parser._long_opt:
                match(option, value, state)
            else:
                raise click.NoSuchOption(option, ctx=context)

        parser._match_long_opt = match_long
        return parser

    command.make_parser = make_parser  # type: ignore[assignment, method-assign]


def _refuse_single_dashes(ctx: click.Context, command: click.Command, words: Iterable[str]) -> None:
    """Terraform's way, which would be read as many short options, or as one with a value."""
    known = {name for parameter in command.get_params(ctx) for name in parameter.opts if name.startswith("--")}
    for word in words:
        if word == "--" or (not word.startswith("-") and not command.allow_interspersed_args):
            return
        # What follows may be a secret.
        name, sign, _ = word.partition("=")
        if len(name) > 2 and not name.startswith("--") and f"-{name}" in known:
            ctx.fail(f"there is no option `{name}`; write `-{name}{sign}`")
