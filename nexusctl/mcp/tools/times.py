"""Times as the tools tell them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC; nothing for none."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


def moment(seconds: float | None) -> str | None:
    """The same with milliseconds."""
    found = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds") if seconds else None
    return found.replace("+00:00", "Z") if found else None


def clock(seconds: float | None) -> str | None:
    """A duration as HH:MM:SS, hours as many as there are; nothing for none."""
    if seconds is None:
        return None
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
