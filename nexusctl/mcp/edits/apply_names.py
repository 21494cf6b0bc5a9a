"""The sentence of a change for some sandboxes of the stack file, and for each of them how that went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import field

from nexusctl.api import apply as sentence
from nexusctl.api import connection, planning, subject
from nexusctl.api.execution import Interrupt
from nexusctl.api.reaper.keep import keep_reaper
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.edits.stack_name import NameTaken
from nexusctl.mcp.edits.workspace import Workspace
from nexusctl.model.plan.event import Declined, Failed, Planned, Skipped, Warned
from nexusctl.model.plan.plan import Change, Plan, Step
from nexusctl.model.plan.step_id import kind_of
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice

LOCK_TIMEOUT = 120.0
"""Seconds that a change waits for somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """`changes` is what the plan had for each sandbox, `problems` is why some of them are not as they should be."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    problems: Mapping[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    warnings: Mapping[str, tuple[Diagnostic, ...]] = field(default_factory=dict)


def apply_names(
    workspace: Workspace,
    names: Iterable[str],
    keep_reaper: sentence.KeepReaper = keep_reaper,
    *,
    begun: bool = False,
) -> Applied:
    """Apply the file as far as it is about the sandboxes `names`, in it or no more; raises `NexusError` as apply does.

    Where nothing else is to be done all of it is applied, so that a network goes with the last that was in it. One that
    was just `begun` has nothing on the engine: where something is there, this raises `NameTaken` and does nothing.
    """
    wanted = frozenset(names)
    about = workspace.subject()
    if mistakes := [problem for problem in about.problems if problem.sandbox is None or problem.sandbox in wanted]:
        raise InputError(*mistakes)
    applied = _follow(about, wanted, keep_reaper, whole=not about.problems, begun=begun)
    if applied is not None:
        return applied
    targets = _known(about, wanted)
    if not targets:
        return Applied()
    about = subject.Subject(stack=about.stack, problems=about.problems, choice=Choice(targets=targets))
    return _follow(about, wanted, keep_reaper, whole=False) or Applied()


def _follow(
    about: subject.Subject,
    wanted: frozenset[str],
    keep_reaper: sentence.KeepReaper,
    *,
    whole: bool,
    begun: bool = False,
) -> Applied | None:
    """Carry out the plan for `about`; None where it is the `whole` one and has more in it than is `wanted`."""
    if about.choice.everything and not whole:
        return None

    def begin(planned: Planned) -> Interrupt | None:
        return Interrupt() if not whole or _touches_only(planned.plan, wanted) else None

    plan: Plan | None = None
    failed: dict[str, Diagnostic] = {}
    skipped: dict[str, Skipped] = {}
    warned: dict[str, tuple[Diagnostic, ...]] = {}
    steps: dict[str, Step] = {}
    terms = sentence.Terms(begin=begin, lock_timeout=LOCK_TIMEOUT, keep_reaper=keep_reaper)
    with closing(sentence.apply(about, terms)) as events:
        for event in events:
            match event:
                case Planned():
                    # The lock of that name is held now, so nobody can make anything of it meanwhile.
                    if begun and plan is None and not _makes_all(event.plan, wanted & about.stack.sandboxes.keys()):
                        raise NameTaken(Diagnostic(f"somebody else has made a stack {about.stack.name}"))
                    plan = plan or event.plan
                    steps |= {step.id: step for step in event.plan.steps}
                case Declined():
                    return None
                case Failed():
                    failed[event.step.id] = event.problem
                case Skipped():
                    skipped[event.step.id] = event
                case Warned():
                    warned[event.step.subject] = (*warned.get(event.step.subject, ()), event.problem)
    changes = {change.name: change for change in plan.changes if change.kind == "sandbox"} if plan else {}
    problems = {name: found for name in wanted if (found := _problems_of(name, steps, failed, skipped))}
    return Applied(changes=changes, problems=problems, warnings=warned)


def _makes_all(plan: Plan, names: Iterable[str]) -> bool:
    """Whether the sandboxes `names` are new, and nothing else is there that would have to go."""
    found = {change.name: change.action for change in plan.changes if change.kind == "sandbox"}
    return all(found.get(name) == "create" for name in names) and "remove" not in found.values()


def _touches_only(plan: Plan, wanted: frozenset[str]) -> bool:
    return all(change.kind != "sandbox" or change.name in wanted for change in plan.changes)


def _problems_of(
    name: str, steps: Mapping[str, Step], failed: Mapping[str, Diagnostic], skipped: Mapping[str, Skipped]
) -> tuple[Diagnostic, ...]:
    """Why a step of the sandbox was not done: its own failure, or those of what it needs."""
    own = [step for step in steps.values() if step.subject == name and kind_of(step.id) == "sandbox"]
    undone = [step.id for step in own if step.id in failed or step.id in skipped]
    found: dict[Diagnostic, None] = {}
    seen: set[str] = set()
    while undone:
        key = undone.pop()
        if key in seen:
            continue
        seen.add(key)
        if key in failed:
            found[failed[key]] = None
        elif key in steps:
            undone += [need for need in steps[key].needs if need in failed or need in skipped]
    if not found and any(step.id in skipped for step in own):
        reason = next(skipped[step.id].reason for step in own if step.id in skipped)
        return (Diagnostic(f"{name}: {reason}", sandbox=name),)
    return tuple(found)


def _known(about: subject.Subject, wanted: frozenset[str]) -> tuple[str, ...]:
    """Those of `wanted` that are declared or live."""
    live = planning.observe(connection.connect(), about.stack)
    known = {*about.stack.sandboxes, *(found.sandbox for found in live.sandboxes)}
    return tuple(sorted(wanted & known))
