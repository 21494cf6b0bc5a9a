"""A change in place whose record is lost, or was never written, is never taken for no change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.plan.step import UpdateContainer
from nexusctl.model.stack import Resources, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Package, PackageSet, Upload, UploadFile
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for

PACKAGES = (PackageSet(manager="npm", packages=(Package(name="ms"), Package(name="pg", version="8.0.0"))),)

BORN = Sandbox(
    name="box",
    group="box",
    image=IMAGE,
    resources=Resources(memory=2**26),
    uploads=(Upload(target="/x", files=(UploadFile(path="", digest="1", mode=0o644),)),),
    packages=PACKAGES,
)
LATER = replace(BORN, resources=Resources(memory=2**27))


def stack(sandbox: Sandbox = BORN) -> Stack:
    return Stack(name="demo", sandboxes={"box": sandbox})


def amended() -> MemoryEngine:
    engine = new_engine()
    for sandbox in (BORN, LATER):
        carry_out(engine, plan_for(engine, stack(sandbox)))
    assert plan_for(engine, stack(LATER)).empty
    return engine


def limit(engine: MemoryEngine) -> int | None:
    (container,) = engine.containers.values()
    return container.resources.memory


def test_where_the_file_says_again_what_was_recorded_at_birth_all_is_applied_again() -> None:
    engine = amended()
    before = list(engine.containers)
    engine.amendments.clear()
    plan = plan_for(engine, stack(BORN))
    (change,) = plan.changes
    assert (change.action, change.cause) == ("update", "partial")
    assert change.reason.startswith("the record of its last change is lost")
    (step,) = plan.steps
    assert isinstance(step, UpdateContainer)
    assert step.limits
    assert step.uploads == BORN.uploads
    assert [change.changed for change in step.packages] == [PACKAGES[0].packages]
    carry_out(engine, plan)
    assert limit(engine) == 2**26
    assert plan_for(engine, stack(BORN)).empty
    assert list(engine.containers) == before


def test_where_the_file_stays_it_is_applied_again_and_recorded() -> None:
    engine = amended()
    engine.amendments.clear()
    carry_out(engine, plan_for(engine, stack(LATER)))
    assert limit(engine) == 2**27
    assert plan_for(engine, stack(LATER)).empty
    assert len(engine.amendments) == len(engine.notes) == 1


@pytest.mark.parametrize("spoiled", ["update_limits", "amend"])
def test_a_change_that_was_cut_off_and_then_taken_back_is_undone(spoiled: str) -> None:
    class Crash(BaseException):
        pass

    def crash(method: str, subject: str) -> None:
        if method == spoiled:
            raise Crash

    engine = new_engine()
    carry_out(engine, plan_for(engine, stack(BORN)))
    plan = plan_for(engine, stack(LATER))
    engine.interfere = crash
    with pytest.raises(Crash):
        carry_out(engine, plan)
    engine.interfere = lambda method, subject: None
    assert not plan_for(engine, stack(BORN)).empty
    carry_out(engine, plan_for(engine, stack(BORN)))
    assert limit(engine) == 2**26
    assert plan_for(engine, stack(BORN)).empty


def test_packages_that_cannot_come_in_place_then_bring_a_new_container() -> None:
    engine = new_engine()
    alone = replace(BORN, networks=())
    for sandbox in (alone, replace(alone, resources=Resources(memory=2**27))):
        carry_out(engine, plan_for(engine, stack(sandbox)))
    engine.amendments.clear()
    (change,) = [c for c in plan_for(engine, stack(alone)).changes if c.kind == "sandbox"]
    assert change.action == "replace"
    carry_out(engine, plan_for(engine, stack(alone)))
    assert plan_for(engine, stack(alone)).empty
    assert not engine.notes


def test_nothing_of_it_is_left_when_the_sandbox_goes() -> None:
    engine = amended()
    carry_out(engine, plan_for(engine, Stack(name="demo")))
    assert not engine.amendments
    assert not engine.notes
    engine = amended()
    engine.containers.clear()
    carry_out(engine, plan_for(engine, Stack(name="demo")))
    assert not engine.amendments
    assert not engine.notes
