"""Whether a sandbox runs: from how its container is to how the file wants it. Pure."""

from __future__ import annotations

from typing import Literal

from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.stack import Sandbox

Restore = Literal["", "start", "unpause", "restart"]
Rest = Literal["", "pause", "stop"]


def find_restore(sandbox: Sandbox, holder: LiveSandbox, *, cut_off: bool = False) -> Restore:
    """What makes it run, for good or to be paused then; `cut_off` is one that only a restart brings its secrets."""
    if sandbox.state == "stopped":
        return ""
    if holder.state in ("exited", "created"):
        return "start"
    if holder.state == "paused":
        return "unpause" if sandbox.state == "running" else ""
    return "restart" if holder.health == "unhealthy" or holder.state == "restarting" or cut_off else ""


def find_rest(sandbox: Sandbox, holder: LiveSandbox) -> Rest:
    """What follows after all else where it is not to run."""
    if sandbox.state == "stopped":
        return "stop" if holder.state in ("running", "paused", "restarting") else ""
    return "pause" if sandbox.state == "paused" and holder.state != "paused" else ""


def describe_state(holder: LiveSandbox) -> str:
    """As a reason to change it."""
    if holder.hold and holder.state in ("created", "exited", "paused"):
        if holder.hold.idle:
            return "it was stopped as it was idle"
        if holder.hold.by_lifetime:
            return "its lifetime was over, and is longer by now"
        return f"{holder.hold.user} had {holder.hold.state} it"
    if holder.state == "exited":
        return f"it exited with {holder.exit_code}"
    if holder.state == "restarting":
        return f"it keeps restarting, {count_times(holder.restarts)} so far"
    return "it is unhealthy" if holder.health == "unhealthy" else f"it is {holder.state}"


def count_times(number: int) -> str:
    """Such as `3 times`."""
    return "once" if number == 1 else f"{number} times"
