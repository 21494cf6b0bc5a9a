"""What an apply says of a container that somebody removes while it works on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.plan.event import Failed
from tests.drift.scene import Scene, findings

pytestmark = pytest.mark.engine

BUSY = {
    "startup": "{image: IMAGE, command: [sleep, infinity], networks: [], startup: sleep 60}",
    "health": "{image: IMAGE, command: [sleep, infinity], networks: [], health: {command: 'false', start_period: 60}}",
    "task": "{image: IMAGE, command: [sleep, '60'], networks: [], kind: task}",
}


@pytest.fixture
def scene(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(wire, tmp_path / "nexus.yaml")
    busy = "".join(f"  {name}: {text}\n" for name, text in BUSY.items()).replace("IMAGE", base_image)
    scene.file.write_text(f"name: test-{uuid4().hex[:8]}\nsandboxes:\n{busy}")
    yield scene
    scene.destroy()


def test_it_is_named_and_the_next_plan_makes_it_anew(scene: Scene) -> None:
    failed: list[Failed] = []
    apply = threading.Thread(target=lambda: failed.extend(scene.try_apply()))
    apply.start()
    for name in BUSY:
        await_running(scene, name)
        scene.remove_container(scene.id(name))
    apply.join()
    said = {event.step.subject: event.problem for event in failed}
    assert said.keys() == BUSY.keys()
    for name, problem in said.items():
        assert problem.summary == f"{name}: somebody removed its container while nexusctl worked on it"
        assert problem.hint == "see who does that; the next apply makes it anew"
    assert {(thing, action) for thing, action, _, _ in findings(scene.plan())} == {
        ("sandbox health", "create"),
        ("sandbox startup", "create"),
        ("sandbox task", "create"),
    }


def await_running(scene: Scene, name: str) -> None:
    wanted = {"all": True, "filters": {"name": [f"^{scene.container(name)}"], "status": ["running"]}}
    for _ in range(4800):
        if scene.wire.get("/containers/json", wanted):
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"{name} never ran")
