"""A label that is called as the exit code in the engine's events says nothing about how a container ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run
from nexusctl.engine.docker.objects.ended_tasks import has_ended_well
from nexusctl.engine.docker.objects.stop import restart_container
from nexusctl.engine.docker.overview.happened import read_clock, read_events
from nexusctl.errors import NotFound

pytestmark = pytest.mark.engine

LABEL = "exitCode"


@pytest.fixture
def made(wire: Wire, stack_name: str) -> Iterator[str]:
    yield stack_name
    with contextlib.suppress(NotFound):
        wire.delete(f"/containers/{stack_name}", {"force": True})


def start(wire: Wire, name: str, image: str, script: str, **more: str) -> str:
    marks = {labels.STACK: name, labels.SANDBOX: "job", labels.ROLE: "sandbox", labels.RECORD: "{}", **more}
    body = {"Image": image, "Cmd": ["sh", "-c", script], "Labels": marks}
    key: str = wire.post("/containers/create", body, {"name": name})["Id"]
    wire.post(f"/containers/{key}/start")
    return key


@pytest.mark.parametrize(
    ("script", "hidden", "well"),
    [("exit 0", {}, True), ("exit 3", {}, False), ("exit 3", {LABEL: "0"}, False), ("exit 0", {LABEL: "0"}, False)],
)
def test_of_a_task_that_others_have_removed(
    wire: Wire, made: str, base_image: str, script: str, hidden: dict[str, str], well: bool
) -> None:
    since = read_clock(wire)
    key = start(wire, made, base_image, script, **hidden)
    wire.post(f"/containers/{key}/wait")
    (ended,) = (one for one in read_events(wire, made, {}, since, read_clock(wire)) if one.kind == "died")
    assert ended.exit_code == (None if hidden else int(script.removeprefix("exit ")))
    wire.delete(f"/containers/{key}")
    assert has_ended_well(wire, key) is well


def test_of_what_had_to_be_killed_at_a_restart(wire: Wire, made: str, base_image: str) -> None:
    key = start(wire, made, base_image, "trap '' TERM; touch /ready; while :; do sleep 0.1; done", **{LABEL: "0"})
    run(wire, key, ("sh", "-c", "until test -e /ready; do sleep 0.1; done"))
    assert restart_container(wire, key, 1) == 1
