"""How a live container ends: how long it gets, and what goes with it. Pure."""

from __future__ import annotations

from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.step import RemoveContainer
from nexusctl.model.stack import STOP_GRACE_PERIOD, Sandbox
from nexusctl.plan.steps.ids import aside_id, removal_id


def choose_grace(live: LiveSandbox, desired: Sandbox | None = None) -> int | None:
    """The seconds that a container gets to end in: what the file says by now, else what was promised it.

    One that was taken over, or whose record cannot be read, keeps its own, which is None.
    """
    for said in (desired, live.record):
        if said and said.stop_grace_period is not None:
            return said.stop_grace_period
    return None if live.adopted or live.record is None else STOP_GRACE_PERIOD


def choose_pre_stop(live: LiveSandbox) -> str:
    """What runs in a container before it ends: what was promised it, which need not fit its successor."""
    return (live.record.pre_stop or "") if live.record else ""


def remove_container(live: LiveSandbox, desired: Sandbox | None = None, needs: tuple[str, ...] = ()) -> RemoveContainer:
    """The step that stops and removes it, after `needs` and once it has given up its name."""
    return RemoveContainer(
        id=removal_id(live),
        subject=live.sandbox,
        needs=(*needs, aside_id(live)),
        container_id=live.id,
        amendments=tuple(name for name in live.amendments if name != live.end),
        end=live.end,
        grace=choose_grace(live, desired),
        pre_stop=choose_pre_stop(live),
    )
