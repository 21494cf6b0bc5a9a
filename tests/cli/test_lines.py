"""What is told of long work where no board shows it."""

from __future__ import annotations

import json
import time

import pytest

from nexusctl.cli.terminal.event_lines import Lines
from nexusctl.model.plan.event import Done, Progress, Started
from nexusctl.model.plan.plan import DeriveImage, Plan
from nexusctl.run.interrupt import Interrupt

STEP = DeriveImage(id="image:env", subject="env", tag="env", base="base", packages=(), working_dir="/")
PLAN = Plan(stack="shop", steps=(STEP,))
NEVER = 3600.0
PATIENCE = 240


def begin(lines: Lines) -> None:
    lines.take(Started(step=STEP, at=0.0))
    lines.take(Progress(step=STEP, doing="installing express (npm)", at=0.0))
    lines.take(Progress(step=STEP, doing="installing express (npm)", detail="added 3 packages", at=0.1))


def await_output(capsys: pytest.CaptureFixture[str], words: str) -> str:
    seen, deadline = "", time.monotonic() + PATIENCE
    while words not in seen:
        assert time.monotonic() < deadline, seen
        captured = capsys.readouterr()
        seen += captured.out + captured.err
        time.sleep(0.01)
    return seen


def test_now_and_then_a_line_says_what_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(PLAN, Interrupt(), as_json=False, pause=0.01) as lines:
        begin(lines)
        seen = await_output(capsys, "At work on image env (installing express (npm): added 3 packages, ")
        # What a tool says is no line of its own.
        assert seen.count("image env: installing express (npm)\n") == 1
        lines.take(Done(step=STEP, at=1.0, took=1.0))
    capsys.readouterr()
    with Lines(PLAN, Interrupt(), as_json=False, pause=0.01):
        time.sleep(0.1)
    assert capsys.readouterr().err == "", "nothing goes on, and nothing is told"


def test_in_json_the_same_is_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(PLAN, Interrupt(), as_json=True, pause=0.01) as lines:
        begin(lines)
        seen = await_output(capsys, "added 3 packages")
    first, second, third, *_ = map(json.loads, seen.splitlines())
    assert [event["event"] for event in (first, second, third)] == ["started", "progress", "progress"]
    assert third["doing"] == "installing express (npm): added 3 packages"
    assert third["step"] == "image:env"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_stop_says_at_once_what_is_waited_for(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    interrupt = Interrupt()
    with Lines(PLAN, interrupt, as_json=as_json, pause=NEVER) as lines:
        begin(lines)
        interrupt.request()
        await_output(capsys, "Waiting for image env (installing express (npm): added 3 packages, ")
