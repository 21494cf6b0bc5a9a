"""The pipelines of `stacks/ci`, each step as the system that it is for would run it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.stacks.stack_copy import FIRST_APPLY, NOTHING, StackCopy

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("stack_copy", ["ci"], indirect=True)]

GITHUB = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF_NAME": "main"}
GITLAB = {"CI": "true", "GITLAB_CI": "true", "CI_COMMIT_REF_SLUG": "main", "TERM": "dumb"}


@pytest.fixture
def environ(stack_copy: StackCopy) -> Iterator[dict[str, str]]:
    """With `nexusctl` on the path, as an installation has it, and a home without anything."""
    tools = stack_copy.folder / "tools"
    tools.mkdir()
    program = tools / "nexusctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nexusctl "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    yield {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(stack_copy.folder), "LANG": "C.UTF-8"}
    shutil.rmtree(tools)


def begin(command: list[str], folder: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=folder, env=environ, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=FIRST_APPLY)
    assert process.returncode == 0, said
    return said


def require_results(copy: StackCopy, said: str) -> None:
    assert "the site answers at http://127.0.0.1:" in said
    out = copy.folder / "out"
    assert (out / "links.log").read_text() == "2 pages, 0 broken\n"
    assert (out / "links" / "tmp" / "report" / "links.txt").read_text() == "/\n/about.html\n"
    suite = ElementTree.parse(out / "run.xml").getroot()[0]
    assert {case.get("name"): len(case) for case in suite} == {"links": 0, "web": 0, "./test.sh": 0}
    assert copy.remains() == NOTHING


def test_the_steps_for_github_run_in_its_shell(stack_copy: StackCopy, environ: dict[str, str]) -> None:
    document = yaml.safe_load((stack_copy.folder / "github" / "workflow.yml").read_text())
    steps = [step["run"] for step in document["jobs"]["test"]["steps"] if "run" in step]
    assert steps[0] == "pip install nexusctl"
    summary = stack_copy.folder / "summary.md"
    said = ""
    for step in steps[1:]:
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax: the shell of each step.
        script = stack_copy.folder / "step.sh"
        script.write_text(step)
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        said += finish(begin(shell, stack_copy.folder, environ | GITHUB | {"GITHUB_STEP_SUMMARY": str(summary)}))
    assert summary.read_text().startswith(f"### Stack <code>{stack_copy.stack}</code>: 2 to create")
    require_results(stack_copy, said)


def test_the_script_for_gitlab_runs_in_its_shell(stack_copy: StackCopy, environ: dict[str, str]) -> None:
    document = yaml.safe_load((stack_copy.folder / "gitlab" / "gitlab-ci.yml").read_text())
    assert document["stack"]["before_script"] == ["pip install nexusctl"]
    script = "\n".join(["set -eo pipefail", *document["stack"]["script"]])
    said = finish(begin(["bash", "-c", script], stack_copy.folder, environ | GITLAB))
    require_results(stack_copy, said)


def test_the_shell_script_runs_anywhere(stack_copy: StackCopy, environ: dict[str, str]) -> None:
    require_results(stack_copy, finish(begin(["./pipeline.sh"], stack_copy.folder, environ)))


def begin_and_wait(command: list[str], copy: StackCopy, environ: dict[str, str]) -> subprocess.Popen[str]:
    """Until its test is at work, which takes five minutes."""
    mark = copy.folder / "begun"
    (copy.folder / "test.sh").write_text(f"#!/bin/sh\ntouch {mark}\nsleep 300\n")
    process = begin(command, copy.folder, environ)
    deadline = time.monotonic() + FIRST_APPLY
    while not mark.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


def require_cleared(copy: StackCopy, process: subprocess.Popen[str], number: int) -> None:
    said, _ = process.communicate(timeout=FIRST_APPLY)
    assert process.returncode == 128 + number, said
    assert (copy.folder / "out" / "web.log").exists()
    assert copy.remains() == NOTHING


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_is_cancelled_leaves_nothing(
    stack_copy: StackCopy, environ: dict[str, str], number: signal.Signals
) -> None:
    process = begin_and_wait(["./pipeline.sh"], stack_copy, environ | GITLAB)
    os.killpg(process.pid, number)
    require_cleared(stack_copy, process, number)


def test_a_cancelled_job_of_gitlab_leaves_nothing(stack_copy: StackCopy, environ: dict[str, str]) -> None:
    document = yaml.safe_load((stack_copy.folder / "gitlab" / "gitlab-ci.yml").read_text())
    script = "\n".join(["set -eo pipefail", *document["stack"]["script"]])
    process = begin_and_wait(["bash", "-c", script], stack_copy, environ | GITLAB)
    # Its runner signals all that the job has started.
    os.killpg(process.pid, signal.SIGTERM)
    require_cleared(stack_copy, process, signal.SIGTERM)


def test_a_cancelled_job_of_github_leaves_nothing(stack_copy: StackCopy, environ: dict[str, str]) -> None:
    document = yaml.safe_load((stack_copy.folder / "github" / "workflow.yml").read_text())
    (step,) = (step["run"] for step in document["jobs"]["test"]["steps"] if step.get("name") == "Test")
    script = stack_copy.folder / "step.sh"
    script.write_text(step)
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    process = begin_and_wait(shell, stack_copy, environ | GITHUB)
    # Its runner signals the shell alone, which passes nothing on; what is left after ten seconds it kills.
    process.send_signal(signal.SIGINT)
    try:
        process.wait(7.5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
    require_cleared(stack_copy, process, signal.SIGINT)
