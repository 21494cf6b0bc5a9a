"""What sandboxes do once they run: told by tests, well-behaved where they say nothing."""

from __future__ import annotations

from collections.abc import Callable

from nexusctl.engine.command import Outcome
from nexusctl.model.stack import Health, Sandbox

Behave = Callable[[Sandbox], int | None]
"""What a sandbox does once started: the code it exits with at once, or None to go on running."""

Linger = Callable[[Sandbox], float]
"""How many seconds a sandbox takes to end once it was asked to."""

Answer = Callable[[Sandbox, tuple[str, ...]], Outcome]
"""What a command in a sandbox gives; a probe for a port comes as `("probe", "8080")`, an
image's own as `("probe", "image")`."""

Interfere = Callable[[str, str], None]
"""Hears of (method, subject) and may raise: an error of the engine's, or what stands for the end of the client."""


def behave_well(sandbox: Sandbox) -> int | None:
    """Tasks succeed, services go on."""
    return 0 if sandbox.kind == "task" else None


def end_at_once(sandbox: Sandbox) -> float:  # noqa: ARG001 - how long may depend on it
    """Nobody has to be killed."""
    return 0.0


def answer_well(sandbox: Sandbox, command: tuple[str, ...]) -> Outcome:  # noqa: ARG001 - an answer may ignore both
    """Every command succeeds and says nothing."""
    return Outcome(exit_code=0, output="")


def interfere_never(method: str, subject: str) -> None:
    """Nothing goes wrong."""


IMAGE_HEALTH = Health(command=("probe", "image"))
"""The health check that an image brings."""


def probe_command(health: Health) -> tuple[str, ...]:
    return health.command or ("probe", str(health.http_port or health.tcp_port))
