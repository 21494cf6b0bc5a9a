"""What somebody has stopped on purpose: who it keeps from running, and letting it go on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.errors import Diagnostic
from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Held, Plan
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.plan.commands.target import leave_out
from nexusctl.plan.decide.expiry import ANEW, LONGER

_STARTS = ("create", "replace", "start", "resume", "run")


def lift_holds(live: LiveState) -> LiveState:
    """`live` where nobody's word keeps a sandbox stopped."""
    sandboxes = (
        replace(x, hold=replace(x.hold, lifted=True)) if x.hold and x.hold.lasts else x for x in live.sandboxes
    )
    return replace(live, sandboxes=tuple(sandboxes), pruned={})


def leave_waiting(plan: Plan, stack: Stack) -> Plan:
    """`plan` without those that would start and depend, however indirectly, on one that is held."""
    starting = {change.name for change in plan.changes if change.kind == "sandbox" and change.action in _STARTS}
    reasons: dict[str, str] = {}
    for held in plan.held:
        word = f"it depends on {held.name}, which {held.deed}"
        reasons |= {name: word for name in list_dependents(stack.sandboxes, held.name) if name in starting}
    return leave_out(plan, reasons) if reasons else plan


def find_standing(plan: Plan, stack: Stack) -> Iterator[Diagnostic]:
    """A warning for each held sandbox on which one depends that is to run."""
    stopped = {held.name for held in plan.held}
    for held in plan.held:
        others = [name for name, s in stack.sandboxes.items() if held.name in {d.sandbox for d in s.depends_on}]
        if needing := [name for name in others if stack.sandboxes[name].state == "running" and name not in stopped]:
            verb = "depends" if len(needing) == 1 else "depend"
            yield Diagnostic(
                f"{', '.join(needing)} {verb} on {held.name}, which {held.deed}",
                hint=LONGER if held.expired and not held.idle else say_back(held),
                sandbox=held.name,
                severity="warning",
            )


def say_back(held: Held) -> str:
    """What lets it run again."""
    if held.gone:
        return f"its container is gone: `{ANEW}` makes {held.name} again"
    return f"`nexusctl start {held.name}` lets it go on"


def list_dependents(sandboxes: Mapping[str, Sandbox], name: str) -> frozenset[str]:
    """All that depend on `name`, however indirectly."""
    users: dict[str, list[str]] = {}
    for other, sandbox in sandboxes.items():
        for dependency in sandbox.depends_on:
            users.setdefault(dependency.sandbox, []).append(other)
    found, waiting = {name}, [name]
    while waiting:
        for other in users.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return frozenset(found - {name})
