"""The plan that ends what has lived its time, by records and labels alone. Pure: the time is that of the look."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.model.engine_names import natural_key
from nexusctl.model.lifetime import find_end, is_idle
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.actions import Action
from nexusctl.model.plan.plan import Change, Plan
from nexusctl.model.stack import DesiredState, Sandbox
from nexusctl.model.values.utc import utc
from nexusctl.plan.commands.states.state_steps import Turn, sequence_turns
from nexusctl.plan.commands.states.states import find_holders
from nexusctl.plan.decide.expiry import is_done, is_over
from nexusctl.plan.decide.handovers import ALIVE

NOTHING_SEEN: Mapping[str, float] = {}

IDLE = "nothing has happened in it"


def plan_endings(live: LiveState, user: str, idle: Mapping[str, float] = NOTHING_SEEN) -> Plan:
    """What ends those whose lifetime is over; `user` is who is told to have done it. What is at rest stays as it is.

    `idle` are the seconds in which nothing has happened in containers, by their ids, of those of which that is known.
    """
    holders = find_holders(live)
    turns: dict[str, Turn] = {}
    changes = []
    for name in sorted(holders, key=natural_key):
        holder = holders[name]
        if holder.record is None or not (reason := _find_reason(holder, holder.record, live.observed_at, idle)):
            continue
        if action := _choose_action(holder, holder.record):
            rest: DesiredState = "paused" if action == "pause" else "stopped"
            since = live.observed_at
            hold = Hold(state=rest, user=user, since=since, by_lifetime=True, idle=reason.startswith(IDLE))
            turns[name] = Turn(holder=holder, action=action, hold=hold)
            changes.append(_describe(name, holder.record, action, reason))
    records = {name: found.record for name, found in holders.items() if found.record}
    return Plan(stack=live.stack, changes=tuple(changes), steps=sequence_turns(live.stack, turns, records))


def _find_reason(holder: LiveSandbox, record: Sandbox, now: int, idle: Mapping[str, float]) -> str:
    """Why it ends now; empty where it does not."""
    end = find_end(record, holder.created_at, holder.extended)
    if end is not None and is_over(end, now):
        return f"its lifetime was over at {utc(end)}"
    # One that is paused does nothing for another reason.
    if holder.state == "running" and is_idle(record, idle.get(holder.id, 0.0), now, holder.extended):
        return f"{IDLE} for {int(idle[holder.id])} s"
    return ""


def _choose_action(holder: LiveSandbox, record: Sandbox) -> Action | None:
    """What ends it; None where nothing runs any more, or it is half made, which is an apply's to mend."""
    if holder.partial or holder.gone or is_done(record, holder):
        return None
    if record.on_expire == "destroy" and not record.lifecycle.prevent_destroy:
        return "remove" if holder.state != "removing" else None
    if record.on_expire == "pause":
        return "pause" if holder.state == "running" else None
    return "stop" if holder.state in ALIVE else None


def _describe(name: str, record: Sandbox, action: Action, reason: str) -> Change:
    notes = ("its volumes stay",) if action == "remove" else ()
    return Change(
        action=action, kind="sandbox", name=name, group=record.group, cause="expired", reason=reason, notes=notes
    )
