"""The word of somebody who has stopped a sandbox on purpose, or that it has lived its time."""

from __future__ import annotations

from nexusctl.model.stack import DesiredState
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """That somebody has stopped or paused a container on purpose, and means it to stay so whatever the file says.

    `name` is the engine's for what says so, `since` in seconds since 1970. One that is `lifted` counts no more.
    With `by_lifetime` its lifetime was over, and `user` is who has seen to that; it counts as long as this is so. Where
    it was `idle` besides, that was why, and it counts until somebody starts it. What was `killed` got no time to end.
    """

    state: DesiredState
    user: str
    since: int
    name: str = ""
    lifted: bool = False
    by_lifetime: bool = False
    idle: bool = False
    killed: bool = False

    def holds(self, state: str) -> bool:
        """Whether it keeps a container in this state; one that runs again all the same is kept by nothing."""
        return state in ("created", "exited", "paused") and not self.lifted

    @property
    def lasts(self) -> bool:
        """Whether it counts until somebody says otherwise, and no time that the file gives ends it."""
        return self.idle or not self.by_lifetime
