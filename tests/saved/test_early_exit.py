"""A service that ends right after its start is a failure of the apply that started it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexusctl.engine.command import Outcome
from nexusctl.engine.condition import Condition
from nexusctl.engine.log_chunk import LogChunk
from nexusctl.errors import EngineError
from nexusctl.model.plan.event import Done, Failed, Finished
from nexusctl.model.plan.plan import PackageChange
from nexusctl.model.plan.step import UpdateContainer
from nexusctl.model.stack import Sandbox
from nexusctl.model.uploads_and_packages import PackageSet, Reaction
from nexusctl.run import early_exit
from nexusctl.run.early_exit import FEW
from tests.saved.workbench import Workbench, failures, outcome

UPDATE = UpdateContainer(
    id="sandbox:a:update",
    subject="a",
    container_id="x",
    sandbox=Sandbox(name="a", group="a", image="img:1"),
    reactions=(Reaction(signal="SIGHUP"),),
)
RESTART = Reaction(restart=True)
INSTALL = (PackageChange(wanted=PackageSet(manager="pip")),)

STACK = """
name: demo
sandboxes:
  good: {image: img:1}
  wrong: {image: img:1, command: "no-such-flag"}
  job: {kind: task, image: img:1, command: "true"}
"""


@pytest.fixture
def failing(bench: Workbench) -> Workbench:
    def behave(sandbox: Sandbox) -> int | None:
        return {"wrong": 3, "job": 0}.get(sandbox.name)

    bench.engine.behave = behave
    bench.write(STACK)
    return bench


def test_it_is_named_with_its_exit_code(failing: Workbench) -> None:
    events = failing.apply()
    assert failures(events) == ["wrong: it exited with code 3 right after its start"]
    assert outcome(events) == "failed"


def test_of_one_that_may_have_lived_for_a_while_nobody_says_that_it_ended_at_once(crowd: Workbench) -> None:
    *events, finished = (event for event in crowd.apply() if not isinstance(event, Failed))
    assert isinstance(finished, Finished)
    late = replace(finished, at=max(event.at for event in events if isinstance(event, Done)) + 60.5)
    (failure,) = failures([*early_exit.watch([*events, late], crowd.engine, "demo")])
    assert failure.startswith("wrong: it exited with code 3 within 61 s of its start")


def test_so_is_one_that_was_started_again(failing: Workbench) -> None:
    failing.apply()
    assert failures(failing.apply()) == ["wrong: it exited with code 3 right after its start"]


def test_one_that_replaces_another_leaves_it_serving(failing: Workbench) -> None:
    failing.write(STACK.replace("no-such-flag", "true").replace("wrong", "right"))
    failing.apply()
    before = {c.sandbox.name: c.id for c in failing.engine.containers.values()}
    failing.engine.behave = lambda sandbox: {"job": 0, "right": 3}.get(sandbox.name)
    failing.write(STACK.replace("wrong", "right"))
    (event,) = [event for event in failing.apply() if hasattr(event, "problem")]
    assert event.problem.summary == "right: it exited with code 3 right after its start"
    assert [note.text for note in event.problem.notes] == ["the old container went on serving"]
    live = {c.sandbox.name: (c.id, c.state) for c in failing.engine.containers.values()}
    assert live["right"] == (before["right"], "running")


def test_its_last_lines_are_shown(failing: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = failing.engine.create_container

    def create(stack: str, sandbox: Sandbox, placement, reveal) -> str:  # type: ignore[no-untyped-def]
        found = made(stack, sandbox, placement, reveal)
        failing.engine.containers[found].log.append(LogChunk(stream="stderr", data=b"unknown option\n"))
        return found

    monkeypatch.setattr(failing.engine, "create_container", create)
    outputs = [event.problem.output for event in failing.apply() if hasattr(event, "problem")]
    assert outputs == [("unknown option",)]


@pytest.fixture(params=["few", "many"])
def crowd(failing: Workbench, request: pytest.FixtureRequest) -> Workbench:
    """With as many sandboxes as are looked at one by one, and with more."""
    if request.param == "many":
        failing.write(STACK + "".join(f"  good-{number}: {{image: img:1}}\n" for number in range(FEW)))
    return failing


def test_it_is_told_from_those_that_run_however_many_there_are(crowd: Workbench) -> None:
    assert failures(crowd.apply()) == ["wrong: it exited with code 3 right after its start"]


def test_an_engine_that_does_not_answer_then_takes_nothing_back(
    crowd: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, look = crowd.prepare().plan, crowd.engine.condition

    def silent(*_: object) -> None:
        raise EngineError("no answer")

    def look_at_tasks(container_id: str) -> Condition:
        if crowd.engine.containers[container_id].sandbox.kind == "service":
            silent()
        return look(container_id)

    monkeypatch.setattr(crowd.engine, "observe", silent)
    monkeypatch.setattr(crowd.engine, "condition", look_at_tasks)
    assert outcome(crowd.carry_out(plan)) == "done"


def test_a_run_that_starts_nothing_does_not_look(failing: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    failing.write(STACK.replace('  wrong: {image: img:1, command: "no-such-flag"}\n', ""))
    failing.apply()
    failing.write("name: demo")
    plan = failing.prepare().plan
    assert not plan.empty
    looks: list[object] = []
    monkeypatch.setattr(failing.engine, "observe", lambda *_: looks.append("at all"))
    monkeypatch.setattr(failing.engine, "condition", looks.append)
    failing.carry_out(plan)
    assert looks == []


@pytest.mark.parametrize(
    ("step", "took", "since", "pause"),
    [
        pytest.param(UPDATE, 0.2, 0.05, 0.1, id="a signal"),
        pytest.param(UPDATE, 2.0, 0.05, 0.95, id="on a busy machine"),
        pytest.param(replace(UPDATE, reactions=(RESTART,)), 5.0, 0.2, 0.4, id="a restart on a busy machine"),
        pytest.param(replace(UPDATE, reactions=(RESTART,)), 0.5, 0.2, 0.0, id="a restart"),
        pytest.param(replace(UPDATE, packages=INSTALL), 90.0, 0.05, 0.1, id="an install"),
        pytest.param(UPDATE, 900.0, 0.0, 2.0, id="very many files"),
    ],
)
def test_what_was_told_of_new_files_gets_longer_to_fail_in_where_all_takes_longer(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, step: UpdateContainer, took: float, since: float, pause: float
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(early_exit, "SETTLE", 0.15)
    monkeypatch.setattr("time.sleep", rests.append)
    events = [Done(step=step, at=10.0, took=took), Finished(at=10.0 + since, outcome="done")]
    assert failures([*early_exit.watch(events, bench.engine, "demo")]) == []
    assert rests == [pytest.approx(pause)]


DATA = """
name: demo
volumes: {data: {}}
sandboxes:
  web: {image: img:1, volumes: ["data:/data"], env: {V: "%s"}}
