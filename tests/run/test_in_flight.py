"""What is said of a stack while another nexusctl changes it: who does, and what is in flight; nothing untrue."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case
from tests.run.test_lost_lock import docker, until

pytestmark = pytest.mark.engine

STACK = """
name: STACK
sandboxes:
  one:
    image: IMAGE
    command: [sleep, infinity]
    startup: touch /begun; until [ -e /go ]; do sleep 0.1; done
  two: {image: IMAGE, command: [sleep, infinity], depends_on: [one]}
  old: {image: IMAGE, command: [sleep, infinity], env: {N: "1"}}
"""


@pytest.fixture
def case(tmp_path: Path, wire: Wire, base_image: str, stack_name: str) -> Iterator[Case]:
    (tmp_path / "nexus.yaml").write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    made = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield made
    made.close()


@pytest.fixture
def applying(case: Case) -> Iterator[subprocess.Popen[str]]:
    """An apply that is halfway: `one` is starting, `two` waits for it."""
    with subprocess.Popen(
        [sys.executable, "-m", "nexusctl", "apply", "--yes"],
        cwd=case.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        until(lambda: docker("exec", f"{case.stack}_one_new", "ls", "/begun"))
        until(lambda: docker("ps", "-q", "--filter", f"name=^{case.stack}_old$"))
        until(lambda: docker("ps", "-aq", "--filter", f"name=^{case.stack}_two$"))
        yield running
        running.kill()


def test_plan_and_drift_say_who_is_at_it_and_what_is_in_flight(case: Case, applying: subprocess.Popen[str]) -> None:
    planned = case.nexusctl(["plan"]).stdout
    assert planned.startswith(f"Stack {case.stack} is being changed by ")
    assert f"(pid {applying.pid}, nexusctl apply) since " in planned
    assert "In flight: one, two.\n" in planned
    assert "(in flight: see above)" in planned
    document = json.loads(case.nexusctl(["plan", "--json"]).stdout)
    assert document["in_flight"] == ["one", "two"]
    assert f"pid {applying.pid}" in document["busy"]

    explained = case.nexusctl(["explain", "one"]).stdout
    assert "its stack is being changed by " in explained
    assert f"(pid {applying.pid}, nexusctl apply) since " in explained
    assert "(in flight: see above)" in explained
    (story,) = json.loads(case.nexusctl(["explain", "one", "--json"]).stdout)["sandboxes"]
    assert f"pid {applying.pid}" in story["busy"]

    drifted = case.nexusctl(["drift"])
    assert drifted.returncode == 0, drifted.stdout + drifted.stderr
    assert drifted.stdout.startswith(f"Stack {case.stack} is being changed by ")
    assert "In flight: one, two.\n" in drifted.stdout
    assert "No drift" in drifted.stdout
    docker("stop", "-t", "0", f"{case.stack}_old")
    drifted = case.nexusctl(["drift"])
    assert drifted.returncode == 2
    assert "old" in drifted.stdout.partition("has drifted")[2]
    assert case.nexusctl(["status"]).returncode == 0

    docker("start", f"{case.stack}_old")
    docker("exec", f"{case.stack}_one_new", "touch", "/go")
    assert applying.wait(240) == 0
    assert "being changed" not in case.nexusctl(["plan"]).stdout


@pytest.mark.parametrize("words", [["scale", "old=2"], ["rename", "old", "older"]], ids=lambda words: words[0])
def test_an_edit_that_meets_the_lock_says_that_the_file_is_as_it_was(
    case: Case, applying: subprocess.Popen[str], words: list[str]
) -> None:
    before = (case.folder / "nexus.yaml").read_text()
    done = case.nexusctl([words[0], "--yes", "--lock-timeout", "0", *words[1:]])
    assert done.returncode == 1
    assert f"(pid {applying.pid}, nexusctl apply) since " in done.stderr
    assert (case.folder / "nexus.yaml").read_text() == before
    assert "nexus.yaml is as it was" in done.stderr


def test_what_a_killed_apply_has_left_is_not_in_flight(case: Case, applying: subprocess.Popen[str]) -> None:
    applying.kill()
    applying.wait()
    planned = case.nexusctl(["plan"]).stdout
    assert "being changed" not in planned
    assert "never became ready" in planned
    assert case.nexusctl(["drift"]).returncode == 2


ASKED = """
name: STACK
sandboxes:
  api:
    image: IMAGE
    command: [sleep, infinity]
    networks: []
    health: {command: [sh, -c, "echo asked >> /asked"], interval: 3600}
"""


def test_status_leaves_the_health_command_to_the_engine(case: Case, base_image: str) -> None:
    (case.folder / "nexus.yaml").write_text(ASKED.replace("STACK", case.stack).replace("IMAGE", base_image))
    assert case.nexusctl(["apply", "--yes"]).returncode == 0
    before = docker("exec", f"{case.stack}_api", "cat", "/asked")
    assert before == "asked\n"
    assert "starting" in case.nexusctl(["status"]).stdout
    assert docker("exec", f"{case.stack}_api", "cat", "/asked") == before
