"""The ids of steps that steps of other sandboxes wait for; where there is no such step, nothing is waited for."""

from __future__ import annotations

from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.step_id import step_id


def removal_id(live: LiveSandbox) -> str:
    return step_id("sandbox", live.sandbox, "remove", live.id)


def aside_id(live: LiveSandbox) -> str:
    """The step that takes a name from a container which another sandbox is to have."""
    return step_id("sandbox", live.sandbox, "aside", live.id)


def adoption_id(kind: str, name: str) -> str:
    """The step that takes an object over from somebody else."""
    return step_id(kind, name, "adopt")


def stop_id(name: str) -> str:
    """The step that stops a container: for good, or because it gives something up before it is replaced."""
    return step_id("sandbox", name, "stop")


def pause_id(name: str) -> str:
    return step_id("sandbox", name, "pause")
