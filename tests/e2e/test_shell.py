"""`nexusctl shell` at a terminal and without one."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prestarted
from tests.terminal import read_to_end

pytestmark = pytest.mark.engine

SHELL = [sys.executable, "-m", "nexusctl", "shell", "box"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[Path]:
    """That of a stack with one sandbox, `box`."""
    yield from make(tmp_path_factory.mktemp("shell"), f"test-{uuid.uuid4().hex[:10]}", base_image)


@pytest.fixture
def own_folder(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Path]:
    """As `folder`, for one test alone, which leaves its sandbox in no state for others."""
    yield from make(tmp_path, stack_name, base_image)


def make(folder: Path, stack: str, image: str) -> Iterator[Path]:
    box = {"image": image, "command": ["sleep", "infinity"], "networks": [], "working_dir": "/srv"}
    (folder / "nexus.yaml").write_text(json.dumps({"name": stack, "sandboxes": {"box": box}}))
    run(folder, "apply", "--yes")
    yield folder
    run(folder, "destroy", "--yes")


def run(folder: Path, *words: str, stdin: str = "", code: int = 0) -> str:
    command = [sys.executable, "-m", "nexusctl", *words]
    done = prestarted.run(command, cwd=folder, capture_output=True, text=True, input=stdin, timeout=300, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def type_in(folder: Path, *lines: str) -> tuple[str, int]:
    """What a terminal shows for lines that are typed, each at a prompt, and the exit code."""
    pid, master = pty.fork()
    if not pid:
        os.chdir(folder)
        os.execv(SHELL[0], SHELL)
    shown = ""
    for line in lines:
        before = len(shown)
        while "# " not in shown[before:]:
            shown += os.read(master, 4096).decode(errors="replace")
        os.write(master, f"{line}\r".encode())
    shown += read_to_end(master).decode(errors="replace")
    return shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_it_is_the_best_there_is_and_its_code_is_ours(folder: Path) -> None:
    shown, code = type_in(folder, 'echo "<$0 $PWD>"; exit 3')
    assert "bash /srv>" in shown
    assert code == 3


def test_what_was_typed_is_there_in_the_next_one(folder: Path) -> None:
    type_in(folder, "true first-command", "exit")
    shown, _ = type_in(folder, "history", "exit")
    assert "true first-command" in shown


def test_without_a_terminal_it_reads_commands(folder: Path) -> None:
    assert run(folder, "shell", "box", stdin="pwd; exit 4\n", code=4) == "/srv\n"


def test_without_bash_another_one_does(own_folder: Path, stack_name: str) -> None:
    subprocess.run(["docker", "exec", f"{stack_name}_box", "mv", "/bin/bash", "/bin/hidden"], check=True)
    assert run(own_folder, "shell", "box", stdin="echo it is $0\n").strip().endswith("sh")


def test_without_any_it_is_refused_with_what_to_do(own_folder: Path, stack_name: str) -> None:
    hide = "for x in bash sh dash rbash; do mv /bin/$x /bin/hidden-$x 2>/dev/null; done; true"
    subprocess.run(["docker", "exec", f"{stack_name}_box", "perl", "-e", f"system('{hide}')"], check=False)
    said = run(own_folder, "shell", "box", code=1)
    assert "there is no shell in box" in said
    assert "nexusctl exec box PROGRAM" in said


def test_one_that_does_not_run_has_none(own_folder: Path) -> None:
    run(own_folder, "stop", "box")
    assert "starts it" in run(own_folder, "shell", "box", code=1)


@pytest.mark.parametrize("words", [["-c", "id -u"], ["id"], ["sh", "-c", "id"], ["--", "-c", "id"]], ids=" ".join)
def test_a_command_behind_the_name_is_told_what_runs_it(folder: Path, words: list[str]) -> None:
    said = run(folder, "shell", "box", *words, code=2)
    assert "Error: a shell takes no command; `nexusctl exec NAME COMMAND` runs one\n" in said


def test_an_option_that_there_is_not_is_told_as_such(folder: Path) -> None:
    assert "No such option '--nope'" in run(folder, "shell", "box", "--nope", code=2)
