"""What there is to tell of a sandbox and its plan, for whoever asks why."""

from __future__ import annotations

from typing import Any

from nexusctl.errors import Location
from nexusctl.model.plan.plan import Change, Difference, Held
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStory:
    """One field, such as `env.PORT`: as the file wants it, as it was applied last, and as it is.

    A side that has none is None. `place` is where the file says it, None for what it does not say.
    """

    field: str
    desired: Any
    recorded: Any
    live: Any
    place: Location | None
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStory:
    """`changes` are what the plan does to it, `held` who keeps it as it is; `place` is where the file declares it.

    `busy` says who changes its stack at this moment.
    """

    name: str
    state: str
    changes: tuple[Change, ...]
    held: Held | None
    left_out: str
    place: Location | None
    fields: tuple[FieldStory, ...]
    busy: str = ""
