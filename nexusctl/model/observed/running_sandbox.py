"""A sandbox that runs, as far as a command in it has to know."""

from __future__ import annotations

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSandbox:
    """`id` is its container's; `sandbox` its name, as a `LiveSandbox` has both."""

    id: str
    sandbox: str
