"""The options that say how far the files are trusted, for every verb that reads some."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from nexusctl.model.trust import OURS, Trust

_untrusted = click.option(
    "--untrusted/--trusted", "untrusted", default=None,
    help="Take the files for a stranger's, or for yours; the default where CI builds a fork's pull request.",
)  # fmt: skip
_allow_env = click.option(
    "--allow-env", "allowed_env", multiple=True, metavar="NAME",
    help="A variable of the environment for untrusted files; `NAME*` for several, may be repeated.",
)  # fmt: skip
_allow_template = click.option(
    "--allow-template", "allowed_templates", multiple=True, metavar="PREFIX",
    help="Where untrusted files may fetch templates, such as https://git.example/team; may be repeated.",
)  # fmt: skip
_offline = click.option("--offline", is_flag=True, help="Fetch no template; use what was fetched before.")


def trust(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of them; the command takes them as one value, `trust`."""

    @_untrusted
    @_allow_env
    @_allow_template
    @_offline
    @wraps(command)
    def gathered(
        *arguments: Any,
        untrusted: bool | None,
        allowed_env: tuple[str, ...],
        allowed_templates: tuple[str, ...],
        offline: bool,
        **others: Any,
    ) -> Any:
        told = Trust(
            why=_why(untrusted), env=allowed_env, templates=allowed_templates, offline=offline, tell=_say_escaped
        )
        return command(*arguments, trust=told, **others)

    return gathered


def _why(untrusted: bool | None) -> str:
    if untrusted is False:
        return OURS.why
    if untrusted:
        return "`--untrusted` says"
    # Nobody has to wait for it who said something.
    from nexusctl.api.trust import why_stranger  # noqa: PLC0415 - deferred: start-up time

    return why_stranger(os.environ)


def _say_escaped(text: str) -> None:
    """What a file says cannot move the cursor."""
    from nexusctl.render.diagnostic import escape  # noqa: PLC0415 - deferred: start-up time

    sys.stderr.write(f"{escape(text)}\n")
    sys.stderr.flush()
