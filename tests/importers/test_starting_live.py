"""A first stack file on the real engine: asked for in a terminal, and proposed for a project, then applied."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case

pytestmark = pytest.mark.engine

PATIENCE = 180
"""Seconds to wait for a question, or for an answer; only a hang meets it."""

SERVER = """\
require("express")().get("/", (request, answer) => answer.send("node is here")).listen(process.env.PORT || 4000);
"""
FLASK = """\
import flask
app = flask.Flask("app")
app.get("/")(lambda: "flask is here")
"""
PLAIN = """\
import time
import idna
while True:
    print("pyproject is here", idna.encode("x").decode(), flush=True)
    time.sleep(1)
"""
PROJECTS = {
    "node": {
        "package.json": json.dumps({"scripts": {"start": "node server.js"}, "dependencies": {"express": "^4.19"}}),
        "server.js": SERVER,
    },
    "requirements": {"requirements.txt": "flask==3.0.0\n", "app.py": FLASK},
    "pyproject": {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["idna >= 3"]\n', "main.py": PLAIN},
    "dockerfile": {
        "Dockerfile": 'FROM IMAGE\nWORKDIR /srv\nENV SAYS=dockerfile\nCOPY run.sh ./\nCMD ["sh", "run.sh"]\n',
        "run.sh": 'while true; do echo "$SAYS is here"; sleep 1; done\n',
    },
}


@pytest.fixture
def case(tmp_path: Path, wire: Wire, stack_name: str, template_images: None) -> Iterator[Case]:
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield case
    case.close()


@pytest.mark.parametrize("kind", PROJECTS)
def test_what_is_proposed_for_a_project_runs_as_it_stands(case: Case, base_image: str, kind: str) -> None:
    for name, text in PROJECTS[kind].items():
        (case.folder / name).write_text(text.replace("IMAGE", base_image))
    proposed = case.nexusctl(["init", "--from-dir", "."])
    assert proposed.returncode == 0, proposed.stderr
    file = case.folder / "nexus.yaml"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(f"name: {case.stack}" if line.startswith("name:") else line for line in lines) + "\n")
    done = case.nexusctl(["apply", "--yes"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{kind.replace('requirements', 'flask')} is here" in wait_for_word(case)
    assert case.nexusctl(["plan", "--deep", "--detailed-exitcode"]).returncode == 0


def wait_for_word(case: Case) -> str:
    """What the sandbox answers on its port, or writes where it has none."""
    (sandbox,) = json.loads(case.nexusctl(["status", "--json"]).stdout)["sandboxes"]
    if ports := sandbox["ports"]:
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]['host']}/", timeout=PATIENCE) as answer:
            return str(answer.read().decode())
    deadline = time.monotonic() + PATIENCE
    while not (said := case.nexusctl(["logs", "app"]).stdout) and time.monotonic() < deadline:
        time.sleep(0.2)
    return said


class Terminal:
    """A program at a terminal of its own; what it wrote so far is `seen`."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._master, slave = pty.openpty()
        command = [sys.executable, "-m", "nexusctl", *words]
        self.process = subprocess.Popen(command, cwd=folder, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.seen = ""

    def answer(self, question: str, words: str) -> None:
        before = len(self.seen)
        self._read(lambda: question in self.seen[before:])
        os.write(self._master, f"{words}\n".encode())

    def end(self) -> int:
        self._read(lambda: False)
        os.close(self._master)
        return self.process.wait(timeout=PATIENCE)

    def _read(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not enough():
            assert time.monotonic() < deadline, f"the question did not come: {self.seen}"
            if not select.select([self._master], [], [], 1)[0]:
                continue
            try:
                self.seen += os.read(self._master, 65536).decode()
            except OSError:
                # That is how a terminal says that nobody writes to it any more.
                return


def test_the_questions_are_answered_in_a_terminal_and_the_file_is_applied(case: Case) -> None:
    asked = Terminal(case.folder, "init")
    asked.answer("Name of the stack", case.stack)
    asked.answer("Template", "nod")
    asked.answer("Template", "base")
    asked.answer("Command", "sleep 1000")
    asked.answer("Port that it listens on", "")
    assert asked.end() == 0, asked.seen
    assert "'nod' is not one of" in asked.seen
    applied = Terminal(case.folder, "apply")
    applied.answer("Carry out this plan?", "y")
    assert applied.end() == 0, applied.seen
    (sandbox,) = json.loads(case.nexusctl(["status", "--json"]).stdout)["sandboxes"]
    assert (sandbox["name"], sandbox["state"]) == ("app", "running")
