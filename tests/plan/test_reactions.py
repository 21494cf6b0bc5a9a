"""What follows after an upload, in which order, and that no crash makes it be forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nexusctl.engine.command import Outcome
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import EngineError, StepError
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import AwaitHealthy, RestoreContainer, UpdateContainer
from nexusctl.model.stack import Health, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Reaction, Upload, UploadFile
from nexusctl.plan.plan import make_plan
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for

RESTART, HUP = Reaction(restart=True), Reaction(signal="SIGHUP")
RELOAD = Reaction(command=("reload",))


def upload(target: str, digest: str, reaction: Reaction | None = None, *paths: str) -> Upload:
    files = tuple(UploadFile(path=path, digest=digest, mode=0o644) for path in paths or ("",))
    return Upload(target=target, files=files, on_change=reaction)


def stack(*uploads: Upload, **fields: Any) -> Stack:
    return Stack(
        name="demo", sandboxes={"box": Sandbox(name="box", group="box", image=IMAGE, uploads=uploads, **fields)}
    )


def applied(wanted: Stack) -> MemoryEngine:
    engine = new_engine()
    carry_out(engine, plan_for(engine, wanted))
    engine.calls.clear()
    return engine


def reactions(plan: Plan) -> tuple[Reaction, ...]:
    return tuple(r for step in plan.steps if isinstance(step, UpdateContainer) for r in step.reactions)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((None, None), ()),
        ((HUP, HUP), (HUP,)),
        ((RELOAD, HUP), (RELOAD, HUP)),
        ((RESTART, HUP), (RESTART,)),
        ((HUP, RESTART), (RESTART,)),
        ((RESTART, RELOAD), (RELOAD, RESTART)),
    ],
)
def test_each_follows_once_and_a_restart_comes_last_and_spares_signals(wanted: Any, expected: Any) -> None:
    engine = applied(stack(upload("/x", "1", wanted[0]), upload("/y", "1", wanted[1])))
    assert reactions(plan_for(engine, stack(upload("/x", "2", wanted[0]), upload("/y", "2", wanted[1])))) == expected


def test_only_what_changed_has_consequences() -> None:
    engine = applied(stack(upload("/x", "1", RESTART), upload("/y", "1", HUP)))
    assert reactions(plan_for(engine, stack(upload("/x", "1", RESTART), upload("/y", "2", HUP)))) == (HUP,)
    moved = stack(upload("/x", "1", HUP), upload("/y", "1", RESTART))
    assert plan_for(engine, moved).empty, "another consequence is no change"


def test_a_file_that_goes_has_the_consequence_of_its_folder() -> None:
    engine = applied(stack(upload("/app", "1", HUP, "a", "b"), upload("/app/deep", "1", RESTART, "c", "d")))
    assert reactions(
        plan_for(engine, stack(upload("/app", "1", HUP, "a"), upload("/app/deep", "1", RESTART, "c", "d")))
    ) == (HUP,)
    assert reactions(
        plan_for(engine, stack(upload("/app", "1", HUP, "a", "b"), upload("/app/deep", "1", RESTART, "c")))
    ) == (RESTART,)


def test_the_plan_says_what_will_follow() -> None:
    engine = applied(stack(upload("/x", "1", RELOAD), upload("/y", "1", RESTART)))
    (change,) = plan_for(engine, stack(upload("/x", "2", RELOAD), upload("/y", "2", RESTART))).changes
    assert change.notes == ("a command runs inside after the upload", "its container is restarted after the upload")


def test_the_files_come_first_and_the_record_last_and_health_is_waited_for() -> None:
    health = Health(command=("probe",))
    engine = applied(stack(upload("/x", "1", RESTART), health=health))
    plan = plan_for(engine, stack(upload("/x", "2", RESTART), health=health))
    (update, wait) = plan.steps
    assert isinstance(wait, AwaitHealthy)
    assert wait.needs == (update.id,)
    carry_out(engine, plan)
    assert [method for method, _ in engine.calls] == [
        "announce",
        "upload",
        "stop_container",
        "start_container",
        "amend",
    ]


@pytest.mark.parametrize("spoiled", ["upload", "stop_container", "start_container", "amend"])
def test_whatever_call_a_crash_hits_the_next_apply_restarts(spoiled: str) -> None:
    class Crash(BaseException):
        pass

    def crash(method: str, subject: str) -> None:
        if method == spoiled:
            raise Crash

    engine = applied(stack(upload("/x", "1", RESTART)))
    wanted = stack(upload("/x", "2", RESTART))
    plan = plan_for(engine, wanted)
    engine.interfere = crash
    with pytest.raises(Crash):
        carry_out(engine, plan)
    engine.interfere = lambda method, subject: None
    engine.calls.clear()
    carry_out(engine, plan_for(engine, wanted))
    assert "start_container" in [method for method, _ in engine.calls]
    assert plan_for(engine, wanted).empty
    (container,) = engine.containers.values()
    assert container.state == "running"


def test_a_restart_is_not_lost_where_only_what_was_changed_by_hand_is_put_right() -> None:
    wanted = stack(upload("/x", "1", RESTART))
    engine = applied(wanted)
    (container,) = engine.containers.values()
    container.files["/x"] = UploadFile(path="", digest="by hand", mode=0o644)
    plan = make_plan(wanted, engine.look_inside(engine.observe(wanted, deep=True)), engine.in_place)
    assert reactions(plan) == (RESTART,)

    def refuse(method: str, subject: str) -> None:
        if method == "stop_container":
            raise EngineError("no")

    engine.interfere = refuse
    with pytest.raises(EngineError):
        carry_out(engine, plan)
    engine.interfere = lambda method, subject: None
    assert container.files["/x"].digest == "1", "no look inside can tell any more"
    assert reactions(plan_for(engine, wanted)) == (RESTART,)
    carry_out(engine, plan_for(engine, wanted))
    assert plan_for(engine, wanted).empty


def test_a_command_that_fails_shows_its_last_lines_and_runs_again_next_time() -> None:
    engine = applied(stack(upload("/x", "1", RELOAD)))
    wanted = stack(upload("/x", "2", RELOAD))
    engine.answer = lambda sandbox, command: Outcome(exit_code=3, output="no such file\n")
    with pytest.raises(StepError) as caught:
        carry_out(engine, plan_for(engine, wanted))
    problem = caught.value.diagnostics[0]
    assert problem.summary == "box: the command after its upload exited with code 3"
    assert problem.output == ("no such file",)
    assert reactions(plan_for(engine, wanted)) == (RELOAD,)


@pytest.mark.parametrize(("state", "expected"), [("exited", ()), ("paused", (HUP,)), ("running", (HUP,))])
def test_what_does_not_run_finds_its_files_when_it_starts(state: Any, expected: Any) -> None:
    engine = applied(stack(upload("/x", "1", HUP)))
    (container,) = engine.containers.values()
    container.state, container.exit_code = state, 0 if state == "exited" else None
    plan = plan_for(engine, stack(upload("/x", "2", HUP)))
    assert reactions(plan) == expected
    if state == "paused":
        assert isinstance(plan.steps[0], RestoreContainer), "nothing reaches a program that is paused"
    carry_out(engine, plan)
    assert plan_for(engine, stack(upload("/x", "2", HUP))).empty
    assert container.state == "running"


def test_a_new_sandbox_is_not_told_of_its_first_files() -> None:
    engine = new_engine()
    carry_out(engine, plan_for(engine, stack(upload("/x", "1", RELOAD))))
    assert "run_command" not in [method for method, _ in engine.calls]
    replaced = plan_for(engine, replace(stack(upload("/x", "2", RELOAD), env={"A": "1"})))
    assert reactions(replaced) == ()
