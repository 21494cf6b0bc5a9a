"""The folder of secrets that is mounted into a running sandbox is removed on the host: a restart mounts another."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from tests.drift.scene import Scene, findings

pytestmark = pytest.mark.engine

STACK = """
name: NAME
secrets: {key: {file: ./key.txt}, other: {file: ./other.txt}}
sandboxes:
  keeper:
    image: IMAGE
    command: [bash, -c, 'trap "exit 0" TERM; while :; do sleep 0.2; done']
    networks: []
    secrets: [key, other]
"""


@pytest.fixture
def scene(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Scene]:
    for name in ("key", "other"):
        (tmp_path / f"{name}.txt").write_text(f"{name} one")
    (tmp_path / "nexus.yaml").write_text(STACK.replace("NAME", f"cut-{uuid4().hex[:8]}").replace("IMAGE", base_image))
    made = Scene(wire, tmp_path / "nexus.yaml")
    made.apply()
    try:
        yield made
    finally:
        made.destroy()


def folder_of(scene: Scene) -> Path:
    marks = scene.wire.get(f"/containers/{scene.id('keeper')}/json")["Config"]["Labels"]
    return Path("/dev/shm/nexusctl") / marks[labels.SECRETS]


def read(scene: Scene) -> str:
    return scene.inside("keeper", "cat /run/secrets/* 2>&1 || true")


LOST = {("sandbox keeper", "update", f"secrets.{name}", "drifted") for name in ("key", "other")}


def test_the_plan_says_the_restart_and_an_apply_brings_them_inside(scene: Scene) -> None:
    before = scene.id("keeper")
    shutil.rmtree(folder_of(scene))
    plan = scene.plan()
    assert findings(plan) == LOST
    assert "restarted" in plan.changes[0].reason
    assert findings(scene.drift()) == LOST
    scene.apply()
    assert (read(scene), scene.id("keeper")) == ("key oneother one", before)
    assert scene.plan().empty
    assert not scene.drift().changes


def test_a_folder_that_somebody_made_anew_hides_nothing(scene: Scene) -> None:
    place = folder_of(scene)
    shutil.copytree(place, f"{place}.kept")
    shutil.rmtree(place)
    Path(f"{place}.kept").rename(place)
    assert findings(scene.plan()) == LOST
    scene.apply()
    assert read(scene) == "key oneother one"


def test_one_file_that_is_gone_comes_back_without_a_restart(scene: Scene) -> None:
    started = scene.wire.get(f"/containers/{scene.id('keeper')}/json")["State"]["StartedAt"]
    (folder_of(scene) / "key").unlink()
    assert findings(scene.plan()) == {("sandbox keeper", "update", "secrets.key", "drifted")}
    scene.apply()
    assert read(scene) == "key oneother one"
    assert scene.wire.get(f"/containers/{scene.id('keeper')}/json")["State"]["StartedAt"] == started


def test_a_new_value_never_counts_as_there_while_it_is_not(scene: Scene) -> None:
    shutil.rmtree(folder_of(scene))
    (scene.file.parent / "key.txt").write_text("key two")
    (failed,) = scene.try_apply()
    assert "do not reach it" in failed.problem.summary
    scene.apply()
    assert read(scene) == "key twoother one"


def test_a_sandbox_without_a_shell_is_looked_at_from_outside(scene: Scene) -> None:
    scene.inside("keeper", "rm /bin/sh")
    assert scene.plan().empty
    (folder_of(scene) / "key").unlink()
    assert findings(scene.plan()) == {("sandbox keeper", "update", "secrets.key", "drifted")}
