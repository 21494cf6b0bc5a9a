"""When a sandbox ends by itself. Pure: the time is an argument."""

from __future__ import annotations

from nexusctl.model.stack import Sandbox

LAST = 10**11 - 1
"""The last second that is a date, in seconds since 1970."""


def has_lifetime(sandbox: Sandbox) -> bool:
    """Whether it ends by itself."""
    return any(limit is not None for limit in (sandbox.timeout, sandbox.idle_timeout, sandbox.keep_until))


def is_idle(sandbox: Sandbox, idle: float, now: int, extended: int = 0) -> bool:
    """Whether so many seconds in which nothing happened are too many; not while it is kept or `extended`."""
    kept = max(sandbox.keep_until or 0, extended)
    return sandbox.idle_timeout is not None and idle > sandbox.idle_timeout and kept < now


def find_end(sandbox: Sandbox, created_at: int, extended: int = 0) -> int | None:
    """When its lifetime is over, in seconds since 1970; None for never, and where `created_at`, which tells it, is 0.

    It is kept until the latest of what its file says and what it was `extended` to. Nobody knows when it will be idle.
    """
    ends = [created_at + sandbox.timeout] if sandbox.timeout and created_at else []
    if sandbox.keep_until is not None and (ends or sandbox.idle_timeout is None):
        ends.append(sandbox.keep_until)
    return max(*ends, extended) if ends else None
