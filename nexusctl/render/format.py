"""What JSON documents of several commands have in common; `schemas/` describes them."""

from __future__ import annotations

from typing import Any

from nexusctl.model.observed.hold import Hold
from nexusctl.model.values.utc import utc

FORMAT_VERSION = "1.0"
"""The version of every JSON document that a command prints."""


def describe_hold(held: Hold | None) -> dict[str, Any] | None:
    """As JSON, None for nobody's."""
    return (
        {"state": held.state, "user": held.user, "since": utc(held.since), "by_lifetime": held.by_lifetime}
        if held
        else None
    )
