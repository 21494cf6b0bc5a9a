"""What an engine tells of all stacks at once: little of each sandbox."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import HealthState, State
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSandbox:
    """A container that claims to be `sandbox` of some stack.

    `maker` is whoever made it, such as `USER@HOST`, and `branch` the git branch that its instance was named after,
    empty where that was not written down. `created_at` is in seconds since 1970. `held` says who has stopped or paused
    it on purpose, or that its lifetime was over.
    """

    id: str
    sandbox: str
    state: State
    health: HealthState = "none"
    exit_code: int | None = None
    created_at: int = 0
    maker: str = ""
    branch: str = ""
    held: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """`name` is the engine's, of a `stack` and one `instance` of it, empty for the one without a name.

    `states` counts its sandboxes by state, and `health` those that have a health check by what that says. `owners` are
    those who made them, as far as that was written down, and `branch` is that of the newest which has one. `created_at`
    is that of the oldest, in seconds since 1970, 0 where there is none. `held` are those that somebody means to stay as
    they are. `lock` is whoever changes it now, or keeps it for the time of a run.
    """

    name: str
    stack: str
    instance: str = ""
    states: Mapping[str, int]
    health: Mapping[str, int]
    owners: tuple[str, ...] = ()
    branch: str = ""
    created_at: int = 0
    held: tuple[ListedSandbox, ...] = ()
    lock: LockHolder | None = None

    @property
    def sandboxes(self) -> int:
        return sum(self.states.values())

    @property
    def running(self) -> int:
        return self.states.get("running", 0)
