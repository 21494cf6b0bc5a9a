"""Who holds a lock, in words."""

from __future__ import annotations

import time

from nexusctl.model.live import LockHolder


def describe_holder(holder: LockHolder) -> str:
    """Such as `ann@laptop (pid 12, nexusctl apply) since 2026-11-29 12:01:03`."""
    who = f"{holder.user or 'somebody'}@{holder.host or '?'}"
    return f"{who} (pid {holder.pid}, {holder.command or '?'}) since {_clock(holder.since)}"


def _clock(seconds: float) -> str:
    """Local time; labels that nobody can read may make it any number."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "an unknown time"
