"""The plan of a verb that lets live sandboxes run or not: stop, start, restart, pause, resume, kill. Pure.

Desired is here what the records say, with another state for some; nothing else that the file says anew is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.engine_names import container_name, natural_key
from nexusctl.model.observed.history import DeedKind
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.actions import Action
from nexusctl.model.plan.plan import Change, Plan
from nexusctl.model.stack import DesiredState, Sandbox
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.not_running import explain_task
from nexusctl.plan.commands.states.state_steps import Turn, sequence_turns
from nexusctl.plan.compare.claims import settle_claims
from nexusctl.plan.decide.expiry import LONGER, find_hold
from nexusctl.plan.decide.handovers import ALIVE

Verb = Literal["stop", "start", "restart", "pause", "resume", "kill"]

KILL = "SIGKILL"

RESTS: Mapping[str, DesiredState] = {"stop": "stopped", "kill": "stopped", "pause": "paused"}
"""What is meant to last, by the verb."""

_DEEDS: Mapping[str, DeedKind] = {
    "stop": "stopped",
    "kill": "killed",
    "pause": "paused",
    "start": "started",
    "resume": "resumed",
    "restart": "restarted",
}

RUNS = ("start", "restart", "resume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What somebody wants: by `user`, at the time `now` in seconds since 1970.

    With `write` the file says it from now on, and so do the records. `exact` are the names that were given as they are:
    where such a one cannot do what is wanted, that is an error.
    """

    verb: Verb
    user: str
    now: int
    write: bool = False
    signal: str = KILL
    exact: frozenset[str] = frozenset()

    @property
    def rest(self) -> DesiredState | None:
        """How it is to stay, where it is to stay somehow: what gets another signal may do with it what it likes."""
        return RESTS.get(self.verb) if self.signal == KILL else None


def plan_states(live: LiveState, chosen: Iterable[str], wish: Transition, declared: Mapping[str, Sandbox]) -> Plan:
    """What brings the sandboxes `chosen` to the state that `wish` is for, with what a start needs besides.

    `declared` is what the file says of them, where there is one. Raises `InputError` with all that cannot be done.
    """
    holders = find_holders(live)
    names = {name for name in chosen if name in holders}
    needed = _find_needed(holders, names) if wish.verb == "start" else frozenset()
    if problems := [found for name in sorted(names) for found in _refuse(holders[name], wish)]:
        raise InputError(*problems)
    turns = {
        name: turn
        for name in sorted(names | needed, key=natural_key)
        if (turn := _turn(holders[name], wish)) is not None
    }
    return Plan(
        stack=live.stack,
        changes=tuple(
            _describe(turn, wish, holders, turns, declared, needed=needed - names) for turn in turns.values()
        ),
        steps=sequence_turns(
            live.stack, turns, {name: found.record for name, found in holders.items() if found.record}
        ),
        unchanged=tuple(sorted(names - turns.keys(), key=natural_key)),
    )


def find_holders(live: LiveState) -> dict[str, LiveSandbox]:
    """The container of each live sandbox."""
    names = {found.sandbox: container_name(live.stack, found.sandbox) for found in live.sandboxes}
    return {n: claim.holder for n, claim in settle_claims(live.sandboxes, names).items() if claim.holder}


def _find_needed(holders: Mapping[str, LiveSandbox], names: set[str]) -> frozenset[str]:
    """The services that those depend on, however indirectly, and that do not run."""
    found, waiting = set(names), list(names)
    while waiting:
        record = holders[waiting.pop()].record
        for dependency in record.depends_on if record else ():
            if dependency.sandbox in holders and dependency.sandbox not in found:
                found.add(dependency.sandbox)
                waiting.append(dependency.sandbox)
    return frozenset(
        n for n in found - names if holders[n].state not in ("running", "restarting") and not _is_task(holders[n])
    )


def _is_task(holder: LiveSandbox) -> bool:
    return holder.record is not None and holder.record.kind == "task"


def _refuse(holder: LiveSandbox, wish: Transition) -> Iterator[Diagnostic]:
    """What somebody has named and that cannot do what is wanted."""
    name, alive = holder.sandbox, holder.state in ALIVE
    if name not in wish.exact:
        return
    if _is_task(holder) and not alive:
        yield explain_task(holder)
    elif holder.record is None:
        yield Diagnostic(f"the record of {name} cannot be read: {holder.record_problem}", sandbox=name)
    elif _is_expired(holder, wish):
        yield Diagnostic(f"the lifetime of {name} is over", hint=LONGER, sandbox=name)
    elif wish.verb in ("pause", "resume") and not alive:
        hint = f"`nexusctl start {name}` starts it"
        yield Diagnostic(f"{_say_state(holder)}, and there is nothing to {wish.verb}", hint=hint, sandbox=name)
    elif wish.verb == "kill" and not alive:
        yield Diagnostic(f"{_say_state(holder)}, and there is nothing to kill", sandbox=name)


