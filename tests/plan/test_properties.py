"""What holds for every plan, whatever the stacks: drawn by Hypothesis, carried out on the engine in memory.

`make test` draws 2,000 examples of each, `make properties` 100,000. Nothing that is drawn is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.engine.memory import MemoryEngine
from nexusctl.engine.memory.world import MemoryContainer
from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Plan, Step
from nexusctl.model.plan.step import (
    CreateContainer,
    RemoveContainer,
    ReplaceContainer,
    RestoreContainer,
    StartContainer,
    UpdateContainer,
)
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.plan.commands.drift import recorded_stack
from nexusctl.plan.compare.claims import settle_claims
from nexusctl.plan.compare.moved import follow_moves
from nexusctl.plan.decide.protection import find_forbidden
from tests.plan.drafts import stack_pairs
from tests.plan.meddling import Deeds, deeds, deeds_inside, meddle
from tests.plan.portrait import expected_portrait, is_idle, take_portrait
from tests.plan.reader import Reader
from tests.plan.variants import EITHER, SERVICE, STRUCTURE, TASK
from tests.plan.watch import WatchedEngine
from tests.plan.worlds import MISHAPS, Mishap, apply, carry_out, go_wrong, new_engine, plan_for

Pair = tuple[Stack, Stack]

picks = st.lists(st.integers(0, 5), max_size=20)
mishaps = st.lists(
    st.builds(Mishap, done=st.integers(0, 12), at=st.integers(0, 8), kind=st.sampled_from(sorted(MISHAPS))),
    min_size=1,
    max_size=3,
)


def test_every_field_of_a_sandbox_has_values_to_draw() -> None:
    assert {f.name for f in fields(Sandbox)} == {*EITHER, *SERVICE, *TASK, *STRUCTURE}


@given(stack_pairs(), picks)
def test_an_apply_makes_what_is_declared_and_the_plan_after_it_is_empty(pair: Pair, picks: list[int]) -> None:
    engine = new_engine()
    for stack in pair:
        volumes, kept = own_volumes(engine), kept_volumes(engine)
        carry_out(engine, plan_for(engine, stack), picks)
        hold_declared(engine, stack, volumes)
        assert kept <= kept_volumes(engine), "what a sandbox has for itself outlives its containers"
        hold_quiet(plan_for(engine, stack), stack)
        hold_quiet(plan_for(engine, stack, deep=True), stack)


@given(stack_pairs(), deeds, deeds_inside, st.booleans())
def test_what_was_changed_by_hand_is_put_right(pair: Pair, outside: Deeds, inside: Deeds, deep: bool) -> None:
    before, after = pair
    engine = new_engine()
    apply(engine, before)
    meddle(engine, outside)
    meddle(engine, inside if deep else [])
    volumes = own_volumes(engine)
    apply(engine, after, deep=deep)
    hold_declared(engine, after, volumes)
    hold_quiet(plan_for(engine, after, deep=deep), after)


@given(stack_pairs(), deeds, picks, mishaps)
def test_any_part_of_a_plan_and_a_fresh_apply_end_in_the_same_state(
    pair: Pair, done: Deeds, picks: list[int], mishaps: list[Mishap]
) -> None:
    """Any part that an order of the steps allows, with steps cut off or failed between or within the engine's calls."""
    before, after = pair
    whole, broken = new_engine(), new_engine()
    for engine in (whole, broken):
        apply(engine, before)
        meddle(engine, done)
    apply(whole, after)
    go_wrong(broken, plan_for(broken, after), picks, mishaps)
    apply(broken, after)
    assert take_portrait(broken, after) == take_portrait(whole, after)
    hold_quiet(plan_for(broken, after), after)


@given(stack_pairs(), deeds, picks)
def test_a_plan_that_is_not_refused_spares_what_must_not_be_destroyed_and_what_is_idle(
    pair: Pair, done: Deeds, picks: list[int]
) -> None:
    """And one is refused only where it would end a protected sandbox, each of which it names."""
    before, after = pair
    engine = new_engine()
    apply(engine, before)
    meddle(engine, done)
    idle = take_idle(engine, after)
    protected = find_protected(engine, after)
    plan = plan_for(engine, after)
    ended = {step.container_id for step in plan.steps if isinstance(step, RemoveContainer)}
    ended |= {step.old_id for step in plan.steps if isinstance(step, ReplaceContainer)}
    forbidden = find_forbidden(plan)
    assert {found.sandbox for found in forbidden} == {protected[i] for i in ended & protected.keys()}
    # Of a task that has ended there may be only the end left.
    spared = (protected.keys() - ended) & engine.containers.keys()
    carry_out(engine, plan, picks)
    assert spared <= engine.containers.keys()
    assert take_idle(engine, after) == idle


