"""Whether values fit where they are to go: the engine takes what does not, and the sandbox then fails to start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.secret import Reveal, SecretText, SecretUse, reveal_text
from nexusctl.model.stack import Sandbox

LONGEST = 131_071
"""Bytes that Linux takes for `KEY=value` without the NUL behind it."""


def require_fit(sandboxes: Iterable[Sandbox], reveal: Reveal) -> None:
    """Raises `InputError` with every variable that cannot hold its secrets."""
    problems = [problem for sandbox in sandboxes for problem in _find_misfits(sandbox, reveal)]
    if problems:
        raise InputError(*problems)


def _find_misfits(sandbox: Sandbox, reveal: Reveal) -> Iterator[Diagnostic]:
    for key, text in sandbox.env.items():
        if isinstance(text, SecretText) and (reason := _find_misfit(key, reveal_text(text, reveal))):
            names = ", ".join(dict.fromkeys(part.secret for part in text.parts if isinstance(part, SecretUse)))
            yield Diagnostic(
                f"{sandbox.name}: the variable {key} cannot hold secret {names}: {reason}",
                sandbox=sandbox.name,
                hint=f"deliver it as a file: `secrets: [{names}]` in place of the variable",
            )


def _find_misfit(key: str, value: bytes) -> str:
    if b"\0" in value:
        return "there is a NUL in it"
    try:
        value.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8"
    return f"it is longer than the {LONGEST:,} bytes that Linux takes" if len(key) + 1 + len(value) > LONGEST else ""
