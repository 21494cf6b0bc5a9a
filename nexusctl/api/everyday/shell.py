"""The best shell that a sandbox has, with a history of its own."""

from __future__ import annotations

from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, EngineError, InputError
from nexusctl.model.observed.live import LiveSandbox

_ASKED = (("/bin/sh",), ("sh",), ("bash",), ("/busybox/sh",), ("busybox", "sh"))
"""Whom to ask which shells there are; an image may have one of them alone."""

_FIND = "for name in bash zsh ash sh; do command -v $name && exit 0; done; exit 1"

PATIENCE = 60.0
"""Seconds that a sandbox has to say which shells it has."""

HISTORY = "/var/tmp/.nexusctl-history"

SETTINGS = {
    # At each prompt, for a shell may end with its terminal.
    "PROMPT_COMMAND": "history -a",
    "HISTSIZE": "10000",
    "SAVEHIST": "10000",
}


def choose_shell(engine: Engine, live: LiveSandbox) -> tuple[str, ...]:
    """The command that starts it, for a running sandbox. Raises `InputError` where there is none, `EngineError`."""
    for asked in _ASKED:
        try:
            outcome = engine.run_command(live.id, (*asked, "-c", _FIND), timeout=PATIENCE)
        except EngineError as error:
            if error.status == 0:
                raise
            continue
        found = outcome.output.strip().splitlines()
        if outcome.exit_code == 0 and found and found[-1].startswith("/"):
            return (found[-1],)
        if outcome.exit_code in (0, 1):
            return asked
    raise InputError(
        Diagnostic(
            f"there is no shell in {live.sandbox}",
            hint=f"`nexusctl exec {live.sandbox} PROGRAM` runs what its image has",
            sandbox=live.sandbox,
        )
    )


def history_of(user: str | None) -> dict[str, str]:
    """The variables by which a shell keeps what was typed, for each user in a file of its own in the sandbox."""
    name = "".join(sign if sign.isalnum() else "-" for sign in user or "")
    return {**SETTINGS, "HISTFILE": f"{HISTORY}{f'-{name}' if name else ''}"}
