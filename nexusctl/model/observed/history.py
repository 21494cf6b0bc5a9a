"""What an engine's own records say of who has done what to a stack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from nexusctl.model.observed.hold import Hold
from nexusctl.model.values.frozen import dataclass

DeedKind = Literal[
    "created", "changed", "extended", "paused", "stopped", "killed", "started", "resumed", "restarted", "destroyed"
]
"""What comes first of what is of the same second comes first here."""

Cause = Literal["", "lifetime", "idle"]

KEPT = 20
"""So many of what is over by now are kept of a container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """That somebody has `created` the container of a sandbox, `changed` it in place, `stopped`, `started`, and so on.

    It was `extended` where it was let live longer, `until` then, and `destroyed` where it went by its lifetime. Times
    are in seconds since 1970; `at` is 0 where nobody can say. `user` is who did it, empty where that was not written
    down. `container` is the container's id. `cause` is why it ended, where its time was over.
    """

    at: int
    sandbox: str
    kind: DeedKind
    user: str
    container: str
    cause: Cause = ""
    until: int | None = None


_ORDER = get_args(DeedKind)


def tell_end(hold: Hold, sandbox: str, container: str, *, present: bool) -> Deed:
    """What a word on a container says of how it ended; `present` says whether the container is still there."""
    cause: Cause = ("idle" if hold.idle else "lifetime") if hold.by_lifetime else ""
    kind: DeedKind = "paused" if hold.state == "paused" else "killed" if hold.killed else "stopped"
    if cause and not present:
        kind = "destroyed"
    return Deed(at=hold.since, sandbox=sandbox, kind=kind, user=hold.user, container=container, cause=cause)


def sort_history(deeds: Iterable[Deed]) -> tuple[Deed, ...]:
    """The newest first."""
    return tuple(sorted(set(deeds), key=lambda deed: (deed.at, _ORDER.index(deed.kind), deed.sandbox), reverse=True))
