"""Which of the containers that claim one sandbox is the sandbox, and what the others are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A container to remove: `partial` never became ready, `superseded` was ready once and was replaced."""

    live: LiveSandbox
    cause: Literal["partial", "superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`holder` is the container that counts as the sandbox, None where none ever became ready."""

    holder: LiveSandbox | None = None
    leftovers: tuple[Leftover, ...] = ()


def settle_claims(found: Iterable[LiveSandbox], final_name: Mapping[str, str]) -> dict[str, Claim]:
    """The claim of each sandbox, by name. `final_name` maps a sandbox to the name its container should have.

    Among the ready ones the container with the final name wins, then a running one, then the newest: a
    replacement gives the final name to the new container before it removes the old one.
    """
    by_sandbox: dict[str, list[LiveSandbox]] = {}
    for live in found:
        by_sandbox.setdefault(live.sandbox, []).append(live)
    return {name: _settle(lives, final_name.get(name, "")) for name, lives in sorted(by_sandbox.items())}


def _settle(lives: list[LiveSandbox], final_name: str) -> Claim:
    ready = sorted(
        (live for live in lives if not live.partial),
        key=lambda live: (live.name != final_name, live.state != "running", -live.created_at, live.id),
    )
    partial = sorted((live for live in lives if live.partial), key=lambda live: live.id)
    leftovers = [Leftover(live=live, cause="superseded") for live in ready[1:]]
    leftovers += [Leftover(live=live, cause="partial") for live in partial]
    return Claim(holder=ready[0] if ready else None, leftovers=tuple(leftovers))
