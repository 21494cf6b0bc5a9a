"""What a label says is bounded, and neither moves a cursor nor begins a line."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from nexusctl.api import execution, planning
from nexusctl.api.execution import Interrupt
from nexusctl.api.overview.events import read_events
from nexusctl.engine import labels
from nexusctl.engine.docker.overview.happened import read_event
from nexusctl.engine.memory.engine import MemoryEngine
from nexusctl.model.observed.hold import Hold
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.render.overview.events import event_document, render_event

ID = "c0ffee"


def message(action: str = "die", **attributes: Any) -> dict[str, Any]:
    marks = {labels.STACK: "shop", labels.ROLE: "sandbox", labels.SANDBOX: "web"}
    actor = {"ID": ID, "Attributes": {**marks, **attributes}}
    return {"Action": action, "Actor": actor, "timeNano": 1_700_000_000_123_456_789}


def told(action: str, **attributes: Any) -> str:
    found = read_event(message(action, **attributes), "shop", {})
    assert found
    return render_event(found).split(" ", 2)[2]


def test_a_line_says_when_who_and_what() -> None:
    found = read_event(message(exitCode="3"), "shop", {})
    assert found
    assert render_event(found) == "2023-11-14T22:13:20.123457Z web died with exit code 3"
    assert event_document("shop", found) == {
        "format_version": "1.0",
        "stack": "shop",
        "sandbox": "web",
        "container": ID,
        "time": "2023-11-14T22:13:20.123457Z",
        "event": "died",
        "exit_code": 3,
        "health": None,
        "killed": False,
        "by": None,
        "cause": None,
    }
    assert told("create", **{labels.MAKER: "me@here"}) == "created by me@here"
    assert told("health_status: unhealthy") == "unhealthy"
    assert told("oom") == "out of memory"


def test_a_hostile_label_is_bounded_and_stays_on_its_line() -> None:
    said = told("create", **{labels.MAKER: "\x1b[2J\u202e\n2023 db\tdied" + "x" * 10**6})
    assert said.startswith("created by \\x1b[2J\\u202e\\x0a2023 db\\x09died")
    assert len(said) < 400
    assert told("die", exitCode="9" * 5000) == "died"
    assert told("die", exitCode="\u0663") == "died"
    found = read_event(message("create", **{labels.MAKER: "\x1b\n"}), "shop", {})
    assert found
    assert json.dumps(event_document("shop", found), ensure_ascii=False).isprintable()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {**message(), "Actor": None},
        {**message(), "Action": 3},
        {**message(), "timeNano": "soon"},
        {**message(), "Actor": {"ID": ID, "Attributes": [1]}},
        message(**{labels.SANDBOX: "\x1b[2J"}),
        message(**{labels.STACK: "other"}),
        message(**{labels.ROLE: "builder"}),
        message("exec_create: sh"),
    ],
)
def test_what_nobody_can_make_sense_of_is_left_out(broken: Any) -> None:
    assert read_event(broken, "shop", {}) is None


def test_each_of_what_is_done_within_one_second_is_told() -> None:
    engine = MemoryEngine(images=["base:1"])
    engine.now = now = int(time.time())
    box = Sandbox(name="web", group="web", image="base:1", networks=())
    stack = Stack(name="shop", sandboxes={"web": box})
    list(execution.apply(engine, planning.plan(engine, stack), Interrupt()))
    (live,) = engine.observe(stack).sandboxes
    engine.note_hold("shop", "web", live.id, Hold(state="paused", user="me", since=now))
    engine.pause_container(live.id)
    engine.unpause_container(live.id)
    engine.note_hold("shop", "web", live.id, Hold(state="stopped", user="me", since=now, killed=True))
    engine.stop_container(live.id, 0)
    engine.start_container(live.id)
    # By hand, and nobody has said why.
    engine.stop_container(live.id, 0)
    told = [(one.kind, one.by) for one in read_events(engine, stack, ()) if one.kind in ("paused", "died")]
    assert told == [("paused", "me"), ("died", "me"), ("died", "")]
