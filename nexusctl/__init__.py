"""nexusctl: plan and apply sandboxes declared in a stack file, without a state file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexusctl.stack import Stack as Stack

__all__ = ["Stack", "__version__"]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """`Stack`, loaded when it is asked for: the command line starts sooner without it."""
    if name == "Stack":
        from nexusctl.stack import Stack  # noqa: PLC0415 - deferred: start-up time

        return Stack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
