"""Part of a plan: the changes of some sandboxes, with all that those need, and a word on what is left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Change, Omission, Plan, Step
from nexusctl.model.plan.step import RemoveContainer, RemoveNetwork, RemoveOrphan, RemoveVolume, StopContainer
from nexusctl.model.plan.step_id import kind_of
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.compare.secrets import find_unread
from nexusctl.plan.decide.birth_limits import say_of_changed

Key = tuple[str, str, bool]


def choose_names(stack: Stack, live: LiveState, choice: Choice) -> frozenset[str]:
    """The sandboxes that `choice` means: the targets with their dependencies, without the excluded ones."""
    groups = group_names(stack, live)
    chosen = _union(choice.targets, groups) if choice.targets else frozenset(groups)
    return _with_dependencies(chosen, stack) - _union(choice.excludes, groups)


def select_changes(plan: Plan, stack: Stack, live: LiveState, choice: Choice) -> Plan:
    """The part of `plan` that `choice` means; `omitted` says of every other change why it is not there.

    A sandbox whose steps need those of an excluded one is left out with it. What goes before a target can go goes
    too. Images, networks and volumes are made where something in the part needs them.
    """
    if choice.everything:
        return plan
    reasons = _find_reasons(plan, stack, live, choice)
    kept = _keep_steps(plan, reasons, idle_creation=not choice.targets, idle_removal=not choice.targets)
    part = _cut(plan, kept, reasons)
    chosen = choose_names(stack, live, choice) | {step.subject for step in part.steps}
    unread = find_unread(sandbox for name, sandbox in stack.sandboxes.items() if name in chosen)
    return replace(part, unread=unread)


def leave_out(plan: Plan, reasons: Mapping[str, str]) -> Plan:
    """`plan` without the sandboxes in `reasons`; unlike with an exclusion, those that depend on them stay.

    But for those that would get what the container of one of them has, and does not give up then.
    """
    changing = {change.name for change in plan.changes if change.kind == "sandbox"}
    reasons = _spread(plan, changing, reasons, through=(RemoveContainer, StopContainer))
    kept = _keep_steps(plan, reasons, idle_creation=not reasons, idle_removal=True)
    return _cut(plan, kept, reasons)


def _find_reasons(plan: Plan, stack: Stack, live: LiveState, choice: Choice) -> dict[str, str]:
    """Why each changing sandbox that stays out does so."""
    changing = {change.name for change in plan.changes if change.kind == "sandbox"}
    excluded = _union(choice.excludes, group_names(stack, live))
    chosen = _with_needed(plan, changing, choose_names(stack, live, choice))
    reasons = {name: "excluded" if name in excluded else "not targeted" for name in sorted(changing - chosen)}
    reasons |= dict.fromkeys(sorted(changing & excluded), "excluded")
    return reasons | _spread(plan, changing, reasons)


def _with_needed(plan: Plan, changing: set[str], chosen: frozenset[str]) -> frozenset[str]:
    """`chosen` and the changing sandboxes whose steps those of `chosen` need, however indirectly."""
    by_id = {step.id: step for step in plan.steps}
    found = set(chosen)
    for step in reversed(plan.steps):
        if _kind(step) == "sandbox" and step.subject in found:
            found |= {name for name in _needed_sandboxes(step, by_id) if name in changing}
    return frozenset(found)


def _spread(
    plan: Plan, changing: set[str], reasons: Mapping[str, str], through: type[Step] | tuple[type[Step], ...] = Step
) -> dict[str, str]:
    """The changing sandboxes that need a step (of a class in `through`) of one that stays out: they stay out, too."""
    by_id = {step.id: step for step in plan.steps}
    spread = dict(reasons)
    before = -1
    while before != len(spread):
        before = len(spread)
        for step in plan.steps:
            if _kind(step) == "sandbox" and step.subject in changing and step.subject not in spread:
                for name in sorted(_needed_sandboxes(step, by_id, through) & spread.keys()):
                    spread[step.subject] = f"comes after {name}, which is not in this plan"
    return spread


def _needed_sandboxes(
    step: Step, by_id: Mapping[str, Step], through: type[Step] | tuple[type[Step], ...] = Step
) -> set[str]:
    needed = (by_id[need] for need in step.needs)
    return {other.subject for other in needed if _kind(other) == "sandbox" and isinstance(other, through)}


def _keep_steps(plan: Plan, reasons: Mapping[str, str], *, idle_creation: bool, idle_removal: bool) -> frozenset[str]:
    """The steps of what does not stay out, and those that they need. `idle` are objects that no step has to do with."""
    changing = {change.name for change in plan.changes if change.kind == "sandbox"} - reasons.keys()
    lost = {step.id for step in plan.steps if _kind(step) == "sandbox" and step.subject in reasons}
    kept = {step.id for step in plan.steps if _kind(step) == "sandbox" and step.subject in changing}
    if idle_creation:
        needed = {need for step in plan.steps for need in step.needs}
        kept |= {s.id for s in plan.steps if _kind(s) != "sandbox" and s.id not in needed and not _removes(s)}
    for step in reversed(plan.steps):
        if step.id in kept:
            kept |= set(step.needs) - lost
    for step in plan.steps:
        if _removes(step) and (step.needs or idle_removal) and kept.issuperset(step.needs):
            kept.add(step.id)
    return frozenset(kept)


def _cut(plan: Plan, kept: frozenset[str], reasons: Mapping[str, str]) -> Plan:
    present = {_key(step) for step in plan.steps if step.id in kept}
    changes = tuple(change for change in plan.changes if _change_key(change) in present)
    omitted = tuple(
        Omission(action=change.action, kind=change.kind, name=change.name, reason=_explain(change, reasons))
        for change in plan.changes
        if _change_key(change) not in present
    )
    steps = tuple(_trim(step, kept) for step in plan.steps if step.id in kept)
    part = replace(plan, changes=changes, steps=steps if changes else (), omitted=(*plan.omitted, *omitted))
    return say_of_changed(part)


def _explain(change: Change, reasons: Mapping[str, str]) -> str:
    if change.kind == "sandbox":
        return reasons.get(change.name, "not targeted")
    return "not needed by what is in this plan" if change.action == "create" else "what is not in this plan may use it"


def _trim(step: Step, kept: frozenset[str]) -> Step:
    needs = tuple(need for need in step.needs if need in kept)
    return step if needs == step.needs else replace(step, needs=needs)


def _key(step: Step) -> Key:
    """What a change and its steps have in common; one sandbox may have several steps of every sort."""
    kind = _kind(step)
    return kind, step.subject, kind != "sandbox" and _removes(step)


def _change_key(change: Change) -> Key:
    return change.kind, change.name, change.kind != "sandbox" and change.action == "remove"


def _kind(step: Step) -> str:
    return kind_of(step.id)


def _removes(step: Step) -> bool:
    return isinstance(step, RemoveNetwork | RemoveVolume | RemoveOrphan)


def _with_dependencies(names: frozenset[str], stack: Stack) -> frozenset[str]:
    found, waiting = set(names), list(names)
    while waiting:
        sandbox = stack.sandboxes.get(waiting.pop())
        for dependency in sandbox.depends_on if sandbox else ():
            if dependency.sandbox not in found:
                found.add(dependency.sandbox)
                waiting.append(dependency.sandbox)
    return frozenset(found)


def _union(patterns: Iterable[str], groups: Mapping[str, str]) -> frozenset[str]:
    return frozenset().union(*(match_names(pattern, groups) for pattern in patterns))
