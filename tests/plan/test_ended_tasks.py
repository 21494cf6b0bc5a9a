"""A task that has ended well has run, also where somebody has pruned its container; what is to run again does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexusctl.api import execution, planning
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import StepError
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import RemoveContainer
from nexusctl.model.stack import Dependency, RunPolicy, Sandbox, Stack
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.perform_step import Ledger, perform
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for

JOB = Sandbox(name="job", group="job", image=IMAGE, kind="task", run="once")


def stack(job: Sandbox = JOB) -> Stack:
    web = Sandbox(name="web", group="web", image=IMAGE, depends_on=(Dependency(sandbox="job", condition="completed"),))
    return Stack(name="demo", sandboxes={"job": job, "web": web})


def pruned(run: RunPolicy = "once") -> MemoryEngine:
    """An engine on which the job has ended and its container is gone."""
    engine = new_engine()
    carry_out(engine, plan_for(engine, stack(replace(JOB, run=run))))
    prune(engine)
    return engine


def prune(engine: MemoryEngine) -> None:
    for found in [found for found in engine.containers.values() if not found.alive]:
        del engine.containers[found.id]


def actions(plan: Plan) -> list[tuple[str, str, str]]:
    return [(change.name, change.action, change.cause) for change in plan.changes]


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("run", ["once", "changed"])
def test_it_does_not_run_again(run: RunPolicy, deep: bool) -> None:
    assert plan_for(pruned(run), stack(replace(JOB, run=run)), deep=deep).empty


def test_what_runs_at_every_apply_and_what_changed_run_again() -> None:
    always = replace(JOB, run="always")
    assert actions(plan_for(pruned("always"), stack(always))) == [("job", "run", "run")]
    changed = replace(JOB, run="changed", command=("true",))
    engine = pruned("changed")
    assert actions(plan_for(engine, stack(changed))) == [("job", "run", "changed")]
    carry_out(engine, plan_for(engine, stack(changed)))
    prune(engine)
    assert plan_for(engine, stack(changed)).empty


def test_one_that_becomes_a_service_is_made_as_there_is_nothing_to_replace() -> None:
    engine = pruned()
    service = stack(replace(JOB, kind="service"))
    assert actions(plan_for(engine, service)) == [("job", "create", "changed")]
    carry_out(engine, plan_for(engine, service))
    assert plan_for(engine, service).empty
    assert engine.ends == {}


def test_one_that_was_to_run_again_does_though_somebody_was_interrupted_between_its_end_and_its_start() -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, stack(replace(JOB, run="changed"))))
    changed = stack(replace(JOB, run="changed", command=("true",)))
    removal = next(step for step in plan_for(engine, changed).steps if isinstance(step, RemoveContainer))
    perform("demo", removal, engine, Ledger(), lambda _: None, lambda _: None, Interrupt())
    assert ("job", "create", "new") in actions(plan_for(engine, changed))


def test_one_that_failed_runs_again() -> None:
    engine = new_engine()
    engine.behave = lambda sandbox: 3 if sandbox.kind == "task" else None
    with pytest.raises(StepError):
        carry_out(engine, plan_for(engine, stack()))
    prune(engine)
    assert ("job", "create", "new") in actions(plan_for(engine, stack()))


def test_what_only_a_record_knows_is_written_beside_it_and_it_is_known_still() -> None:
    engine = pruned()
    later = stack(replace(JOB, metadata={"owner": "dev"}))
    carry_out(engine, plan_for(engine, later))
    assert plan_for(engine, later).empty


def test_one_that_nobody_waited_for_is_noted_by_the_next_apply() -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, stack()))
    engine.ends.clear()
    basis = planning.prepare(engine, stack())
    assert basis.plan.empty
    execution.note_ends(engine, basis)
    prune(engine)
    assert plan_for(engine, stack()).empty


def test_nothing_is_left_of_it_after_destroy() -> None:
    engine = pruned()
    carry_out(engine, plan_for(engine, Stack(name="demo")))
    assert engine.ends == {}
    assert plan_for(engine, Stack(name="demo")).empty
    assert ("job", "create", "new") in actions(plan_for(engine, stack()))
