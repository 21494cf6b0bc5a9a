"""The ids of steps that steps of other sandboxes wait for; where there is no such step, nothing is waited for."""

from __future__ import annotations

from nexusctl.model.live import LiveSandbox


def removal_id(live: LiveSandbox) -> str:
    return f"sandbox:{live.sandbox}:remove:{live.id[:12]}"


def aside_id(live: LiveSandbox) -> str:
    """The step that takes a name from a container which another sandbox is to have."""
    return f"sandbox:{live.sandbox}:aside:{live.id[:12]}"


def adoption_id(kind: str, name: str) -> str:
    """The step that takes an object over from somebody else."""
    return f"{kind}:{name}:adopt"


def stop_id(name: str) -> str:
    """The step that stops a container which gives something up before it is replaced."""
    return f"sandbox:{name}:stop"
