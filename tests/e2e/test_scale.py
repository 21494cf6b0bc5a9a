"""`scale` and `rename`: edits of the stack file, and the same containers after them as far as they can be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import prestarted

pytestmark = pytest.mark.engine

STACK = """\
# Who answers, and what they need.
name: NAME
sandboxes:
  db:   # the only one
    image: IMAGE
    command: [ sleep, 'infinity' ]
    ports: [8080]
  web:
    image: IMAGE
    command: sleep infinity   # for ever
    env: {DB: "http://${sandbox.db.host}:1", OTHER: db}
    depends_on: [ db ]
  late:
    image: IMAGE
    command: sleep infinity
    depends_on:
      db: {condition: started}   # soon enough
outputs:
  where: ${sandbox.db.host}
"""


class Files:
    def __init__(self, folder: Path, stack: str, image: str) -> None:
        self.folder, self.stack, self.path = folder, stack, folder / "nexus.yaml"
        self.text = STACK.replace("NAME", stack).replace("IMAGE", image)
        self.path.write_text(self.text)

    def run(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "nexusctl", *words]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def ids(self) -> dict[str, str]:
        words = ["docker", "ps", "-a", "--no-trunc", "--filter", f"label=dev.nexusctl.stack={self.stack}"]
        found = subprocess.run([*words, "--format", "{{.Names}} {{.ID}}"], capture_output=True, text=True, check=True)
        pairs = (line.split() for line in found.stdout.splitlines())
        return {name.removeprefix(f"{self.stack}_"): key for name, key in pairs}

    def is_quiet(self) -> bool:
        command = [sys.executable, "-m", "nexusctl", "plan", "--json"]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=True)
        return bool(json.loads(done.stdout)["empty"])


@pytest.fixture
def files(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Files]:
    made = Files(tmp_path, stack_name, base_image)
    made.run("apply", "--yes")
    yield made
    made.run("destroy", "--yes", "--stack", stack_name)


def test_scaling_changes_a_number_in_the_file_and_what_that_means(files: Files) -> None:
    before = files.ids()
    files.run("scale", "web=3", "--yes")
    assert files.path.read_text().replace("    replicas: 3\n", "") == files.text
    after = files.ids()
    assert sorted(after) == ["db", "late", "web-1", "web-2", "web-3"]
    assert (after["web-1"], after["db"], files.is_quiet()) == (before["web"], before["db"], True)
    files.run("scale", "web=1", "late=0", "--yes")
    assert (sorted(files.ids()), files.ids()["web-1"], files.is_quiet()) == (["db", "web-1"], before["web"], True)


def test_renaming_changes_every_word_that_means_it_and_keeps_the_container(files: Files) -> None:
    before = files.ids()
    files.run("rename", "db", "store", "--yes")
    text = files.path.read_text()
    assert text.startswith("# Who answers, and what they need.\n")
    assert "  store:   # the only one\n" in text
    assert "depends_on: [ store ]" in text
    assert "      store: {condition: started}   # soon enough\n" in text
    assert 'env: {DB: "http://${sandbox.store.host}:1", OTHER: db}' in text
    # Where in the file an entry is added, and how what it changes is quoted, is for the edit to choose.
    said = yaml.safe_load(text)
    assert said["outputs"] == {"where": "${sandbox.store.host}"}
    assert said["moved"] == [{"from": "db", "to": "store"}]
    kept = [line for line in files.text.splitlines() if "db" not in line]
    assert [line for line in text.splitlines() if line in kept] == kept
    assert files.ids()["store"] == before["db"]
    files.run("apply", "--yes")
    assert files.is_quiet()
    assert files.run("output", "where").strip() == "127.0.0.1"


def test_drift_and_a_way_back_go_on_with_records_that_name_one_by_its_former_name(files: Files) -> None:
    files.run("rename", "db", "store", "--yes")
    subprocess.run(["docker", "stop", "-t", "0", f"{files.stack}_web"], check=True, capture_output=True)
    assert "it exited with" in files.run("drift", code=2)
    files.path.write_text(files.path.read_text().replace("sleep infinity   # for ever", "exit 3"))
    before = files.ids()
    said = files.run("apply", "--yes", "--on-failure", "rollback", code=1)
    assert "Rolled back" in said
    assert files.ids()["web"] == before["web"]


def test_who_is_called_as_before_again_has_moved_back(files: Files) -> None:
    """Twice there and back, also beside another move."""
    files.run("rename", "late", "later", "--yes")
    before = files.ids()
    for old, new in (("db", "store"), ("store", "db"), ("db", "store"), ("store", "db")):
        files.run("rename", old, new, "--yes")
        found = yaml.safe_load(files.path.read_text())
        assert (new in found["sandboxes"], old in found["sandboxes"]) == (True, False)
        assert found["moved"] == [{"from": "late", "to": "later"}, {"from": old, "to": new}]
    assert files.ids() == before


def test_what_cannot_be_leaves_the_file_as_it_was(files: Files) -> None:
    assert "did you mean `web`?" in files.run("scale", "wed=3", "--yes", code=1)
    assert "no number" in files.run("scale", "web=many", "--yes", code=2)
    assert "called web already" in files.run("rename", "db", "web", "--yes", code=1)
    # Whether it is asked for or not, in a line, and without a place in a file that there is not.
    for words in (("--yes",), ()):
        assert files.run("rename", "db", "Not a name", *words, code=1) == (
            "error: a sandbox cannot be called `Not a name`\n"
            "help: use lower-case letters, digits and dashes, at most 40, such as `not-a-name`\n"
        )
    assert "cannot be called ``" in files.run("rename", "db", "", "--yes", code=1)
    assert "pass --yes" in files.run("scale", "web=2", code=1)
    assert (files.path.read_text(), files.is_quiet()) == (files.text, True)


def test_a_file_that_cannot_be_written_leaves_those_before_it_as_they_were(files: Files) -> None:
    # What is written beside it first has a longer name, which no file can have.
    over = files.folder / f"{'o' * 246}.yaml"
    over.write_text("sandboxes:\n  web: {command: sleep infinity}\n")
    layers = ("-f", files.path.name, "-f", over.name)
    for words in (("scale", "web=2", "--yes"), ("rename", "web", "front", "--yes"), ("stop", "web", "--write")):
        said = files.run(*words, *layers, code=1)
        assert f"{over.name} cannot be written: file name too long" in said, said
    assert files.path.read_text() == files.text
    assert over.read_text() == "sandboxes:\n  web: {command: sleep infinity}\n"
    assert files.is_quiet()
