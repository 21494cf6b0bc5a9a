"""`nexusctl drift` as a user meets it: its exit codes, its text, its JSON; and that it changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.drift.scene import Scene

pytestmark = pytest.mark.engine

STACK = """
name: NAME
sandboxes:
  one: {image: IMAGE, command: [sleep, infinity], uploads: [{content: "x", target: /etc/one.conf}]}
  two: {image: IMAGE, command: [sleep, infinity]}
"""


@pytest.fixture
def scene(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Scene]:
    text = STACK.replace("NAME", f"drift-{uuid4().hex[:8]}").replace("IMAGE", base_image)
    (tmp_path / "nexus.yaml").write_text(text)
    scene = Scene(wire, tmp_path / "nexus.yaml")
    try:
        scene.apply()
        yield scene
    finally:
        scene.destroy()


def drift(scene: Scene, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "nexusctl", "drift", *arguments]
    return prestarted.run(argv, cwd=scene.file.parent, capture_output=True, text=True, timeout=120, check=False)


def test_drift_is_told_by_text_json_and_exit_code_and_left_as_it_is(scene: Scene) -> None:
    quiet = drift(scene)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert "No drift" in quiet.stdout
    scene.inside("one", "echo more >> /etc/one.conf")
    for _ in range(2):
        found = drift(scene)
        assert found.returncode == 2, found.stderr
        assert "uploads./etc/one.conf" in found.stdout
    document = json.loads(drift(scene, "--json").stdout)
    assert (document["format_version"], document["drifted"]) == ("1.0", True)
    assert [d["field"] for change in document["changes"] for d in change["differences"]] == ["uploads./etc/one.conf"]
    assert drift(scene, "--stack", scene.stack.name).returncode == 2, "the records alone tell it"
    named = drift(scene, "two")
    assert (named.returncode, named.stdout) == (0, f"No drift: 1 sandbox of stack {scene.stack.name} is as applied.\n")
    assert drift(scene, "one").returncode == 2


def test_a_name_that_means_nothing_is_an_error_and_no_drift(scene: Scene) -> None:
    refused = drift(scene, "three")
    assert refused.returncode == 1
    assert "no sandbox is called three" in refused.stderr
