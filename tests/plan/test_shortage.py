"""A limit on memory below what a sandbox uses now is said before it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import EngineError
from nexusctl.model.stack import Resources, Sandbox, Stack
from nexusctl.render.plan.plan import render_plan
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for

MIB = 2**20
SAID = "it uses 64 MiB of memory now, more than the limit"


def make(memory: int | None, **fields: str) -> Stack:
    box = Sandbox(name="a", group="a", image=IMAGE, networks=(), resources=Resources(memory=memory))
    return Stack(name="world", sandboxes={"a": replace(box, env=fields)})


@pytest.fixture
def engine() -> MemoryEngine:
    engine = new_engine()
    carry_out(engine, plan_for(engine, make(256 * MIB)))
    (container,) = engine.containers.values()
    container.memory_used = 64 * MIB
    return engine


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        (make(32 * MIB), True),
        (make(64 * MIB), False),
        (make(128 * MIB), False),
        (make(None), False),
        # Its new container begins with nothing in use.
        (make(32 * MIB, A="1"), False),
    ],
)
def test_it_stands_beside_the_change_of_a_limit_that_is_too_low(engine: MemoryEngine, stack: Stack, said: bool) -> None:
    assert (SAID in render_plan(plan_for(engine, stack))) is said


def test_a_limit_that_was_lifted_by_hand_is_told_of_where_somebody_looks_inside(engine: MemoryEngine) -> None:
    (container,) = engine.containers.values()
    container.memory_used = 300 * MIB
    container.resources = Resources()
    plan = plan_for(engine, make(256 * MIB), deep=True)
    assert "it uses 300 MiB of memory now, more than the limit" in render_plan(plan)


def test_it_is_refused(engine: MemoryEngine) -> None:
    (container,) = engine.containers
    with pytest.raises(EngineError, match="memory: 32 MiB is less than the 64 MiB that it uses now"):
        engine.update_limits(container, Resources(memory=32 * MIB), "no")


def test_of_what_does_not_run_nothing_is_said(engine: MemoryEngine) -> None:
    (container,) = engine.containers.values()
    container.state, container.exit_code = "exited", 0
    assert SAID not in render_plan(plan_for(engine, make(32 * MIB)))
