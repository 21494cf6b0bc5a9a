"""What `--write` does to stack files: the one thing that was asked for, after which the plan is empty."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine

STACK = """\
# The shop, as of today.
name: NAME
sandboxes:
  db:   # holds everything
    image: IMAGE
    command: [ "sleep", 'infinity' ]   # for ever
    metadata: {tier: back}
    networks: []

  web:
    image: IMAGE
    command: sleep infinity
    networks: []
    depends_on:
      - api
  api: {image: IMAGE, networks: [], command: sleep infinity, depends_on: [db]}
  many: {image: IMAGE, networks: [], command: sleep infinity, replicas: 2}
"""


class Files:
    def __init__(self, folder: Path, stack: str, image: str) -> None:
        self.folder = folder
        self.text = STACK.replace("NAME", stack).replace("IMAGE", image).replace("\n", "\r\n")
        self.path = folder / "nexus.yaml"
        self.path.write_bytes(self.text.encode())
        self.path.chmod(0o640)

    def read(self) -> str:
        return self.path.read_bytes().decode()

    def run(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "nexusctl", *words]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def is_quiet(self) -> bool:
        command = [sys.executable, "-m", "nexusctl", "plan", "--json"]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=True)
        found = json.loads(done.stdout)
        return bool(found["empty"]) and not found["held"]


@pytest.fixture
def files(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Files]:
    made = Files(tmp_path, stack_name, base_image)
    made.run("apply", "--yes")
    yield made
    made.path.write_bytes(made.text.encode())
    made.run("destroy", "--yes", "--volumes")


def test_the_file_says_it_too_and_nothing_else_in_it_changes(files: Files) -> None:
    said = files.run("stop", "--write", "web", "api")
    assert "`web` has `state: stopped` now" in said
    added = [line for line in files.read().split("\r\n") if line not in files.text.split("\r\n")]
    assert ["state: stopped" in line for line in added] == [True, True]
    assert (files.path.stat().st_mode & 0o777, files.is_quiet()) == (0o640, True)
    files.run("start", "--write", "web")
    assert files.read() == files.text
    assert files.is_quiet()


def test_pausing_is_written_as_well_and_what_is_so_already_is_only_written(files: Files) -> None:
    files.run("pause", "web")
    files.run("pause", "--write", "web")
    assert "state: paused" in files.read()
    assert files.is_quiet()
    files.run("resume", "--write", "web")
    assert (files.read(), files.is_quiet()) == (files.text, True)


def test_a_file_that_cannot_say_it_stays_as_it_was_and_so_do_the_sandboxes(files: Files) -> None:
    assert "which is to be stopped" in files.run("stop", "--write", "db", code=1)
    assert "name the group, `many`" in files.run("stop", "--write", "many-1", code=1)
    assert "--write needs the stack file" in files.run("stop", "--write", "web", "--stack", "x", code=2)
    assert (files.read(), files.is_quiet()) == (files.text, True)
    files.run("stop", "--write", "many")
    assert files.is_quiet()


def test_the_last_file_that_speaks_of_a_sandbox_is_the_one_that_says_it(files: Files) -> None:
    over = files.folder / "over.yaml"
    over.write_text("sandboxes:\n  web: {env: {A: '1'}}\n")
    link = files.folder / "link.yaml"
    link.symlink_to(over)
    layers = ("-f", "nexus.yaml", "-f", "link.yaml")
    files.run("apply", "--yes", *layers)
    files.run("stop", "--write", "web", "--metadata", "tier=none", *layers, code=1)
    files.run("stop", "--write", "web", *layers)
    assert "state: stopped" in over.read_text()
    assert link.is_symlink()
    assert files.read() == files.text
    assert "No changes" in files.run("plan", *layers)
