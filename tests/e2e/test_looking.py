"""Verbs that look at what lives and change nothing, on one stack; what they say is held against what Docker says."""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.e2e.test_run import NEXUSCTL, PATIENCE, Bench

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("looking"), f"test-{uuid.uuid4().hex[:10]}", base_image, wire)
    made.write(web=made.box(replicas=2), job=made.task("true"))
    for way in ([], ["--instance", "second"]):
        made.run("apply", "--yes", *way)
    yield made
    for name in (made.stack, f"{made.stack}.second"):
        command = [*NEXUSCTL, "destroy", "--yes", "--volumes", "--ignore-missing", "--stack", name]
        prestarted.run(command, cwd=made.folder, capture_output=True, check=False)


def docker(*words: str) -> list[str]:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.splitlines()


def test_ls_lists_all_stacks_with_their_instances_age_owner_and_state(bench: Bench) -> None:
    folder = bench.folder / "elsewhere"
    folder.mkdir()
    marked = docker(
        "ps", "-a", "--filter", "label=dev.nexusctl.role=sandbox", "--format", '{{.Label "dev.nexusctl.stack"}}'
    )
    out = prestarted.run([*NEXUSCTL, "ls", "--json"], cwd=folder, capture_output=True, text=True, check=True).stdout
    listed = {one["name"]: one for one in json.loads(out)["stacks"]}
    # Others come and go meanwhile.
    assert {name for name in marked if name.startswith(bench.stack)} <= listed.keys()
    for name, instance in ((bench.stack, ""), (f"{bench.stack}.second", "second")):
        one = listed[name]
        assert (one["stack"], one["instance"], one["sandboxes"]) == (bench.stack, instance, 3)
        assert (one["states"], one["owners"]) == (
            {"exited": 1, "running": 2},
            [f"{getpass.getuser()}@{socket.gethostname()}"],
        )
        first = docker("inspect", "--format", "{{.Created}}", f"{name}_job", f"{name}_web-1", f"{name}_web-2")
        assert one["created_at"][:19] == min(first)[:19].replace("T", " ")
    text, _ = bench.run("ls", f"{bench.stack}*")
    head, *rows = text.splitlines()
    assert head.split() == ["STACK", "INSTANCE", "SANDBOXES", "STATE", "AGE", "OWNER"]
    assert [(row.split()[:2], "exited (1), running (2)" in row) for row in rows] == [
        ([bench.stack, "-"], True),
        ([bench.stack, "second"], True),
    ]
    assert f"did you mean `{bench.stack}`?" in bench.run("ls", f"{bench.stack}x", code=1)[1]


def test_ls_and_status_tell_who_holds_a_lock_and_what_is_stopped_on_purpose(bench: Bench) -> None:
    name, me = f"{bench.stack}.second", getpass.getuser()
    bench.run("stop", "web-2", "--stack", name)
    marks = {"stack": name, "role": "lock", "lock.owner": "x", "lock.user": "ann", "lock.host": "far", "lock.pid": "7"}
    marks |= {"lock.command": "nexusctl apply", "lock.since": "1700000000.5"}
    docker("volume", "create", *(f"--label=dev.nexusctl.{k}={v}" for k, v in marks.items()), f"nexusctl_lock_{name}")
    lock = {
        "user": "ann",
        "host": "far",
        "pid": 7,
        "command": "nexusctl apply",
        "since": "2023-11-14 22:13:20Z",
        "dead": False,
    }
    try:
        free, locked = json.loads(bench.run("ls", "--json", f"{bench.stack}*")[0])["stacks"]
        assert (free["lock"], free["held"]) == (None, [])
        assert (locked["lock"], locked["states"]) == (lock, {"exited": 2, "running": 1})
        (held,) = locked["held"]
        assert (held["sandbox"], held["state"], held["user"], held["by_lifetime"]) == ("web-2", "stopped", me, False)
        head, first, second = bench.run("ls", f"{bench.stack}*")[0].splitlines()
        assert head.split()[-1] == "LOCK"
        assert first.split()[-1] == "-"
        assert f"exited (1), running (1), stopped by {me} (1)" in second
        assert "ann@far (pid 7, nexusctl apply) since 20" in second
        found = json.loads(bench.run("status", "--json", "--stack", name)[0])
        assert found["lock"] == lock
        out, err = bench.run("status", "--stack", name)
        assert f"stopped by {me}" in out
        assert f"Stack {name} is being changed by ann@far (pid 7, nexusctl apply) since 20" in err
    finally:
        docker("volume", "rm", f"nexusctl_lock_{name}")
        bench.run("start", "web-2", "--stack", name)
    assert json.loads(bench.run("status", "--json")[0])["lock"] is None
    assert bench.run("status")[1] == ""


