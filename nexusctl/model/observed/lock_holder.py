"""Who holds a lock, in words."""

from __future__ import annotations

import time

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """Who holds a stack's lock, as its labels say; `since` is in seconds since 1970.

    `dead` says that it was a process of this machine that is gone: the next apply takes its lock over. One that runs in
    a container of the engine holds it for this `life` of that container, as the engine's client writes it.
    `branch` is the git branch that the instance is named after; what it makes bears that, the lock itself does not.
    """

    stack: str
    owner: str
    user: str = ""
    host: str = ""
    pid: int = 0
    command: str = ""
    since: float = 0.0
    dead: bool = False
    life: str = ""
    branch: str = ""


def describe_holder(holder: LockHolder) -> str:
    """Such as `USER@HOST (pid 12, nexusctl apply) since 2026-11-29 12:01:03`."""
    who = f"{holder.user or 'somebody'}@{holder.host or '?'}"
    return f"{who} (pid {holder.pid}, {holder.command or '?'}) since {_clock(holder.since)}"


def name_holder(holder: LockHolder | None) -> str:
    """Such as `USER@HOST`; empty for nobody."""
    return f"{holder.user or '?'}@{holder.host or '?'}" if holder else ""


def _clock(seconds: float) -> str:
    """Local time; labels that nobody can read may make it any number."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "an unknown time"
