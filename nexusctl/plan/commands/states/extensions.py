"""The plan that lets live sandboxes live longer: a word beside each, which no apply takes back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.engine_names import natural_key
from nexusctl.model.lifetime import LAST, find_end
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.plan import Change, Plan
from nexusctl.model.plan.step import ExtendContainer
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.utc import utc
from nexusctl.plan.commands.states.states import find_holders
from nexusctl.plan.decide.expiry import find_hold, is_done, say_destroyed


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """So many `seconds` more, for `user`. `exact` are names given as they are: what cannot have them is an error."""

    seconds: int
    user: str
    exact: frozenset[str] = frozenset()


def plan_extensions(live: LiveState, chosen: Iterable[str], wanted: Extension) -> Plan:
    """What lets the sandboxes `chosen` live longer than they would, or than now. Raises `InputError`."""
    holders = find_holders(live)
    names = sorted({name for name in chosen if name in holders}, key=natural_key)
    ends = {name: end for name in names if (end := _find_end(holders[name])) is not None}
    problems = [found for name in names if name in wanted.exact for found in _refuse(holders[name], ends.get(name))]
    until = {name: max(end, live.observed_at) + wanted.seconds for name, end in ends.items()}
    problems += [Diagnostic(f"{name} cannot live that long", sandbox=name) for name in until if until[name] > LAST]
    if problems:
        raise InputError(*problems)
    return Plan(
        stack=live.stack,
        changes=tuple(_describe(holders[name], ends[name], until[name], live.observed_at) for name in until),
        steps=tuple(
            ExtendContainer(
                id=step_id("sandbox", name, "extend"),
                subject=name,
                container_id=holders[name].id,
                until=until[name],
                user=wanted.user,
                stale=holders[name].extensions,
            )
            for name in until
        ),
        unchanged=tuple(name for name in names if name not in until),
    )


def find_lost(live: LiveState, names: Iterable[str]) -> Iterator[Diagnostic]:
    """Those of `names` that have lived their time, and are no more."""
    present = {found.sandbox for found in live.sandboxes}
    for name in names:
        if name in live.expired and name not in present:
            what = say_destroyed(live.expired[name]).removeprefix("it ")
            yield Diagnostic(f"{name} {what}", hint="`nexusctl apply` makes it anew", sandbox=name)


def _find_end(holder: LiveSandbox) -> int | None:
    """None where there is nothing that could end later."""
    if holder.record is None or holder.partial or holder.gone or is_done(holder.record, holder):
        return None
    return find_end(holder.record, holder.created_at, holder.extended)


def _refuse(holder: LiveSandbox, end: int | None) -> Iterator[Diagnostic]:
    if end is not None:
        return
    name = holder.sandbox
    if holder.record is None:
        yield Diagnostic(f"the record of {name} cannot be read: {holder.record_problem}", sandbox=name)
    elif holder.gone or is_done(holder.record, holder):
        yield Diagnostic(f"{name} is a task, and done", sandbox=name)
    elif holder.partial:
        yield Diagnostic(f"{name} never became ready", hint="`nexusctl apply` makes it anew", sandbox=name)
    else:
        hint = "`timeout` or `keep_until` in the stack file gives it one"
        yield Diagnostic(f"{name} has no lifetime that could be longer", hint=hint, sandbox=name)


def _describe(holder: LiveSandbox, end: int, until: int, now: int) -> Change:
    assert holder.record is not None
    return Change(
        action="extend",
        kind="sandbox",
        name=holder.sandbox,
        group=holder.record.group,
        cause="asked",
        reason=f"it ends at {utc(until)} instead of {utc(end)}",
        notes=tuple(_notes(holder, holder.record, now)),
    )


def _notes(holder: LiveSandbox, record: Sandbox, now: int) -> Iterator[str]:
    hold = find_hold(record, holder, now)
    if hold and not hold.lasts:
        yield f"it is {hold.state}: `nexusctl start {holder.sandbox}` or the next apply lets it go on"