def _say_state(holder: LiveSandbox) -> str:
    if holder.state == "created":
        return f"{holder.sandbox} has never run"
    return f"{holder.sandbox} {'has exited' if holder.state == 'exited' else f'is {holder.state}'}"


def _is_expired(holder: LiveSandbox, wish: Transition) -> bool:
    """Whether it is to run though its time is over: it would only be ended again."""
    if wish.verb not in RUNS or holder.record is None:
        return False
    hold = find_hold(holder.record, holder, wish.now)
    return hold is not None and not hold.lasts


def _turn(holder: LiveSandbox, wish: Transition) -> Turn | None:
    """What happens to one sandbox; None where it is as it is to be."""
    if holder.record is None or holder.partial or holder.gone or (_is_task(holder) and holder.state not in ALIVE):
        return None
    if _is_expired(holder, wish):
        return None
    action = _choose_action(holder, wish)
    wanted = wish.rest or ("running" if wish.verb in RUNS else None)
    written = None
    if wanted and wish.write and holder.record.state != wanted:
        written = replace(holder.record, state=wanted)
    hold = None
    lasts = action or wish.verb == "stop" or holder.state == wish.rest
    if wish.rest and lasts and not wish.write and holder.record.state != wish.rest and (holder.hold is None or action):
        hold = Hold(state=wish.rest, user=wish.user, since=wish.now, killed=action == "kill")
    # One that stays as it is keeps the word of who has stopped it.
    released = holder.hold.name if holder.hold and wanted and not hold and (wish.write or wanted == "running") else ""
    if not (action or written or hold or released):
        return None
    signal = wish.signal if wish.verb == "kill" else ""
    # A hold says who it was by itself.
    deed = _DEEDS.get(action or "") if not hold else None
    return Turn(holder=holder, action=action, hold=hold, released=released, written=written, signal=signal, deed=deed)


def _choose_action(holder: LiveSandbox, wish: Transition) -> Action | None:
    state = holder.state
    match wish.verb:
        case "stop":
            return "stop" if state in ALIVE else None
        case "kill":
            return None if state not in ALIVE else "kill" if wish.signal == KILL else "signal"
        case "pause":
            return "pause" if state == "running" else None
        case "resume":
            return "resume" if state == "paused" else None
        case "restart":
            return "restart" if state in ALIVE else "start"
        case "start":
            return "resume" if state == "paused" else "start" if state in ("exited", "created") else None


def _describe(
    turn: Turn,
    wish: Transition,
    holders: Mapping[str, LiveSandbox],
    turns: Mapping[str, Turn],
    declared: Mapping[str, Sandbox],
    *,
    needed: frozenset[str],
) -> Change:
    name, holder = turn.holder.sandbox, turn.holder
    users = [other for other, found in sorted(holders.items()) if found.record and _needs(found.record, name)]
    reason = ""
    if turn.action is None:
        reason = f"it {'has exited' if holder.state == 'exited' else f'is {holder.state}'} already"
    elif name in needed:
        needing = [other for other in users if other in turns]
        reason = f"{', '.join(needing)} {'depends' if len(needing) == 1 else 'depend'} on it"
    elif turn.action == "signal":
        reason = turn.signal
    return Change(
        action=turn.action or ("start" if wish.rest is None else wish.verb),
        kind="sandbox",
        name=name,
        group=holder.record.group if holder.record else "",
        cause="asked",
        reason=reason,
        notes=tuple(_notes(turn, wish, [o for o in users if o not in turns and holders[o].state in ALIVE], declared)),
    )


def _needs(record: Sandbox, name: str) -> bool:
    return any(dependency.sandbox == name for dependency in record.depends_on)


def _notes(turn: Turn, wish: Transition, standing: list[str], declared: Mapping[str, Sandbox]) -> Iterator[str]:
    record, name = turn.holder.record, turn.holder.sandbox
    said = declared[name].state if name in declared else None
    if turn.hold:
        back = "resume" if turn.hold.state == "paused" else "start"
        yield f"apply leaves it {turn.hold.state} until `nexusctl {back} {name}` or `apply --start-stopped`"
        if said and said != turn.hold.state and wish.verb != "kill":
            yield f"the stack file says `state: {said}`; with --write it says `{turn.hold.state}`"
    if wish.rest == "stopped" and record and record.restart == "always":
        yield "with `restart: always` an engine that restarts starts it again; with `unless-stopped` it does not"
    if wish.rest and standing:
        verb = "depends" if len(standing) == 1 else "depend"
        yield f"{', '.join(standing)} {verb} on it and {'goes' if len(standing) == 1 else 'go'} on"
    if wish.verb in RUNS and said not in (None, "running") and not wish.write:
        yield f"the stack file says `state: {said}`: the next apply goes back to that, unless --write changes it"


def list_states(plan: Plan, wish: Transition) -> dict[str, DesiredState]:
    """What the file is to say, by sandbox, of those that the plan is about, also where nothing is to be done."""
    wanted: DesiredState = wish.rest or "running"
    return dict.fromkeys((*(change.name for change in plan.changes), *plan.unchanged), wanted)
