"""An apply whose lock is taken away stops before its next write, and leaves the rest to whoever has the lock."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nexusctl.api import connection, execution, planning
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.engine_names import lock_name
from nexusctl.model.plan.event import Done, Event, Failed, Finished, Skipped
from nexusctl.model.stack import Dependency, Sandbox, Stack
from nexusctl.run.interrupt import Interrupt
from tests.e2e.case import Case

CHAIN = ("a", "b", "c")


def chain() -> Stack:
    """Each starts after the one before it."""
    made = {}
    for before, name in zip((None, *CHAIN), CHAIN, strict=False):
        needs = (Dependency(sandbox=before, condition="started"),) if before else ()
        made[name] = Sandbox(name=name, group=name, image="base:1", networks=(), depends_on=needs)
    return Stack(name="shop", sandboxes=made)


def play(engine: MemoryEngine, stack: Stack) -> list[Event]:
    with connection.hold_lock(engine, stack.name, timeout=0, report=print):
        return list(execution.apply(engine, planning.plan(engine, stack), Interrupt()))


def test_nothing_is_begun_once_the_lock_is_gone() -> None:
    def take_away(method: str, subject: str) -> None:
        if method == "start_container":
            engine.unlock("shop")

    engine = MemoryEngine(images=["base:1"], interfere=take_away)
    events = play(engine, chain())
    assert [call for call in engine.calls if call[0] == "start_container"] == [
        ("start_container", engine_id(engine, "a"))
    ]
    failed = {event.problem.summary for event in events if isinstance(event, Failed)}
    assert len(failed) == 1
    assert "the lock of stack shop was taken away" in failed.pop()
    assert {event.step.subject for event in events if isinstance(event, Failed | Skipped)} == {"b", "c"}
    assert any(isinstance(event, Done) and event.step.id == "sandbox:a:start" for event in events)
    assert isinstance(events[-1], Finished)
    assert events[-1].outcome == "failed"


def engine_id(engine: MemoryEngine, name: str) -> str:
    return next(found.id for found in engine.containers.values() if found.sandbox.name == name)


def test_a_replacement_gives_the_names_to_nobody_once_the_lock_is_gone() -> None:
    engine = MemoryEngine(images=["base:1"])

    def web(value: str) -> Stack:
        env = {"N": value}
        return Stack(name="shop", sandboxes={"web": Sandbox(name="web", group="web", image="base:1", env=env)})

    def take_away(method: str, subject: str) -> None:
        if method == "start_container":
            engine.unlock("shop")

    play(engine, web("1"))
    old = engine_id(engine, "web")
    engine.interfere = take_away
    assert [event.step.subject for event in play(engine, web("2")) if isinstance(event, Failed)] == ["web"]
    assert {found.name: found.id == old for found in engine.containers.values()} == {
        "shop_web": True,
        "shop_web_new": False,
    }
    assert all(found.state == "running" for found in engine.containers.values())


def test_without_a_thief_the_whole_chain_is_made() -> None:
    engine = MemoryEngine(images=["base:1"])
    assert not [event for event in play(engine, chain()) if isinstance(event, Failed | Skipped)]


STACK = """
name: STACK
sandboxes:
  one:
    image: IMAGE
    networks: []
    command: [sleep, infinity]
    startup: touch /begun; until [ -e /go ]; do sleep 0.1; done
  two: {image: IMAGE, networks: [], command: [sleep, infinity], depends_on: [one]}
"""


@pytest.mark.engine
def test_an_apply_says_that_its_lock_was_removed_and_two_never_write(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "nexusctl", "apply", "--yes"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as robbed:
            until(lambda: docker("exec", f"{stack_name}_one_new", "ls", "/begun"))
            assert docker("volume", "rm", lock_name(stack_name))
            docker("exec", f"{stack_name}_one_new", "touch", "/go")
            said = robbed.communicate(timeout=240)[0]
        assert robbed.returncode == 1
        assert f"error: the lock of stack {stack_name} was taken away while nexusctl worked on it" in said
        assert said.count("error: the lock of stack") == 1, said
        assert f"{stack_name}_two" not in docker("ps", "--format", "{{.Names}}")
        file.write_text(file.read_text().replace("touch /begun; until [ -e /go ]; do sleep 0.1; done", "touch /begun"))
        assert case.nexusctl(["apply", "--yes"]).returncode == 0
        assert "No changes" in case.nexusctl(["plan"]).stdout
    finally:
        case.close()


def docker(*words: str) -> str:
    """What it prints; empty where it fails."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout


def until(wanted: Callable[[], object]) -> None:
    for _ in range(1200):
        if wanted():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")