def stats_of(wire: Wire, container: str) -> dict[str, Any]:
    found: dict[str, Any] = wire.get(f"/containers/{container}/stats", {"stream": False, "one-shot": True})
    return found


def test_stats_tell_what_the_engine_counts(bench: Bench) -> None:
    web = f"{bench.stack}_web-1"
    before = stats_of(bench.wire, web)
    sample = json.loads(bench.run("stats", "--once", "--json", "--interval", "1s")[0])
    after = stats_of(bench.wire, web)
    assert sample["stack"] == bench.stack
    found = {one["name"]: one for one in sample["sandboxes"]}
    assert sorted(found) == ["job", "web-1", "web-2"]
    assert (found["job"]["state"], found["job"]["memory"]) == ("exited", None)
    one = found["web-1"]
    used = [stats["cpu_stats"]["cpu_usage"]["total_usage"] / 10**9 for stats in (before, after)]
    assert used[0] <= one["cpu_seconds"] <= used[1]
    assert one["cpu_percent"] > 0
    (limit,) = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", web)
    assert one["memory_limit"] == after["memory_stats"]["limit"]
    assert 0 < one["memory"] <= after["memory_stats"]["max_usage"], limit
    received = [stats["networks"]["eth0"]["rx_bytes"] for stats in (before, after)]
    assert received[0] <= one["network_received"] <= received[1]
    assert one["pids"] >= 1
    text, _ = bench.run("stats", "--once", "--interval", "100ms", "web-[12]")
    assert [row.split()[0] for row in text.splitlines()] == ["SANDBOX", "web-1", "web-2"]
    assert "did you mean `web-1`?" in bench.run("stats", "--once", "wbe-1", code=1)[1]


def test_stats_tell_who_has_stopped_a_sandbox_on_purpose(bench: Bench) -> None:
    way = ("--stack", f"{bench.stack}.second")
    bench.run("pause", "web-1", *way)
    try:
        found = json.loads(bench.run("stats", "web-*", "--once", "--json", "--interval", "100ms", *way)[0])["sandboxes"]
        held = [one["held"] for one in found]
        assert (held[0]["state"], held[0]["user"], held[1]) == ("paused", getpass.getuser(), None)
        text, _ = bench.run("stats", "--once", "--interval", "100ms", "web-1", *way)
        assert f"paused by {getpass.getuser()}" in text
    finally:
        bench.run("resume", "web-1", *way)


