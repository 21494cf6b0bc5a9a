"""Services that end: again and again, at once, or while others wait for them. The end state counts, not a moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.test_replace import Bench
from tests.gates import open_gate

pytestmark = pytest.mark.engine

STAY = {"command": ["sleep", "1000"]}
LOOP = {"command": ["sh", "-c", "echo cannot find the thing; sleep 0.3; exit 3"], "restart": "always"}


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire, networks=[])
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def list_steps(events: str, kind: str) -> set[str]:
    found = [json.loads(line) for line in events.splitlines() if line.startswith('{"')]
    return {event["step"] for event in found if event.get("event") == kind}


def test_an_apply_fails_over_it_with_its_log(bench: Bench) -> None:
    bench.write({"web": LOOP, "other": STAY})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1, done.stdout
    assert "web: it exited" in done.stderr
    assert "the engine keeps restarting it" in done.stderr
    assert "cannot find the thing" in done.stderr
    assert "web: done" not in done.stderr


def test_plan_drift_and_status_see_it_whenever_they_look(bench: Bench) -> None:
    bench.write({"web": LOOP})
    bench.run("apply", "--yes")
    for _ in range(3):
        planned = bench.run("plan")
        assert "it keeps restarting" in planned.stdout, planned.stdout
        assert "times so far" in planned.stdout or "once so far" in planned.stdout
    assert bench.run("drift").returncode != 0
    assert "it keeps restarting" in bench.run("drift").stdout
    shown = bench.run("status").stdout
    assert "restarting (" in shown, shown
    (told,) = json.loads(bench.run("status", "--json").stdout)["sandboxes"]
    assert told["state"] == "restarting"
    assert told["restarts"] > 0
    # Each apply tries, and says the same.
    again = bench.run("apply", "--yes")
    assert again.returncode == 1
    assert "the engine keeps restarting it" in again.stderr


def test_nobody_starts_over_it(bench: Bench) -> None:
    bench.write({"db": LOOP})
    bench.run("apply", "--yes")
    bench.write({"db": LOOP, "api": {**STAY, "depends_on": ["db"]}})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert bench.container("api")["State"]["Status"] == "created"


def test_a_new_one_that_ends_again_and_again_does_not_come_in_the_place_of_the_old(bench: Bench) -> None:
    bench.write({"web": {**STAY, "restart": "always"}})
    bench.apply()
    before = bench.container("web")["Id"]
    bench.write({"web": LOOP})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1, done.stdout
    assert "cannot find the thing" in done.stderr
    assert (bench.container("web")["Id"], bench.container("web")["State"]["Status"]) == (before, "running")


def test_one_that_recovers_is_as_it_should_be(bench: Bench) -> None:
    once = "test -e /tmp/been && exec sleep 1000; touch /tmp/been; exit 1"
    bench.write({"web": {"command": ["sh", "-c", once], "restart": "always", "health": {"command": "true"}}})
    bench.apply()
    assert bench.container("web")["RestartCount"] in (0, 1)
    assert bench.container("web")["State"]["Running"]


def test_one_that_ends_before_it_is_healthy_again_and_again_is_not_waited_for_to_the_end(bench: Bench) -> None:
    probe = {"command": "false", "start_period": "1h"}
    bench.write({"web": {"command": ["sh", "-c", "echo no config; exit 3"], "restart": "always", "health": probe}})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert "times before it was healthy" in done.stderr
    assert "no config" in done.stderr


@pytest.mark.parametrize("restart", ["no", "always"])
def test_no_step_is_done_and_then_failed(bench: Bench, restart: str) -> None:
    bench.write({"web": {"command": ["sh", "-c", "exit 3"], "restart": restart}, "other": STAY})
    done = bench.run("apply", "--yes", "--json")
    assert done.returncode == 1
    failed = list_steps(done.stdout, "failed")
    assert failed
    assert not failed & list_steps(done.stdout, "done")


def test_one_that_ends_with_0_gets_the_hint_each_time(bench: Bench) -> None:
    bench.write({"web": {"command": ["sh", "-c", "echo all done"]}})
    for _ in range(2):
        done = bench.run("apply", "--yes")
        assert done.returncode == 1
        assert "where it is meant to end, say `kind: task`" in done.stderr
    assert "where it is meant to end, say `kind: task`" in bench.run("plan").stdout
    slow = {"web": {"command": ["sh", "-c", "sleep 1"]}}
    bench.write(slow)
    for _ in range(2):
        bench.run("apply", "--yes")
        bench.wire.post(f"/containers/{bench.container('web')['Id']}/wait")
        assert "where it is meant to end, say `kind: task`" in bench.run("plan").stdout


def test_who_depends_on_one_that_died_meanwhile_does_not_start(bench: Bench) -> None:
    """`db` is believed to have started, and ends while `slow` holds `api` up."""
    told = "until test -e /go; do sleep 0.05; done"
    stack: dict[str, Any] = {
        "db": {"command": ["sh", "-c", f"{told}; echo out of space; exit 5"]},
        "slow": {"kind": "task", "command": ["sh", "-c", told]},
        "api": {**STAY, "depends_on": {"db": {"condition": "started"}, "slow": {"condition": "completed"}}},
    }
    bench.write(stack)
    process = bench.begin_apply()
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if "sandbox:db:start" in list_steps(line, "done"):
            end(bench, "db")
            end(bench, "slow")
    assert process.wait() == 1
    assert bench.container("api")["State"]["Status"] == "created"
    assert "api: not started, because db, which it depends on, has exited with code 5" in said
    assert "sandbox:db:start" in list_steps(said, "done")
    assert "sandbox:db:start" not in list_steps(said, "failed")


def end(bench: Bench, sandbox: str) -> None:
    """Tell one that waits for that to end, and wait until it has."""
    container = bench.container(sandbox)["Id"]
    open_gate(container)
    bench.wire.post(f"/containers/{container}/wait")
