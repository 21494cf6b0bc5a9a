"""Every stack is valid and planned, and the two small ones do what their README says."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
import yaml

from tests.stacks.stack_copy import FIRST_APPLY, NOTHING, STACKS, StackCopy

pytestmark = pytest.mark.engine

ALL = sorted(file.parent.name for file in STACKS.glob("*/nexus.yaml"))
PATIENCE = 60
"""Seconds to wait for something that takes about one."""


def test_the_stacks_that_the_readme_promises_are_there() -> None:
    assert ALL == ["agents", "hello", "microservices"]


@pytest.mark.parametrize("stack_copy", ALL, indirect=True)
def test_a_stack_is_valid_and_planned_and_nothing_is_made(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("validate")
    plan = json.loads(stack_copy.nexusctl("plan", "--json"))
    made = [change["name"] for change in plan["changes"] if change["kind"] == "sandbox"]
    sandboxes = yaml.safe_load((stack_copy.folder / "nexus.yaml").read_text())["sandboxes"]
    assert len(made) == sum(sandbox.get("replicas", 1) for sandbox in sandboxes.values())
    assert {change["action"] for change in plan["changes"]} == {"create"}
    assert stack_copy.remains() == NOTHING


def test_hello_is_short() -> None:
    assert len((STACKS / "hello" / "nexus.yaml").read_text().splitlines()) < 15


@pytest.mark.parametrize("stack_copy", ["hello"], indirect=True)
def test_hello_says_hello(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    assert "Hello from" in wait_for(stack_copy, lines=1)
    assert "Linux" in stack_copy.nexusctl("exec", "greeter", "--", "uname", "-a")
    stack_copy.nexusctl("destroy", "--yes")
    assert stack_copy.remains() == NOTHING


@pytest.mark.parametrize("stack_copy", ["agents"], indirect=True)
def test_ten_agents_share_the_jobs_and_each_job_is_done_once(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    names = [f"agent-{number}" for number in range(1, 11)]
    assert [name for name, is_ in stack_copy.status().items() if is_["state"] == "running"] == names

    jobs = sorted(job.stem for job in (STACKS / "agents" / "agent" / "jobs").glob("*.py"))
    lines = wait_for(stack_copy, lines=len(names) + len(jobs)).splitlines()
    assert sum("| ready" in line for line in lines) == len(names)
    verdicts = Counter({job: sum(f"| {job} " in line for line in lines) for job in jobs})
    assert verdicts == dict.fromkeys(jobs, 1)
    assert any("broken failed with exit code 1" in line for line in lines)

    queue = 'cd /workspace; echo "print(6 * 7)" > new; mv new inbox/answer.py'
    stack_copy.nexusctl("exec", "agent-3", "--", "sh", "-c", queue)
    answer = "for i in $(seq 60); do cat /workspace/done/answer.txt 2>/dev/null && exit; sleep 0.5; done; exit 1"
    assert stack_copy.nexusctl("exec", "agent-7", "--", "sh", "-c", answer) == "42\n"

    stack_copy.nexusctl("destroy", "--yes", "--volumes")
    assert stack_copy.remains() == NOTHING


@pytest.mark.parametrize("stack_copy", ["agents"], indirect=True)
def test_more_replicas_leave_those_that_are_there_alone(stack_copy: StackCopy) -> None:
    stack_copy.edit("nexus.yaml", "replicas: 10", "replicas: 2")
    stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    before = stack_copy.containers()
    stack_copy.edit("nexus.yaml", "replicas: 2", "replicas: 3")
    stack_copy.nexusctl("apply", "--yes")
    after = stack_copy.containers()
    assert sorted(after) == ["agent-1", "agent-2", "agent-3"]
    assert before.items() < after.items()


def wait_for(copy: StackCopy, *, lines: int) -> str:
    """The logs of all sandboxes, once they have that many lines."""
    deadline = time.monotonic() + PATIENCE
    while True:
        text = copy.nexusctl("logs")
        if len(text.splitlines()) >= lines:
            return text
        assert time.monotonic() < deadline, f"only these lines came:\n{text}"
        time.sleep(0.5)
