"""Limits: those of no file come with a container and change none that is there, and a plan says what has none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.plan.plan import FromSettings, Plan
from nexusctl.model.record import decode, encode
from nexusctl.model.stack import LIMITS, Giver, Network, Resources, Sandbox, Stack
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.target import select_changes
from nexusctl.render.plan.plan import plan_document, render_plan
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for

GIB = 2**30


def stated(**limits: float) -> Resources:
    """What a file says of limits, and nothing else."""
    unstated = tuple(key for key in LIMITS if key not in limits)
    return replace(Resources(unstated=unstated), **limits)


def given(giver: Giver, **limits: float) -> Resources:
    """What a file does not say, and the settings or a template do."""
    return replace(Resources(unstated=LIMITS, defaulted=dict.fromkeys(limits, giver)), **limits)


def stack(resources: Resources, *, a: str = "1", others: int = 0) -> Stack:
    names = ["api", *(f"b{number}" for number in range(others))]
    boxes = {name: Sandbox(name=name, group=name, image=IMAGE, env={"A": a}, resources=resources) for name in names}
    return Stack(name="shop", sandboxes=boxes, networks={"default": Network(name="default")})


def applied(*stacks: Stack) -> MemoryEngine:
    engine = new_engine()
    for each in stacks:
        carry_out(engine, plan_for(engine, each))
    return engine


def limits_of(engine: MemoryEngine) -> Resources:
    (container,) = engine.containers.values()
    return container.resources


def said(plan: Plan) -> list[str]:
    """What stands below the line that counts."""
    text = render_plan(plan)
    return text.partition("Plan: ")[2].splitlines()[1:]


def differences(plan: Plan) -> list[tuple[str, object, object, str]]:
    return [(d.field, d.before, d.after, d.effect) for change in plan.changes for d in change.differences]


@pytest.mark.parametrize("giver", ["settings", "template"])
def test_a_default_comes_with_a_new_container_and_changes_none_that_is_there(giver: Giver) -> None:
    old = applied(stack(stated()))
    wish = stack(given(giver, memory=2 * GIB, pids=64))
    assert plan_for(old, wish).empty
    made = applied(wish)
    assert (limits_of(made).memory, limits_of(made).pids) == (2 * GIB, 64)
    # Another machine, without settings or with other ones, wants nothing else.
    for other in (stated(), given("settings", memory=GIB, cpus=0.5), given("template", pids=7)):
        assert plan_for(made, stack(other)).empty


def test_what_the_file_states_counts_at_once_and_what_it_states_no_more_makes_room_for_the_default() -> None:
    engine = applied(stack(given("template", memory=2 * GIB)))
    lower = stack(stated(memory=GIB))
    assert differences(plan_for(engine, lower)) == [("resources.memory", 2 * GIB, GIB, "in_place")]
    carry_out(engine, plan_for(engine, lower))
    back = stack(given("template", memory=2 * GIB))
    assert differences(plan_for(engine, back)) == [("resources.memory", GIB, 2 * GIB, "in_place")]
    carry_out(engine, plan_for(engine, back))
    assert plan_for(engine, stack(given("settings", memory=3 * GIB))).empty
    # No limit at all is a statement as well.
    lifted = stack(replace(stated(), unstated=("cpus", "pids", "storage")))
    assert differences(plan_for(engine, lifted)) == [("resources.memory", 2 * GIB, None, "in_place")]


def test_a_change_in_place_of_something_else_leaves_limits_that_nobody_stated() -> None:
    engine = applied(stack(given("settings", memory=2 * GIB)))
    other = stack(replace(given("settings", memory=GIB), cpus=0.5, unstated=("memory", "pids", "storage")))
    assert differences(plan_for(engine, other)) == [("resources.cpus", None, 0.5, "in_place")]
    carry_out(engine, plan_for(engine, other))
    assert (limits_of(engine).memory, limits_of(engine).cpus) == (2 * GIB, 0.5)
    assert plan_for(engine, stack(replace(stated(cpus=0.5)))).empty


def test_a_new_container_in_the_place_of_an_old_one_gets_the_default_and_the_plan_shows_it() -> None:
    engine = applied(stack(stated()))
    wish = stack(given("settings", memory=2 * GIB), a="2")
    plan = plan_for(engine, wish)
    assert differences(plan) == [
        ("env.A", "1", "2", "replace"),
        ("resources.memory", None, 2 * GIB, "in_place"),
    ]
    assert said(plan) == ["From your settings: memory 2 GiB for api."]
    carry_out(engine, plan)
    assert limits_of(engine).memory == 2 * GIB
    assert plan_for(engine, wish).empty


def test_who_gave_a_limit_is_recorded_and_an_older_record_says_that_a_file_did() -> None:
    box = Sandbox(name="a", group="a", image=IMAGE, resources=given("settings", memory=GIB))
    assert decode(encode(box)).resources.defaulted == {"memory": "settings"}
    older = '{"sandbox":{"group":"a","image":"x","name":"a","resources":{"memory":1073741824}},"version":1}'
    assert decode(older).resources == Resources(memory=GIB)
    assert encode(replace(box, resources=stated())) == encode(replace(box, resources=Resources()))


def test_a_plan_says_once_which_new_sandboxes_can_take_the_host() -> None:
    plan = plan_for(new_engine(), stack(stated(), others=6))
    (line,) = said(plan)
    assert line.startswith("7 sandboxes have no limit on memory: api, b0, b1, b2, b3, 2 more; ")
    assert line.endswith("`defaults: {resources: {memory: 2g}}` sets one.")
    assert plan_document(plan)["unlimited"] == {"memory": ["api", "b0", "b1", "b2", "b3", "b4", "b5"]}
    assert said(plan_for(new_engine(), stack(stated(memory=GIB)))) == []


def test_a_plan_that_makes_nothing_says_nothing_of_limits() -> None:
    engine = applied(stack(stated()))
    assert "memory" not in render_plan(plan_for(engine, stack(stated())))
    # Nor does one that changes what has nothing to do with them; but one that takes a limit away does.
    limited = applied(stack(stated(memory=GIB)))
    lifted = plan_for(limited, stack(stated()))
    assert said(lifted) == ["1 sandbox has no limit on memory: api; `defaults: {resources: {memory: 2g}}` sets one."]


def test_a_part_of_a_plan_says_nothing_of_the_limits_of_others() -> None:
    wish = stack(given("settings", pids=64), others=2)
    engine = new_engine()
    part = select_changes(plan_for(engine, wish), wish, engine.observe(wish), Choice(targets=("b1",)))
    assert (part.unlimited, part.settings) == (
        {"memory": ("b1",)},
        (FromSettings(limit="pids", value=64, sandboxes=("b1",)),),
    )


def test_storage_is_limited_at_birth_or_watched_and_a_plan_says_which() -> None:
    small, large = stack(stated(memory=GIB, storage=GIB)), stack(stated(memory=GIB, storage=2 * GIB))
    engine = applied(small)
    watched = plan_for(engine, large)
    assert differences(watched) == [("resources.storage", GIB, 2 * GIB, "in_place")]
    assert said(watched) == ["This engine cannot limit storage: that of api is only watched, by `nexusctl status`."]
    assert plan_document(watched)["watched"] == ["api"]
    engine.limits_storage = True
    limited = plan_for(engine, large)
    assert differences(limited) == [("resources.storage", GIB, 2 * GIB, "replace")]
    assert said(limited) == []
    carry_out(engine, limited)
    assert limits_of(engine).storage == 2 * GIB
    assert plan_for(engine, large).empty


def test_nothing_is_said_of_a_limit_on_storage_that_only_a_built_in_template_brings() -> None:
    assert said(plan_for(new_engine(), stack(given("template", memory=GIB, storage=GIB)))) == []
    asked = said(plan_for(new_engine(), stack(given("settings", memory=GIB, storage=GIB))))
    assert asked[-1] == "This engine cannot limit storage: that of api is only watched, by `nexusctl status`."


def test_nobody_is_asked_how_much_memory_a_sandbox_uses_that_keeps_its_limit() -> None:
    engine = applied(stack(stated()))
    for container in engine.containers.values():
        container.memory_used = 3 * GIB
    (default,) = engine.observe(stack(given("template", memory=GIB))).sandboxes
    (wish,) = engine.observe(stack(stated(memory=GIB))).sandboxes
    assert (default.memory_used, wish.memory_used) == (None, 3 * GIB)


def test_what_was_a_task_whose_container_is_gone_gets_the_default_as_everything_new_does() -> None:
    engine = new_engine()
    job = Sandbox(name="api", group="api", image=IMAGE, kind="task", resources=stated())
    carry_out(engine, plan_for(engine, replace(stack(stated()), sandboxes={"api": job})))
    engine.containers.clear()
    wish = stack(given("settings", memory=GIB))
    carry_out(engine, plan_for(engine, wish))
    assert limits_of(engine).memory == GIB
