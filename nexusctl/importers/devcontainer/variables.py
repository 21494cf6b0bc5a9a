"""Variables of a devcontainer in a text, as a stack file writes them."""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"\$\{(?P<scope>localEnv|env):(?P<name>\w+)(?::(?P<default>[^}]*))?\}")
_REFERENCE = re.compile(r"\$\{[^}]*\}?")


def refer(text: str) -> str:
    """`text` with `${env.NAME:-}` for each variable of this machine.

    What nobody knows is no reference of a stack file's either.
    """
    return _REFERENCE.sub(_refer, text)


def _refer(match: re.Match[str]) -> str:
    known = _VARIABLE.fullmatch(match[0])
    return f"${{env.{known['name']}:-{known['default'] or ''}}}" if known else f"${match[0]}"