@given(stack_pairs(), deeds, picks, mishaps)
def test_nobody_starts_on_what_one_that_goes_may_still_write_to(
    pair: Pair, done: Deeds, picks: list[int], mishaps: list[Mishap]
) -> None:
    """Also where steps fail, and in the apply after that."""
    before, after = pair
    whole, broken = WatchedEngine(), WatchedEngine()
    for engine in (whole, broken):
        engine.watch(plan := plan_for(engine, before), before)
        carry_out(engine, plan)
        meddle(engine, done)
        engine.seen.clear()
    whole.watch(plan := plan_for(whole, after), after)
    carry_out(whole, plan, picks)
    broken.watch(plan := plan_for(broken, after), after)
    go_wrong(broken, plan, picks, mishaps)
    broken.watch(plan := plan_for(broken, after), after)
    carry_out(broken, plan)
    assert (whole.seen, broken.seen) == ([], [])


@given(stack_pairs())
def test_a_sandbox_that_did_not_change_has_no_step(pair: Pair) -> None:
    before, after = pair
    engine = new_engine()
    apply(engine, before)
    plan = plan_for(engine, after)
    touched = {step.subject for step in plan.steps if step.id.startswith("sandbox:") and not step.id.endswith(":ready")}
    for name in before.sandboxes.keys() & after.sandboxes.keys():
        if is_same(name, before, after):
            assert name not in touched
            assert name in plan.unchanged


@given(stack_pairs())
def test_what_nobody_changed_by_hand_is_not_called_drifted(pair: Pair) -> None:
    before, after = pair
    engine = new_engine()
    apply(engine, before)
    plan = plan_for(engine, after)
    assert [(c.name, d.field) for c in plan.changes for d in c.differences if d.cause == "drifted"] == []


@given(stack_pairs(), deeds)
def test_a_plan_depends_on_no_order_of_keys_and_on_no_hash_seed(readers: list[Reader], pair: Pair, done: Deeds) -> None:
    before, after = pair
    engine = new_engine()
    apply(engine, before)
    meddle(engine, done)
    live = engine.observe(after, deep=True)
    texts = {reader.read(after, live, engine.in_place) for reader in readers}
    texts |= {reader.read(turn(after), turn(live), engine.in_place) for reader in readers}
    assert len(texts) == 1


@given(stack_pairs(), deeds)
def test_dependencies_come_before_dependents_and_go_after_them(pair: Pair, done: Deeds) -> None:
    before, after = pair
    engine = new_engine()
    apply(engine, before)
    meddle(engine, done)
    hold_order(plan_for(engine, after).steps, recorded(engine, after), after)
    apply(engine, after)
    hold_order(plan_for(engine, before).steps, recorded(engine, before), before)
    nothing = Stack(name=after.name)
    hold_order(plan_for(engine, nothing).steps, recorded(engine, nothing), nothing)


@given(stack_pairs(), deeds, picks)
def test_destroying_leaves_only_volumes_and_with_them_nothing(pair: Pair, done: Deeds, picks: list[int]) -> None:
    engine = new_engine()
    for stack in pair:
        apply(engine, stack)
    meddle(engine, done)
    nothing, volumes, kept = Stack(name="world"), own_volumes(engine), kept_volumes(engine)
    carry_out(engine, plan_for(engine, nothing), picks)
    assert kept_volumes(engine) == kept
    assert take_portrait(engine, nothing) == expected_portrait(nothing, volumes)
    carry_out(engine, plan_for(engine, nothing, remove_volumes=True), picks)
    assert take_portrait(engine, nothing) == expected_portrait(nothing, set())
    assert [owner for owner, _ in (*engine.networks.values(), *engine.volumes.values())] == ["", ""]


@pytest.fixture(scope="module")
def readers() -> Iterator[list[Reader]]:
    made = [Reader(seed) for seed in (1, 2, 3)]
    yield made
    for reader in made:
        reader.close()


def find_protected(engine: MemoryEngine, stack: Stack) -> dict[str, str]:
    """The sandboxes of `stack` that must not be destroyed, by their containers; duplicates of one count for nothing.

    What the file says counts for what it has, and the record for the rest.
    """
    live = [found for found in follow_moves(stack, engine.observe(stack)).sandboxes if found.record]
    idle = {c.id for c in engine.containers.values() if is_idle(engine, c, stack)}
    live = [found for found in live if found.id not in idle]
    claims = settle_claims(live, {name: container_name(stack.name, name) for name in stack.sandboxes})
    kept: dict[str, str] = {}
    for name, claim in claims.items():
        held = (claim.holder, *(leftover.live for leftover in claim.leftovers if name not in stack.sandboxes))
        for found in held:
            said = stack.sandboxes.get(name) or (found.record if found else None)
            if found and said and said.lifecycle.prevent_destroy:
                kept[found.id] = name
    return kept


def take_idle(engine: MemoryEngine, stack: Stack) -> dict[str, MemoryContainer]:
    """Copies of the containers that are left alone, but for a name that another sandbox needs."""
    return {c.id: replace(deepcopy(c), name="") for c in engine.containers.values() if is_idle(engine, c, stack)}


def own_volumes(engine: MemoryEngine) -> set[str]:
    """The volumes of files; see `kept_volumes`."""
    return {volume.name for owner, volume in engine.volumes.values() if owner and not volume.sandbox}


