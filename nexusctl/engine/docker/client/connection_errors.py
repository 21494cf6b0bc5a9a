"""Why an engine cannot be reached, and what to do about it, in words that need no list of error numbers."""

from __future__ import annotations

from _socket import gaierror

DENIED = 'join its group: `sudo usermod -aG docker "$USER"` and log in again; or use sudo, or a rootless engine'
"""What helps whoever may not open the socket of an engine."""


def describe_failure(error: BaseException) -> str:
    """Why a connection failed."""
    match error:
        case ConnectionRefusedError():
            return "nothing listens there"
        case FileNotFoundError():
            return "there is no such socket"
        case ConnectionResetError() | BrokenPipeError():
            return "it hung up"
        case PermissionError():
            return "this user may not open its socket"
        case TimeoutError():
            return "no answer came in time"
        case gaierror():
            return "there is no host of that name"
        case OSError(strerror=str(reason)) if reason:
            return reason[:1].lower() + reason[1:]
    return str(error) or type(error).__name__


def advice(error: BaseException) -> str:
    """What to do about a connection that failed, where the failure itself says so; else empty."""
    return DENIED if isinstance(error, PermissionError) else str(getattr(error, "hint", ""))
