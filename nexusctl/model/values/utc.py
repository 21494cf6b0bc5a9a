"""Times as texts."""

from __future__ import annotations


def utc(seconds: float) -> str:
    """A time, in seconds since 1970, as `2026-11-29 22:04:05Z`."""
    # Few texts tell a time.
    from datetime import UTC, datetime  # noqa: PLC0415 - deferred: start-up time

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def utc_exact(seconds: float) -> str:
    """The same as Docker writes it, with the six digits that a clock here has: `2026-11-29T22:04:05.123456Z`."""
    # As above.
    from datetime import UTC, datetime  # noqa: PLC0415 - deferred: start-up time

    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