def kept_volumes(engine: MemoryEngine) -> set[str]:
    return {volume.name for _, volume in engine.volumes.values() if volume.sandbox}


def hold_declared(engine: MemoryEngine, stack: Stack, volumes: set[str]) -> None:
    """The engine has what `stack` says; of a task that need not run again only that it has run."""
    done = {f"{stack.name}_{s.name}" for s in stack.sandboxes.values() if s.kind == "task" and s.run != "always"}
    found, expected = take_portrait(engine, stack), expected_portrait(stack, volumes)
    # One that was born with packages runs on an image that has them, also where all of them are gone by now.
    born = {c["name"] for c in found["containers"] if not c["image"]}
    expected["containers"] = [{**c, "image": ""} if c["name"] in born else c for c in expected["containers"]]
    # One that has ended may be gone, as long as it is known that it has.
    known = {f"{stack.name}_{end.sandbox.name}" for end in engine.ends.values() if end.sandbox}
    gone = done & known - {c["name"] for c in found["containers"]}
    expected["containers"] = [c for c in expected["containers"] if c["name"] not in gone]
    for portrait in (found, expected):
        portrait["containers"] = [
            {key: c[key] for key in ("name", "state", "exit")} if c["name"] in done else c
            for c in portrait["containers"]
        ]
    assert found == expected


def hold_quiet(plan: Plan, stack: Stack) -> None:
    """Nothing is planned but the tasks that run at every apply."""
    always = {name for name, sandbox in stack.sandboxes.items() if sandbox.run == "always"}
    assert [change for change in plan.changes if change.action != "run" or change.name not in always] == []
    assert [step for step in plan.steps if step.subject not in always] == []


def is_same(name: str, before: Stack, after: Stack) -> bool:
    """Whether nothing that concerns the sandbox differs, so that nothing is to be done for it."""
    old, new = before.sandboxes[name], after.sandboxes[name]
    networks = all(before.networks[n] == after.networks[n] for n in new.networks)
    volumes = all(before.volumes.get(m.source) == after.volumes.get(m.source) for m in new.mounts)
    return old == new and new.run != "always" and networks and volumes


def turn(value: Any) -> Any:
    """`value` with every mapping turned round, and every list of the live state too."""
    if isinstance(value, dict):
        return {key: turn(value[key]) for key in reversed(value)}
    if isinstance(value, Stack | Sandbox):
        return replace(value, **{f.name: turn(getattr(value, f.name)) for f in fields(value)})
    if isinstance(value, LiveState):
        return replace(
            value,
            sandboxes=tuple(reversed(value.sandboxes)),
            networks=tuple(reversed(value.networks)),
            volumes=tuple(reversed(value.volumes)),
            orphans=tuple(reversed(value.orphans)),
            images=turn(value.images),
        )
    return value


def recorded(engine: MemoryEngine, stack: Stack) -> Stack:
    """What is live, by the records."""
    return recorded_stack(Stack(name=stack.name), engine.observe(stack))


def hold_order(steps: tuple[Step, ...], before: Stack, after: Stack) -> None:
    """Needs come first; what a sandbox depends on serves before it is begun, and goes only after it has gone."""
    place = {step.id: number for number, step in enumerate(steps)}
    assert all(place[need] < place[step.id] for step in steps for need in step.needs)
    begins: dict[str, int] = {}
    runs: dict[str, int] = {}
    for step in steps:
        if isinstance(step, StartContainer | ReplaceContainer | RestoreContainer | UpdateContainer):
            begins.setdefault(step.subject, place[step.id])
        if isinstance(step, StartContainer | ReplaceContainer | RestoreContainer):
            runs[step.subject] = place[step.id]
    for name, number in begins.items():
        assert all(runs.get(other, -1) < number for other in needed_by(name, after))
        gates = [d.sandbox for d in after.sandboxes[name].depends_on if d.condition != "started"]
        assert all(place.get(f"sandbox:{other}:ready", -1) < number for other in gates)
    gone = {step.subject: place[step.id] for step in steps if removes_for_good(step, after)}
    going = replace(before, sandboxes={name: box for name, box in before.sandboxes.items() if name in gone})
    for name, number in gone.items():
        assert all(gone.get(other, len(steps)) > number for other in needed_by(name, going))
    created = {step.subject: place[step.id] for step in steps if isinstance(step, CreateContainer)}
    for step in steps:
        if isinstance(step, RemoveContainer) and step.subject in created:
            assert place[step.id] < created[step.subject]


def needed_by(name: str, stack: Stack) -> set[str]:
    """Every sandbox that `name` depends on, however indirectly."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        sandbox = stack.sandboxes.get(waiting.pop())
        fresh = {d.sandbox for d in sandbox.depends_on} - found if sandbox else set()
        found |= fresh
        waiting += fresh
    return found - {name}


def removes_for_good(step: Step, after: Stack) -> bool:
    return isinstance(step, RemoveContainer) and step.subject not in after.sandboxes
