"""The steps by which live sandboxes are stopped, started and so on, in the order of what depends on what. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.model.observed.history import DeedKind
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.actions import Action
from nexusctl.model.plan.plan import Step
from nexusctl.model.plan.step import (
    AwaitHealthy,
    HoldContainer,
    NoteDeed,
    PauseContainer,
    ReleaseContainer,
    RestoreContainer,
    SignalContainer,
    StopContainer,
    UpdateContainer,
)
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.steps.ids import pause_id, stop_id
from nexusctl.plan.steps.order import acyclic, order_steps
from nexusctl.plan.steps.removal import choose_grace, choose_pre_stop, remove_container
from nexusctl.plan.steps.rest import find_first_start
from nexusctl.plan.steps.waits import ready_id

_RUNNING = ("start", "resume", "restart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What happens to the container `holder`: what is done to it, and what is noted of it besides.

    `hold` is the word that it is to stay so, and `released` the name of one that counts no more. `written` is its next
    record. With `signal` it gets that. `deed` is what is told of it later where nothing else says so.
    """

    holder: LiveSandbox
    action: Action | None
    hold: Hold | None = None
    released: str = ""
    written: Sandbox | None = None
    signal: str = ""
    deed: DeedKind | None = None


def sequence_turns(stack: str, turns: Mapping[str, Turn], records: Mapping[str, Sandbox]) -> tuple[Step, ...]:
    """Dependents end before what they depend on, and start after it. `records` are those of all live sandboxes."""
    needed = acyclic(
        {n: frozenset(d.sandbox for d in r.depends_on if d.sandbox in records) for n, r in records.items()}
    )
    users: dict[str, list[str]] = {}
    for name, others in needed.items():
        for other in sorted(others):
            users.setdefault(other, []).append(name)
    healthy = {d.sandbox for record in records.values() for d in record.depends_on if d.condition == "healthy"}
    steps = [
        step
        for name, turn in turns.items()
        for step in _steps(
            stack, name, turn, needed.get(name, frozenset()), users.get(name, []), required=name in healthy
        )
    ]
    return order_steps(steps)


def _steps(
    stack: str, name: str, turn: Turn, needed: frozenset[str], users: list[str], *, required: bool
) -> Iterator[Step]:
    holder = turn.holder
    assert holder.record is not None
    last: tuple[str, ...] = ()
    if turn.deed:
        # The one of these that there is.
        done = (step_id("sandbox", name, "start"), stop_id(name), pause_id(name), kill_id(name))
        yield NoteDeed(
            id=step_id("sandbox", name, "note"), subject=name, needs=done, container_id=holder.id, deed=turn.deed
        )
    for step in _marks(name, turn):
        yield step
        last = (step.id,)
    ended = tuple(step for user in users for step in (stop_id(user), pause_id(user), kill_id(user)))
    match turn.action:
        case "stop" | "restart":
            yield StopContainer(
                id=stop_id(name),
                subject=name,
                needs=(*last, *ended),
                container_id=holder.id,
                grace=choose_grace(holder),
                pre_stop=choose_pre_stop(holder),
            )
            last = (stop_id(name),)
        case "pause":
            yield PauseContainer(id=pause_id(name), subject=name, needs=(*last, *ended), container_id=holder.id)
        case "remove":
            # The word that it was its lifetime stays when it goes.
            kept = tuple(n for n in holder.amendments if n not in (holder.hold.name if holder.hold else "", holder.end))
            yield replace(remove_container(holder, needs=(*last, *ended)), amendments=kept)
        case "kill" | "signal":
            yield SignalContainer(
                id=kill_id(name), subject=name, needs=(*last, *ended), container_id=holder.id, signal=turn.signal
            )
    if turn.action in _RUNNING:
        begun = tuple(step for other in needed for step in (step_id("sandbox", other, "start"), ready_id(other)))
        yield RestoreContainer(
            id=step_id("sandbox", name, "start"),
            subject=name,
            needs=(*last, *begun),
            container_id=holder.id,
            how="unpause" if turn.action == "resume" else "start",
            first=find_first_start(stack, holder.record, holder),
        )
    if turn.action in ("start", "restart"):
        yield AwaitHealthy(
            id=ready_id(name),
            subject=name,
            needs=(step_id("sandbox", name, "start"),),
            sandbox=holder.record,
            container_id=holder.id,
            required=required,
        )


def _marks(name: str, turn: Turn) -> Iterator[Step]:
    """What is noted comes before what is done: a word on what runs all the same counts for nothing."""
    holder, needs = turn.holder, tuple[str, ...]()
    if turn.written:
        yield UpdateContainer(
            id=step_id("sandbox", name, "update"),
            subject=name,
            container_id=holder.id,
            sandbox=turn.written,
            stale=holder.outdated,
        )
        needs = (step_id("sandbox", name, "update"),)
    if turn.hold:
        yield HoldContainer(
            id=step_id("sandbox", name, "hold"), subject=name, needs=needs, container_id=holder.id, hold=turn.hold
        )
    elif turn.released:
        yield ReleaseContainer(id=step_id("sandbox", name, "release"), subject=name, needs=needs, hold=turn.released)


def kill_id(name: str) -> str:
    return step_id("sandbox", name, "kill")
