"""Parse, observe, plan: the first lines of the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.config.load import load
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError, PlanError
from nexusctl.model.observed.live import Adopt, LiveState
from nexusctl.model.plan.plan import Plan
from nexusctl.model.secret import NOTHING_READ, Disclosure
from nexusctl.model.stack import Stack
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.explain.losses import note_losses
from nexusctl.plan.plan import make_plan

__all__ = [
    "empty_stack",
    "find_overwritten",
    "load",
    "look_inside",
    "measure_losses",
    "observe",
    "observe_remains",
    "plan",
    "prepare",
    "read_secrets",
    "require_known",
]

EVERYTHING = Choice()


def observe(engine: Engine, stack: Stack, *, deep: bool = False) -> LiveState:
    """What is there for `stack`; `deep` inspects each sandbox and looks inside. Raises `EngineError`."""
    live = engine.observe(stack, deep=deep)
    return engine.look_inside(live) if deep else live


def look_inside(engine: Engine, live: LiveState, names: frozenset[str]) -> LiveState:
    """`live` with the interior of the sandboxes of these names alone; those that have gone meanwhile are left out."""
    wanted = tuple(found for found in live.sandboxes if found.sandbox in names)
    looked = {found.id: found for found in engine.look_inside(replace(live, sandboxes=wanted)).sandboxes}
    kept = (found for found in live.sandboxes if found.sandbox not in names or found.id in looked)
    return replace(live, sandboxes=tuple(looked.get(found.id, found) for found in kept))


def plan(engine: Engine, stack: Stack, *, remove_volumes: bool = False) -> Plan:
    """What would make the live sandboxes what `stack` says. Changes nothing. Raises `PlanError`, `EngineError`."""
    live = engine.observe(stack, whole=not stack.sandboxes)
    chosen = make_plan(stack, live, engine.in_place, remove_volumes=remove_volumes)
    return measure_losses(engine, _allow(chosen))


def prepare(
    engine: Engine, stack: Stack, *, deep: bool = False, adopt: Adopt = None, choice: Choice = EVERYTHING
) -> Basis:
    """The plan for what `choice` means, together with all that it was made of.

    Changes nothing. Raises `InputError` for a choice that means nothing, `PlanError`, `EngineError`.
    """
    _require_declared(adopt or {}, stack)
    live = engine.observe(stack, deep=deep, adopt=adopt)
    choice = call_anew(choice, stack, live)
    require_known(choice, group_names(stack, live))
    if deep:
        live = engine.look_inside(live) if choice.everything else _look_at_chosen(engine, stack, live, choice)
    if choice.start_stopped:
        # Seldom is anything stopped.
        from nexusctl.plan.commands.states.holds import lift_holds  # noqa: PLC0415 - deferred: start-up time

        live = lift_holds(live)
    basis = Basis(stack=stack, live=live, choice=choice, plan=Plan(stack=stack.name), warnings=_warn(stack, live))
    return plan_anew(engine, _leave_absent(basis) if live.absent and not choice.everything else basis)


def call_anew(choice: Choice, stack: Stack, live: LiveState) -> Choice:
    """`choice` by the names that sandboxes have in `stack`, where it means some by those that they had before."""
    if choice.everything:
        return choice
    # Most plans are whole.
    from nexusctl.plan.commands.former_names import call_anew as call  # noqa: PLC0415 - deferred: start-up time

    return call(choice, stack, live)


def _look_at_chosen(engine: Engine, stack: Stack, live: LiveState, choice: Choice) -> LiveState:
    """What is not in the plan is waited for by nobody."""
    # Most plans are whole.
    from nexusctl.plan.commands.target import choose_names  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.plan.compare.moved import find_moves  # noqa: PLC0415 - deferred: start-up time

    names = choose_names(stack, live, choice)
    # What is still to be moved goes by the name that it has now.
    former = {name for name, target in find_moves(stack, live).items() if target in names}
    return look_inside(engine, live, names | former)


def _warn(stack: Stack, live: LiveState) -> tuple[Diagnostic, ...]:
    """What hinders nothing and should be known all the same."""
    found: list[Diagnostic] = []
    if live.neighbours:
        # Few stacks share a network with others.
        from nexusctl.plan.explain.name_clashes import find_clashes  # noqa: PLC0415 - deferred: start-up time

        found += find_clashes(stack, live)
    if live.closed:
        # As above.
        from nexusctl.plan.explain.host_ports import find_unpublished  # noqa: PLC0415 - deferred: start-up time

        found += find_unpublished(stack, live)
    if live.owners:
        # As above.
        from nexusctl.plan.decide.conflicts import find_unshared  # noqa: PLC0415 - deferred: start-up time

        found += find_unshared(stack, live, used=True)
    if live.foreign:
        # Fewer have somebody who takes their name.
        from nexusctl.plan.explain.name_clashes import name_foreign  # noqa: PLC0415 - deferred: start-up time

        found += name_foreign(live)
    return tuple(replace(problem, severity="warning") for problem in found)


def _leave_absent(basis: Basis) -> Basis:
    """`basis` without the sandboxes that nobody chose, where some of those need what is not there."""
    # Few stacks have external objects, fewer lack one.
    from nexusctl.plan.commands.narrow import adjust, narrow  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.plan.decide.conflicts import find_absent  # noqa: PLC0415 - deferred: start-up time

    chosen = narrow(basis.stack, basis.choice)
    needed = tuple(find_absent(chosen, basis.live))
    others = [problem for problem in find_absent(basis.stack, basis.live) if problem not in needed]
    if not others:
        return basis
    warnings = tuple(replace(problem, severity="warning") for problem in others)
    choice = adjust(basis.choice, basis.stack, chosen)
    return replace(basis, stack=chosen, choice=choice, warnings=(*basis.warnings, *warnings))


def plan_anew(engine: Engine, basis: Basis) -> Basis:
    """`basis` with the plan that follows from the rest of it. Raises `PlanError`, `EngineError`."""
    groups = group_names(basis.stack, basis.live) if basis.choice.replaces else {}
    forced = frozenset(name for word in basis.choice.replaces for name in match_names(word, groups))
    whole = make_plan(basis.stack, basis.live, engine.in_place, forced=forced)
    if whole.held:
        # As above.
        from nexusctl.plan.commands.states.holds import find_standing, leave_waiting  # noqa: PLC0415 - deferred: start-up time

        basis = replace(basis, warnings=(*basis.warnings, *find_standing(whole, basis.stack)))
        whole = leave_waiting(whole, basis.stack)
    chosen = whole if basis.choice.everything else _select(whole, basis.stack, basis.live, basis.choice)
    return replace(basis, plan=measure_losses(engine, _allow(chosen)))


def find_overwritten(engine: Engine, basis: Basis) -> Mapping[str, tuple[str, ...]]:
    """The paths of files that were changed or added inside, by sandbox, and that the plan writes over or takes away.

    Looks at no more than that. Raises `EngineError`.
    """
    # Only a change whose plan nobody reads needs it.
    from nexusctl.plan.commands.edited import overwritten  # noqa: PLC0415 - deferred: start-up time

    narrowed = overwritten.narrow_to_written(basis.plan, basis.live)
    if not narrowed.sandboxes:
        return {}
    inside = engine.look_inside(narrowed)
    added = overwritten.narrow_to_added(basis.plan, basis.stack, inside)
    second = engine.look_inside(added) if added.sandboxes else added
    return overwritten.find_overwritten(basis.stack, inside, second)


def measure_losses(engine: Engine, chosen: Plan) -> Plan:
    """`chosen` with the bytes of the containers that it takes away, and of the volumes of which it says something.

    Sizes are dear, so they are asked for when it is decided which ones these are, and of no others.
    Raises `EngineError`.
    """
    leaving = sorted({change.leaving for change in chosen.changes if change.leaving})
    volumes = sorted({name for change in chosen.changes for name in change.volumes})
    if not (leaving or volumes):
        return chosen
    return note_losses(
        chosen,
        engine.overview.measure(leaving) if leaving else {},
        engine.overview.measure_volumes(volumes) if volumes else {},
        engine.executions.count_running(leaving) if leaving else {},
    )


def _allow(chosen: Plan) -> Plan:
    """`chosen`, unless it would end what must not be destroyed. Raises `PlanError`."""
    if any(change.protected for change in chosen.changes):
        # Words for a plan that is refused are not needed for any other.
        from nexusctl.plan.decide.protection import find_forbidden  # noqa: PLC0415 - deferred: start-up time

        raise PlanError(*find_forbidden(chosen))
    return chosen


def _select(whole: Plan, stack: Stack, live: LiveState, choice: Choice) -> Plan:
    # Most plans are whole, and the step classes that it knows take longer to load than a plan to make.
    from nexusctl.plan.commands.target import select_changes  # noqa: PLC0415 - deferred: start-up time

    return select_changes(whole, stack, live, choice)


def require_known(choice: Choice, groups: Mapping[str, str]) -> None:
    asked = (*choice.targets, *choice.excludes, *choice.replaces)
    unknown = [word for word in asked if not match_names(word, groups)]
    if unknown:
        known = {*groups, *groups.values()}
        raise InputError(
            *(Diagnostic(f"no sandbox is called {w}", hint=suggest(w, known, "the sandboxes")) for w in unknown)
        )


def _require_declared(adopt: Mapping[str, str], stack: Stack) -> None:
    unknown = [name for name in adopt if name not in stack.sandboxes]
    if unknown:
        raise InputError(
            *(
                Diagnostic(f"no sandbox is called {name}", hint=suggest(name, stack.sandboxes, "the sandboxes"))
                for name in unknown
            )
        )


def empty_stack(name: str) -> Stack:
    """The desired state of a stack that is to be destroyed."""
    return Stack(name=name)


def observe_remains(engine: Engine, stack: str) -> LiveState:
    """What bears the labels of `stack` now, for the last word of `destroy`."""
    return engine.observe(empty_stack(stack), whole=True)


def read_secrets(engine: Engine, basis: Basis) -> tuple[Basis, Disclosure]:
    """Read the secrets that the plan of `basis` needs, and plan anew over the same live state.

    Returns that plan's basis, and the values for whoever carries it out. Nothing was changed yet. Raises
    `InputError` with every secret that cannot be read or does not fit, `PlanError`.
    """
    if not basis.plan.unread:
        return basis, NOTHING_READ
    # A stack without secrets needs none of this.
    from nexusctl.plan.compare.secrets import find_unread, with_read  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.secrets.fit import require_fit  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.secrets.reading import read_secrets as read  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.secrets.sources import sources_for  # noqa: PLC0415 - deferred: start-up time

    stack = basis.stack
    needed = {name: stack.secrets[name] for name in basis.plan.unread}
    readings = read(stack.name, needed, sources_for(stack.secrets.values(), stack.sensitive))
    sandboxes = {name: with_read(sandbox, readings.digests) for name, sandbox in stack.sandboxes.items()}
    require_fit((s for s in sandboxes.values() if not find_unread((s,))), readings.reveal)
    known = Disclosure(reveal=readings.reveal, conceal=readings.conceal)
    return plan_anew(engine, replace(basis, stack=replace(stack, sandboxes=sandboxes))), known
