"""A network that has to be made anew, on engines that take a second one of its name and on those that refuse it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.engine.memory import MemoryEngine
from nexusctl.engine.memory.world import MemoryContainer
from nexusctl.model.plan.step import CreateNetwork, RemoveNetwork
from nexusctl.model.stack import Dependency, Health, Network, Sandbox, Stack
from nexusctl.plan.plan import make_plan
from nexusctl.render.plan.plan import render_plan
from tests.plan.worlds import IMAGE, MISHAPS, Mishap, apply, go_wrong, new_engine, plan_for

mishaps = st.lists(
    st.builds(Mishap, done=st.integers(0, 6), at=st.integers(0, 6), kind=st.sampled_from(sorted(MISHAPS))), max_size=3
)


def stack(*, internal: bool, env: str = "", gone: bool = False) -> Stack:
    health = Health(command=("true",))
    back = Sandbox(name="back", group="back", image=IMAGE, networks=("back",), health=health)
    front = Sandbox(
        name="front",
        group="front",
        image=IMAGE,
        networks=("default", "back"),
        env={"A": env},
        health=health,
        depends_on=(Dependency(sandbox="back", condition="healthy"),),
    )
    lone = Sandbox(name="lone", group="lone", image=IMAGE, networks=("back",))
    return Stack(
        name="world",
        sandboxes={s.name: s for s in ((back, front) if gone else (back, front, lone))},
        networks={"back": Network(name="back", internal=internal)},
    )


def new_world(*, one_name: bool) -> MemoryEngine:
    engine = new_engine()
    engine.one_name = one_name
    return engine


@pytest.mark.parametrize("one_name", [False, True])
def test_a_network_becomes_internal_and_ceases_to_be(one_name: bool) -> None:
    engine = new_world(one_name=one_name)
    apply(engine, stack(internal=False))
    ids = {name: found.id for name, found in by_name(engine).items()}
    for internal in (True, False):
        apply(engine, stack(internal=internal))
        (network,) = (n for owner, n in engine.networks.values() if owner == "world" and n.network == "back")
        assert network.internal == internal
        assert {name: found.id for name, found in by_name(engine).items()} == ids
        assert all(network.id in found.networks for found in by_name(engine).values())
        assert plan_for(engine, stack(internal=internal)).empty


def test_where_a_name_is_had_once_the_old_one_goes_first_and_the_plan_says_so() -> None:
    engine = new_world(one_name=True)
    apply(engine, stack(internal=False))
    plan = plan_for(engine, stack(internal=True))
    assert not [step for step in plan.steps if isinstance(step, RemoveNetwork)]
    (made,) = (step for step in plan.steps if isinstance(step, CreateNetwork))
    assert made.old_id in engine.networks
    text = render_plan(plan)
    assert "world_back, made anew to be internal" in text
    assert "connections in it are cut for a moment" in text


def test_nothing_is_cut_where_somebody_else_is_in_it() -> None:
    engine = new_world(one_name=True)
    apply(engine, stack(internal=False))
    apply(engine, other())
    old = next(n.id for _, n in engine.networks.values() if n.network == "back")
    stranger = next(c for c in engine.containers.values() if c.stack == "other")
    stranger.networks[old] = "world_back"
    with pytest.raises(Exception, match=f"network world_back is still used by {stranger.name}"):
        apply(engine, stack(internal=True))
    assert all(old in found.networks for found in by_name(engine).values())


@given(st.booleans(), st.booleans(), st.booleans(), mishaps, st.lists(st.integers(0, 9), max_size=9))
def test_whatever_is_cut_off_one_more_apply_ends_where_the_whole_does(
    one_name: bool, change: bool, gone: bool, wrong: list[Mishap], picks: list[int]
) -> None:
    engine = new_world(one_name=one_name)
    apply(engine, stack(internal=False))
    wanted = stack(internal=True, env="1" if change else "", gone=gone)
    go_wrong(engine, plan_for(engine, wanted), picks, wrong)
    apply(engine, wanted)
    assert plan_for(engine, wanted).empty
    (network,) = (n for owner, n in engine.networks.values() if owner == "world" and n.network == "back")
    assert network.internal
    assert all(network.id in found.networks for found in by_name(engine).values())


def by_name(engine: MemoryEngine) -> dict[str, MemoryContainer]:
    return {c.sandbox.name: c for c in engine.containers.values() if c.stack == "world"}


def other() -> Stack:
    return Stack(name="other", sandboxes={"a": Sandbox(name="a", group="a", image=IMAGE)})


def test_where_a_container_is_not_started_without_its_first_network_it_is_replaced_when_that_goes() -> None:
    engine = new_world(one_name=True)
    apply(engine, stack(internal=False))
    live = engine.observe(stack(internal=True))
    for bound, replaced in (("world_back", False), ("f" * 64, True), ("bridge", False)):
        seen = replace(live, sandboxes=tuple(replace(s, bound=bound) for s in live.sandboxes if s.sandbox == "lone"))
        plan = make_plan(stack(internal=True), seen, engine.in_place)
        (change,) = (change for change in plan.changes if change.name == "lone")
        assert (change.action == "replace") is replaced
    idle = replace(live, sandboxes=tuple(replace(s, bound="f" * 64) for s in live.sandboxes))
    assert make_plan(stack(internal=False), idle, engine.in_place).empty
