"""Ending containers so that a kill is never silent."""

from __future__ import annotations

from collections.abc import Callable

from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic

Warn = Callable[[Diagnostic], None]
"""Takes what a user has to know of although the step goes on."""


def stop(engine: Engine, container_id: str, name: str, grace: int | None, warn: Warn) -> None:
    _tell(engine.stop_container(container_id, grace), name, warn)


def restart(engine: Engine, container_id: str, name: str, grace: int | None, warn: Warn) -> None:
    _tell(engine.restart_container(container_id, grace), name, warn)


def remove(engine: Engine, container_id: str, name: str, grace: int | None, warn: Warn) -> None:
    _tell(engine.remove_container(container_id, grace), name, warn)


def _tell(patience: int | None, name: str, warn: Warn) -> None:
    if patience is not None:
        warn(
            Diagnostic(
                f"{name}: it had not ended {patience} s after it was asked to, and was killed",
                hint=f"give it longer with `stop_grace_period: {2 * patience}s`, or another `stop_signal`",
                sandbox=name,
                severity="warning",
            )
        )
