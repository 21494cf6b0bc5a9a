"""How many examples a property gets whose every example costs a process, or that is asked of many things."""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def share(**more: Any) -> settings:
    """A tenth of the examples that others get; `make oracles` gives these two thousand. `more` are other settings."""
    return settings(max_examples=max(30, settings.default.max_examples // 10), **more)
