"""Why a plan says what it says: the words of the file with their places, the record, and what Docker has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine

STACK = """\
name: NAME
secrets: {pin: {file: ./pin.txt}}
sandboxes:
  api:
    image: IMAGE
    command: [sleep, infinity]
    env_file: some.env
    env:
      PORT: "3000"
      KEY: ${secret.pin}
    resources: {memory: 64m}
    networks: []
"""


@pytest.fixture
def folder(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Path]:
    (tmp_path / "pin.txt").write_text("very-secret\n")
    (tmp_path / "some.env").write_text("FROM_FILE=from-the-env-file\n")
    (tmp_path / "nexus.yaml").write_text(STACK.replace("NAME", stack_name).replace("IMAGE", base_image))
    assert run(tmp_path, "apply", "--yes").returncode == 0
    yield tmp_path
    run(tmp_path, "destroy", "--yes")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexusctl", *words]
    return prestarted.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def told(folder: Path, asked: str) -> dict[str, Any]:
    done = run(folder, "explain", "--json", asked)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["sandboxes"][0]
    return found


def test_what_differs_is_told_with_its_place_and_its_consequence(folder: Path, stack_name: str) -> None:
    assert "is as it should be" in run(folder, "explain", "api").stdout
    text = (folder / "nexus.yaml").read_text()
    (folder / "nexus.yaml").write_text(text.replace('"3000"', '"4000"'))
    subprocess.run(["docker", "update", "--memory", "96m", "--memory-swap", "96m", f"{stack_name}_api"], check=True)
    (port,) = told(folder, "api.env.PORT")["fields"]
    assert (port["desired"], port["recorded"], port["live"]) == ("4000", "3000", "3000")
    assert (port["place"]["file"], port["place"]["line"]) == ("nexus.yaml", 9)
    (memory,) = told(folder, "api.resources.memory")["fields"]
    assert (memory["desired"], memory["recorded"], memory["live"]) == (64 << 20, 64 << 20, 96 << 20)
    said = run(folder, "explain", "api").stdout
    assert "it forces a new container" in said
    assert "somebody has changed it by hand" in said
    assert "# nexus.yaml:9:" in said


def test_nothing_secret_is_shown(folder: Path) -> None:
    (folder / "pin.txt").write_text("another-secret\n")
    (folder / "some.env").write_text("FROM_FILE=changed-in-the-file\n")
    for words in (("explain", "api"), ("explain", "--json", "api")):
        said = run(folder, *words)
        assert said.returncode == 0
        for value in ("very-secret", "another-secret", "from-the-env-file", "changed-in-the-file"):
            assert value not in said.stdout + said.stderr


def test_who_keeps_it_as_it_is_and_what_means_nothing_is_told(folder: Path) -> None:
    run(folder, "stop", "api")
    assert "stopped on purpose by" in run(folder, "explain", "api").stdout
    assert told(folder, "api")["held"]["state"] == "stopped"
    assert "did you mean `api`?" in run(folder, "explain", "apy").stderr
    assert "did you mean `env.PORT`?" in run(folder, "explain", "api.env.PORTS").stderr


def test_what_is_wrong_with_another_sandbox_is_a_warning(folder: Path) -> None:
    with (folder / "nexus.yaml").open("a") as file:
        file.write("  web: {image: some, comand: [x]}\n")
    done = run(folder, "explain", "api.env.PORT")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: unknown key `comand` in `sandboxes.web`")
    assert 'env.PORT: "3000"  # nexus.yaml:9' in done.stdout
    assert json.loads(run(folder, "explain", "--json", "api").stdout)["sandboxes"][0]["changes"] == []
    # Of the one that is asked for it is an error, as it is where all are meant.
    for asked in ("web", "*"):
        refused = run(folder, "explain", asked)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("error: unknown key `comand` in `sandboxes.web`")
    assert "did you mean `api`?" in run(folder, "explain", "apj").stderr
