"""A volume cannot change: another one takes its place, and what is in the first stays there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nexusctl.api import planning
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import PlanError
from nexusctl.model.stack import Lifecycle, Mount, Sandbox, Stack, Volume
from nexusctl.plan.commands.drift import recorded_stack
from nexusctl.plan.plan import make_plan
from tests.plan.worlds import IMAGE, apply, new_engine, plan_for

FIRST = Volume(name="data", labels={"backup": "daily"})
SECOND = Volume(name="data", labels={"backup": "weekly"})
THIRD = Volume(name="data", driver_opts={"type": "tmpfs", "device": "tmpfs"})


def stack_of(volume: Volume | None, lifecycle: Lifecycle = Lifecycle()) -> Stack:  # noqa: B008 - it is frozen
    mounts = (Mount(kind="volume", source="data", target="/data"),)
    both = {
        name: Sandbox(name=name, group="db", image=IMAGE, mounts=mounts, lifecycle=lifecycle)
        for name in ("db-1", "db-2")
    }
    other = Sandbox(name="api", group="api", image=IMAGE)
    sandboxes = {**both, "api": other} if volume else {}
    return Stack(name="shop", sandboxes=sandboxes, volumes={"data": volume} if volume else {})


def mounted(engine: MemoryEngine) -> Mapping[str, str]:
    live = engine.observe(stack_of(FIRST)).sandboxes
    return {found.sandbox: found.volumes["/data"] for found in live if found.volumes}


def test_another_one_takes_its_place_and_the_first_stays() -> None:
    engine = new_engine()
    apply(engine, stack_of(FIRST))
    assert mounted(engine) == {"db-1": "shop_data", "db-2": "shop_data"}
    plan = plan_for(engine, stack_of(SECOND))
    volume, *others = plan.changes
    assert (volume.kind, volume.cause, volume.reason) == (
        "volume",
        "changed",
        "shop_data.2, made anew with labels.backup weekly, empty: what is in shop_data stays there",
    )
    assert [(change.name, change.action) for change in others] == [("db-1", "replace"), ("db-2", "replace")]
    (difference,) = others[0].differences
    assert (difference.before, difference.after) == ("volume shop_data", "volume shop_data.2")
    apply(engine, stack_of(SECOND))
    assert mounted(engine) == {"db-1": "shop_data.2", "db-2": "shop_data.2"}
    for deep in (False, True):
        assert plan_for(engine, stack_of(SECOND), deep=deep).changes == ()
    apply(engine, stack_of(THIRD))
    assert set(mounted(engine).values()) == {"shop_data.3"}
    # The former words mean the former volume.
    (change, *_) = plan_for(engine, stack_of(FIRST)).changes
    assert change.kind == "sandbox"
    apply(engine, stack_of(FIRST))
    assert set(mounted(engine).values()) == {"shop_data"}
    assert {"shop_data", "shop_data.2", "shop_data.3"} <= engine.volumes.keys()


def test_nothing_has_drifted_and_all_of_them_go_with_the_stack_where_that_is_asked_for() -> None:
    engine = new_engine()
    apply(engine, stack_of(FIRST))
    apply(engine, stack_of(SECOND))
    live = engine.observe(stack_of(SECOND))
    for declared in (stack_of(SECOND), stack_of(None)):
        assert make_plan(recorded_stack(declared, live), live, engine.in_place).changes == ()
    assert engine.volumes.keys() >= {"shop_data", "shop_data.2"}
    plan = plan_for(engine, stack_of(None), remove_volumes=True)
    removed = [change for change in plan.changes if change.kind == "volume"]
    assert [change.volumes for change in removed] == [("shop_data",), ("shop_data.2",)]
    assert len({step.id for step in plan.steps}) == len(plan.steps)


def test_one_that_a_sandbox_must_not_be_destroyed_for_or_that_others_share_stays() -> None:
    engine = new_engine()
    guarded = Lifecycle(prevent_destroy=True)
    apply(engine, stack_of(FIRST, guarded))
    with pytest.raises(PlanError, match="must not be destroyed"):
        planning.plan(engine, stack_of(SECOND, guarded))
    shared = [Volume(name="data", labels=volume.labels, shared=True) for volume in (FIRST, SECOND)]
    engine = new_engine()
    apply(engine, stack_of(shared[0]))
    with pytest.raises(PlanError, match=r"the shared volume shop_data has labels\.backup daily"):
        plan_for(engine, stack_of(shared[1]))
