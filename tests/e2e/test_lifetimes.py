"""Sandboxes that end when their time is over: by `reap`, after what is asked of each first. Docker tells."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from tests.daemon.layers import lay_images
from tests.daemon.test_engine_daemon import open_place
from tests.e2e.test_states import Bench, bench

__all__ = ["bench"]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]

MAIN = "trap 'echo term; exit 0' TERM; touch /ready; while :; do sleep 0.1; done"
READY = {"command": ["test", "-e", "/ready"], "interval": "200ms", "timeout": "60s", "retries": 600}


@pytest.fixture(scope="module")
def engine_url(tmp_path_factory: pytest.TempPathFactory, base_image: str, wire: Wire) -> Iterator[str]:
    """An engine of its own, as whoever reaps ends what is over of all stacks, those of these tests, too."""
    with open_place(tmp_path_factory.mktemp("d")) as place:
        lay_images(wire, place.folder / "data", base_image)
        assert place.start().returncode == 0
        yield place.url


@pytest.fixture(autouse=True)
def own_engine(engine_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_url)


def live(bench: Bench, **more: Any) -> dict[str, Any]:
    """One that says how it ends, and whose time is over by now."""
    said = "echo before > /proc/1/fd/1"
    return bench.box(command=MAIN, health=READY, pre_stop=said, stop_grace_period="30s", timeout=1) | more


def reap(bench: Bench, *flags: str) -> str:
    """Only the words on this stack: others end as well."""
    said = bench.run("reap", "--json", *flags)
    return "\n".join(line for line in said.splitlines() if bench.stack in line)


def statuses(bench: Bench) -> dict[str, dict[str, Any]]:
    return {found["name"]: found for found in json.loads(bench.run("status", "--json"))["sandboxes"]}


def apply(bench: Bench) -> None:
    bench.write()
    bench.run("apply", "--yes")
    time.sleep(3)


def test_each_ends_as_it_is_to_and_stays_so(bench: Bench) -> None:
    bench.sandboxes = {
        "a": live(bench),
        "b": live(bench, on_expire="pause"),
        "c": live(bench, on_expire="destroy"),
        "d": live(bench, timeout="2h"),
        "e": live(bench, restart="always"),
    }
    apply(bench)
    assert "Expired: " in bench.run("plan")
    assert '"action": "remove"' in reap(bench, "--dry-run").replace('":"', '": "')
    assert [bench.state(name) for name in "abcde"] == ["running"] * 5
    reap(bench)
    assert [bench.state(name) for name in "abde"] == ["exited", "paused", "running", "exited"]
    for name in "ae":
        assert bench.docker("logs", f"{bench.stack}_{name}") == "before\nterm"
    assert bench.docker("ps", "-aq", "--filter", f"name=^{bench.stack}_c$") == ""
    found = statuses(bench)
    assert [name for name in found if found[name]["expired"]] == ["a", "b", "c", "e"]
    assert found["a"]["held"]["by_lifetime"]
    told = json.loads(bench.run("history", "--json"))["history"]
    assert {(one["sandbox"], one["what"], one["cause"]) for one in told if one["what"] != "created"} == {
        ("a", "stopped", "lifetime"),
        ("b", "paused", "lifetime"),
        ("c", "destroyed", "lifetime"),
        ("e", "stopped", "lifetime"),
    }
    assert "stopped: its lifetime was over" in bench.run("history", "a")
    plan = bench.plan()
    assert [(change["action"], change["name"], change["cause"]) for change in plan["changes"]][:1] == [
        ("create", "c", "expired")
    ]
    assert [(held["name"], held["expired"]) for held in plan["held"]] == [("a", True), ("b", True), ("e", True)]
    before = [bench.docker("inspect", "-f", "{{.Id}}", f"{bench.stack}_{n}") for n in "ab"]
    assert reap(bench) == ""
    bench.run("apply", "--yes", "--start-stopped")
    assert [bench.state(name) for name in "abcde"] == ["exited", "paused", "running", "running", "exited"]
    assert [bench.docker("inspect", "-f", "{{.Id}}", f"{bench.stack}_{n}") for n in "ab"] == before
    assert "the lifetime of a is over" in bench.run("start", "a", code=1)


def test_a_longer_lifetime_in_the_file_lets_it_go_on(bench: Bench) -> None:
    bench.sandboxes = {"a": live(bench)}
    apply(bench)
    reap(bench)
    assert bench.plan()["empty"]
    bench.sandboxes["a"]["timeout"] = "2h"
    bench.write()
    bench.run("apply", "--yes")
    assert bench.state("a") == "running"
    assert "expires in 1 h" in bench.run("status")
    assert reap(bench) == ""


def test_dependents_end_before_what_they_depend_on(bench: Bench) -> None:
    note = "trap 'date +%s%N; exit 0' TERM; touch /ready; while :; do sleep 0.1; done"
    bench.sandboxes = {
        "a": live(bench, command=note, pre_stop="true"),
        "b": live(bench, command=note, pre_stop="true", depends_on=["a"]),
    }
    apply(bench)
    reap(bench)
    assert int(bench.docker("logs", f"{bench.stack}_b")) < int(bench.docker("logs", f"{bench.stack}_a"))


def test_a_stack_that_is_locked_has_its_turn_the_next_time(bench: Bench) -> None:
    bench.sandboxes = {"a": live(bench)}
    apply(bench)
    name, mark = f"nexusctl_lock_{bench.stack}", f"dev.nexusctl.stack={bench.stack}"
    marks = [f"--label={mark}", "--label=dev.nexusctl.role=lock", "--label=dev.nexusctl.lock.owner=x"]
    bench.docker("volume", "create", *marks, name)
    assert "its turn comes the next time" in bench.run("reap")
    assert bench.state("a") == "running"
    bench.docker("volume", "rm", name)
    reap(bench)
    assert bench.state("a") == "exited"


def test_a_forged_container_ends_nothing_of_the_stack(bench: Bench) -> None:
    bench.sandboxes = {"a": live(bench, timeout="2h")}
    apply(bench)
    record = json.dumps({"version": 1, "sandbox": {"name": "a", "group": "a", "image": bench.image, "timeout": -5}})
    forged = f"{bench.stack}-forged-{os.getpid()}"
    labels = {"stack": bench.stack, "role": "sandbox", "sandbox": "a", "record": record}
    words = [f"--label=dev.nexusctl.{key}={value}" for key, value in labels.items()]
    bench.docker("run", "-d", "--name", forged, *words, bench.image, "sleep", "infinity")
    try:
        reap(bench)
        assert bench.state("a") == "running"
        assert bench.docker("inspect", "-f", "{{.State.Status}}", forged) == "running"
    finally:
        bench.docker("rm", "-f", forged)


def test_who_extends_a_lifetime_changes_no_plan_and_nothing_ends_before(bench: Bench) -> None:
    bench.sandboxes = {
        "a": live(bench, metadata={"team": "x"}),
        "b": live(bench),
        "c": live(bench, on_expire="destroy"),
        "d": bench.box(),
    }
    apply(bench)
    before = bench.docker("inspect", "-f", "{{.Id}}", f"{bench.stack}_a")
    assert "a  will live longer" in bench.run("extend", "--metadata", "team=x", "1h")
    # A quick machine is there within the second by which it is longer than an hour.
    assert re.search("expires in (59 min|1 h)", bench.run("extend", "a", "1s") + bench.run("status"))
    assert bench.plan()["empty"]
    (one,) = (one for one in json.loads(bench.run("history", "a", "--json"))["history"] if one["what"] == "extended")
    assert (one["user"], one["at"] < one["until"]) == (getpass.getuser(), True)
    reap(bench)
    assert [bench.state(name) for name in "ab"] == ["running", "exited"]
    assert bench.docker("inspect", "-f", "{{.Id}}", f"{bench.stack}_a") == before
    assert "c was destroyed at 2" in bench.run("extend", "c", "2h", code=1)
    assert "d has no lifetime that could be longer" in bench.run("extend", "d", "2h", code=1)
    assert "warning: d has no lifetime that could be longer" in bench.run("extend", "d*", "2h")
    assert "no sandbox is called z*" in bench.run("extend", "z*", "2h", code=1)
    assert "`nexusctl start b` or the next apply lets it go on" in bench.run("extend", "b", "2h")
    bench.run("start", "b")
    assert bench.state("b") == "running"
    assert reap(bench) == ""
    # A newer record leaves the word as it is, and a new container has the lifetime of the file.
    bench.sandboxes["a"]["on_expire"] = "pause"
    bench.sandboxes["b"]["env"] = {"X": "1"}
    bench.write()
    bench.run("apply", "--yes", "--target", "a", "--target", "b")
    found = statuses(bench)
    assert not found["a"]["expired"]
    kept = bench.docker("volume", "ls", "-q", "--filter", f"label=dev.nexusctl.stack={bench.stack}")
    assert kept.count("nexusctl_extension_") == 1
    time.sleep(3)
    reap(bench)
    assert [bench.state(name) for name in "ab"] == ["running", "exited"]


def test_what_a_killed_run_has_left_is_removed_with_its_volumes(bench: Bench) -> None:
    mark = bench.folder / "begun"
    bench.sandboxes = {"a": bench.box(volumes=["data:/data"])}
    document = {"name": bench.stack, "sandboxes": bench.sandboxes, "volumes": {"data": {}}}
    (bench.folder / "nexus.yaml").write_text(json.dumps(document))
    own = ["--filter", f"label=dev.nexusctl.stack={bench.stack}"]
    command = [sys.executable, "-m", "nexusctl", "run", "sh", "-c", f"echo $$ > {mark}; exec sleep 300"]
    run = subprocess.Popen(command, cwd=bench.folder)
    while not (mark.exists() and mark.read_text().endswith("\n")):
        assert run.poll() is None
        time.sleep(0.1)
    # One that goes on is left alone.
    assert reap(bench) == ""
    run.kill()
    run.wait()
    os.kill(int(mark.read_text()), signal.SIGKILL)
    words = f"Stack {bench.stack} is what a run has left that was killed here."
    assert words in bench.run("reap", "--dry-run")
    assert bench.state("a") == "running"
    assert words in bench.run("reap")
    assert bench.docker("ps", "-aq", *own) == bench.docker("volume", "ls", "-q", *own) == ""
    assert reap(bench) == ""
