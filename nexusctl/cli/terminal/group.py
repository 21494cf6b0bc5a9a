"""A group of commands that knows what others call its commands, and how others write options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

_NAMES: Mapping[str, str] = {
    "up": "apply",
    "create": "apply",
    "deploy": "apply",
    "start": "apply",
    "restart": "apply",
    "down": "destroy",
    "rm": "destroy",
    "remove": "destroy",
    "delete": "destroy",
    "stop": "destroy",
    "ps": "status",
    "ls": "status",
    "list": "status",
    "get": "status",
    "show": "status",
    "inspect": "status",
    "top": "status",
    "run": "exec",
    "sh": "exec",
    "shell": "exec",
    "ssh": "exec",
    "attach": "exec",
    "diff": "plan",
    "preview": "plan",
    "refresh": "drift",
    "check": "validate",
    "lint": "validate",
    "force-unlock": "unlock",
    "convert": "import",
    "info": "doctor",
}
"""What Compose, Docker, kubectl and Terraform call something near, and the command that is meant."""


class SuggestingGroup(click.Group):
    """As click's, with suggestions. A word that leads to no command ends with a usage error."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no command `{args[0]}`; {self._suggest(ctx, args[0])}")
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _refuse_single_dashes(click.Context(command, info_name=name, parent=ctx), command, rest)
        return name, command, rest

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _refuse_single_dashes(ctx, self, args)
        return super().parse_args(ctx, args)

    def _suggest(self, ctx: click.Context, word: str) -> str:
        # Only a mistake needs it.
        from nexusctl.model.values.did_you_mean import suggest  # noqa: PLC0415 - deferred: start-up time

        known = self.list_commands(ctx)
        named = _NAMES.get(word.lower(), "")
        return f"did you mean `{ctx.command_path} {named}`?" if named in known else suggest(word, known, "commands")


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