"""


@pytest.mark.parametrize(
    ("down", "exits", "words"),
    [
        (False, {"2": 3}, "the old container serves again"),
        (False, {"1": 4, "2": 3}, "the old container was started again and exited with code 4"),
        (True, {"2": 3}, "the old container, which did not run before, was started again"),
        (
            True,
            {"1": 4, "2": 3},
            "the old container, which did not run before, was started again and exited with code 4",
        ),
    ],
)
def test_the_note_on_the_old_one_is_true(bench: Workbench, down: bool, exits: dict[str, int], words: str) -> None:
    bench.write(DATA % "1")
    bench.apply()
    bench.engine.behave = lambda sandbox: exits.get(str(sandbox.env["V"]))
    if down:
        bench.engine.stop_container(bench.container("web"))
    bench.write(DATA % "2")
    (event,) = [event for event in bench.apply() if hasattr(event, "problem")]
    assert event.problem.summary == "web: it exited with code 3 right after its start"
    assert [note.text for note in event.problem.notes] == [words]
    state = bench.engine.containers[bench.container("web")].state
    assert state == ("exited" if "1" in exits else "running")


def test_an_old_one_that_is_unhealthy_is_not_said_to_serve(bench: Workbench) -> None:
    stack = """
        name: demo
        sandboxes:
          web: {image: img:1, env: {V: "%s"}, health: {tcp: 80}}
    """
    bench.write(stack % "1")
    bench.apply()
    bench.engine.behave = lambda sandbox: 3
    bench.engine.answer = lambda *_: Outcome(exit_code=1, output="")
    bench.write(stack % "2")
    (event,) = [event for event in bench.apply() if hasattr(event, "problem")]
    assert event.problem.summary == "web: it exited with code 3 before it was healthy"
    assert [note.text for note in event.problem.notes] == ["the old container stays as it was: unhealthy"]
