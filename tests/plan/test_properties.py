"""What holds for every plan, whatever the stacks: drawn by Hypothesis, carried out on the memory engine."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexusctl.model.plan import Step
from nexusctl.model.stack import Stack
from nexusctl.model.step import CreateContainer, RemoveContainer, ReplaceContainer, StartContainer
from nexusctl.plan.plan import make_plan
from tests.plan.worlds import carry_out, new_engine, plan_for, portrait, stacks


@given(stacks(), stacks())
def test_after_an_apply_the_plan_is_empty(before: Stack, after: Stack) -> None:
    engine = new_engine()
    for stack in (before, after):
        carry_out(engine, plan_for(engine, stack))
        again = plan_for(engine, stack)
        assert again.empty, again
        assert not again.changes


@given(stacks(), stacks(), st.integers(min_value=0, max_value=60))
def test_any_prefix_of_the_steps_and_a_fresh_apply_end_in_the_same_state(before: Stack, after: Stack, cut: int) -> None:
    whole, broken = new_engine(), new_engine()
    for engine in (whole, broken):
        carry_out(engine, plan_for(engine, before))
    carry_out(whole, plan_for(whole, after))
    carry_out(broken, plan_for(broken, after), cut)
    carry_out(broken, plan_for(broken, after))
    assert portrait(broken, after) == portrait(whole, after)
    assert plan_for(broken, after).empty


@given(stacks(), stacks())
def test_a_sandbox_that_did_not_change_has_no_step(before: Stack, after: Stack) -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, before))
    kept = {name: box for name, box in after.sandboxes.items() if before.sandboxes.get(name) == box}
    networks = {n for n in before.networks if before.networks[n] != after.networks[n]}
    touched = {step.subject for step in plan_for(engine, after).steps if step.id.startswith("sandbox:")}
    waited = {step.subject for step in plan_for(engine, after).steps if step.id.endswith(":ready")}
    for name, box in kept.items():
        if not networks & set(box.networks):
            assert name not in touched - waited


@given(stacks(), stacks())
def test_a_plan_is_the_same_whatever_the_order_of_keys(before: Stack, after: Stack) -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, before))
    live = engine.observe(after)
    turned = replace(after, sandboxes=dict(reversed(after.sandboxes.items())))
    mirrored = replace(live, sandboxes=tuple(reversed(live.sandboxes)), networks=tuple(reversed(live.networks)))
    assert make_plan(after, live, engine.in_place) == make_plan(turned, mirrored, engine.in_place)


@given(stacks(), stacks())
def test_dependencies_come_before_dependents_and_go_after_them(before: Stack, after: Stack) -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, before))
    steps = plan_for(engine, after).steps
    place = {step.id: number for number, step in enumerate(steps)}
    assert all(place[need] < place[step.id] for step in steps for need in step.needs if need in place)
    ready = {step.subject: number for number, step in enumerate(steps) if _serves(step)}
    for step in steps:
        if isinstance(step, StartContainer | ReplaceContainer):
            assert all(ready.get(name, -1) < place[step.id] for name in _needed_by(step.sandbox.name, after))
    removed = {step.subject: place[step.id] for step in steps if _removes_for_good(step, after)}
    for name, number in removed.items():
        dependents = [b.name for b in before.sandboxes.values() if name in {d.sandbox for d in b.depends_on}]
        assert all(removed[dependent] < number for dependent in dependents if dependent in removed)


@given(stacks(), stacks())
def test_what_is_removed_for_a_new_one_goes_first(before: Stack, after: Stack) -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, before))
    steps = plan_for(engine, after).steps
    created = {step.subject: number for number, step in enumerate(steps) if isinstance(step, CreateContainer)}
    for number, step in enumerate(steps):
        if isinstance(step, RemoveContainer) and step.subject in created:
            assert number < created[step.subject]


@given(stacks())
def test_destroying_leaves_only_volumes(stack: Stack) -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, stack))
    carry_out(engine, plan_for(engine, Stack(name=stack.name)))
    live = engine.observe(stack)
    assert not live.sandboxes
    assert not live.networks
    assert not live.orphans


def _needed_by(name: str, stack: Stack) -> set[str]:
    """Every sandbox that `name` depends on, however indirectly."""
    direct = {dependency.sandbox for dependency in stack.sandboxes[name].depends_on}
    return direct.union(*(_needed_by(other, stack) for other in direct))


def _serves(step: Step) -> bool:
    return isinstance(step, StartContainer | ReplaceContainer) or step.id.endswith(":ready")


def _removes_for_good(step: Step, after: Stack) -> bool:
    return isinstance(step, RemoveContainer) and step.subject not in after.sandboxes