def test_a_shell_is_told_the_names_of_what_lives_and_of_what_is_declared(bench: Bench) -> None:
    """Declared are `web` and `job`; the replicas live."""

    def ask(line: str, folder: Path) -> list[str]:
        word = line.rpartition(" ")[2]
        env = {**os.environ, "COMP_LINE": line, "COMP_CUR": word, "_NEXUSCTL_COMPLETE": "bash_complete"}
        done = subprocess.run(NEXUSCTL, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return [found.removeprefix("plain,") for found in done.stdout.split()]

    def tell(line: str, folder: Path, *names: str) -> None:
        """It is asked again where the engine did not answer within the second that somebody waits."""
        deadline = time.monotonic() + PATIENCE
        while (found := ask(line, folder)) != [*names]:
            assert time.monotonic() < deadline, (line, found)
            assert {*found} < {*names}, (line, found)

    nowhere = bench.folder / "no-file"
    nowhere.mkdir()
    for verb in ("logs", "stop", "exec", "extend", "explain", "stats"):
        tell(f"nexusctl {verb} w", bench.folder, "web", "web-1", "web-2")
    for verb in ("logs", "restart", "exec", "extend"):
        tell(f"nexusctl {verb} --stack {bench.stack} w", nowhere, "web-1", "web-2")
    tell(f"nexusctl logs --stack {bench.stack}", nowhere, bench.stack, f"{bench.stack}.second")
    assert ask("nexusctl logs w", nowhere) == []


def test_stats_go_on_with_what_joins_until_they_are_stopped(bench: Bench) -> None:
    watching = bench.begin("stats", "web-*", "--json", "--interval", "100ms", "--instance", "second")
    assert watching.stdout
    first = json.loads(watching.stdout.readline())
    assert [one["name"] for one in first["sandboxes"]] == ["web-1", "web-2"]
    docker("rm", "-f", f"{bench.stack}.second_web-2")
    names = [""]
    while names != ["web-1"]:
        names = [one["name"] for one in json.loads(watching.stdout.readline())["sandboxes"]]
    bench.run("apply", "--yes", "--instance", "second")
    while names != ["web-1", "web-2"]:
        names = [one["name"] for one in json.loads(watching.stdout.readline())["sandboxes"]]
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 130


def test_top_lists_what_docker_lists(bench: Bench) -> None:
    text, _ = bench.run("top", "web-1")
    said = docker("top", f"{bench.stack}_web-1")
    titles, rows = said[0].split(), [line.split(None, len(said[0].split()) - 1) for line in said[1:]]
    assert text.splitlines()[0].split() == titles
    listed = json.loads(bench.run("top", "web-1", "--json")[0])
    assert (listed["sandbox"], list(listed["processes"][0])) == ("web-1", [title.lower() for title in titles])
    # What the shell starts comes and goes.
    lasting = {(row[1], row[-1]) for row in rows if "while" in row[-1]}
    assert lasting
    assert lasting <= {(one["pid"], one["cmd"]) for one in listed["processes"]}
    assert "is exited" in bench.run("top", "job", code=1)[1]


LOUD = "trap 'exit 0' TERM; echo up $HOSTNAME; echo bad >&2; while :; do sleep 0.1; done"


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("loud"), f"test-{uuid.uuid4().hex[:10]}", base_image, wire)
    made.write(web=made.box(command=LOUD, replicas=2), job=made.task("echo worked"))
    made.run("apply", "--yes")
    yield made
    made.run("destroy", "--yes", "--stack", made.stack)


def test_logs_take_names_globs_and_timestamps(loud: Bench) -> None:
    out, err = loud.run("logs", "web-*")
    assert [line.split()[:3] for line in out.splitlines()] == [["web-1", "|", "up"], ["web-2", "|", "up"]]
    assert err.splitlines() == ["web-1 | bad", "web-2 | bad"]
    assert loud.run("logs", "web")[0] == out
    assert loud.run("logs", "job")[0] == "worked\n"
    when, text = loud.run("logs", "job", "-t")[0].split()
    said = docker("logs", "-t", f"{loud.stack}_job")[0].split()
    # A clock here has six digits, of which the last may be off by one, and the engine's has nine.
    apart = datetime.fromisoformat(when) - datetime.fromisoformat(f"{said[0][:26]}Z")
    assert (abs(apart.total_seconds()) < 5e-6, text) == (True, "worked")
    assert when.endswith("Z")
    listed = json.loads(loud.run("logs", "job", "--json")[0])
    assert listed == {"sandbox": "job", "stream": "stdout", "time": when, "line": "worked"}
    assert "did you mean `web-1`?" in loud.run("logs", "wbe-1", code=1)[1]


def test_followed_logs_go_on_with_what_joins_is_made_anew_and_starts_again(loud: Bench) -> None:
    reader = loud.begin("logs", "web", "--follow", "--json")
    assert reader.stdout

    def read() -> tuple[str, str]:
        line = {"stream": "stderr"}
        while line["stream"] == "stderr":
            line = json.loads(reader.stdout.readline())  # type: ignore[union-attr]
        return line["sandbox"], line["line"]

    assert sorted(name for name, _ in (read(), read())) == ["web-1", "web-2"]
    loud.run("scale", "web=3", "--yes")
    joined = read()
    assert joined[0] == "web-3"
    loud.run("restart", "web-3")
    assert read() == joined
    loud.run("apply", "--yes", "--replace", "web-2")
    assert read()[0] == "web-2"
    loud.run("stop", "web")
    out, err = reader.communicate(timeout=PATIENCE)
    assert (reader.returncode, [line for line in out.splitlines() if '"stdout"' in line]) == (0, []), err
