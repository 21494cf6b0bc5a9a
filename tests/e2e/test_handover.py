"""Volumes and folders that pass from one sandbox to another: nobody starts on what another one still writes to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.e2e.test_replace import Bench

pytestmark = pytest.mark.engine

WRITER = r"""
note() { echo "$1 $WHO" >> "$2/log"; }
trap 'sleep 2; for folder in $FOLDERS; do note end $folder; done; exit 0' TERM
for folder in $FOLDERS; do note begin $folder; done
while :; do sleep 0.1; done
"""

POSTGRES = r"""
docker-entrypoint.sh postgres &
server=$!
trap 'sleep 4; kill -TERM "$server"' TERM
while kill -0 "$server" 2>/dev/null; do wait "$server"; done
"""


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire, networks=[])
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def writer(who: str, *folders: str, **fields: Any) -> dict[str, Any]:
    """One that writes down, wherever it writes, when it begins and when it ends."""
    env = {"WHO": who, "FOLDERS": " ".join(folders)}
    return {"command": ["bash", "-c", WRITER], "env": env, **fields}


def read_log(bench: Bench, sandbox: str, folder: str) -> list[str]:
    return bench.run("exec", sandbox, "cat", f"{folder}/log").stdout.split("\n")[:-1]


def test_a_database_that_is_renamed_keeps_its_data(bench: Bench, template_images: None) -> None:
    database = {
        "template": "postgres",
        "command": ["bash", "-c", POSTGRES],
        "env": {"POSTGRES_PASSWORD": "secret"},
        "volumes": ["data:/var/lib/postgresql/data"],
    }
    bench.image = ""
    volumes = {"data": {}}
    bench.write({"db": database}, volumes=volumes)
    bench.apply()
    fill = "CREATE TABLE kept AS SELECT generate_series(1, 50000) AS number"
    assert "SELECT 50000" in bench.run("exec", "db", "psql", "-U", "postgres", "-c", fill).stdout
    bench.write({"database": {**database, "env": {**database["env"], "RENAMED": "yes"}}}, volumes=volumes)
    assert "it ends before database starts, which gets its volume data" in bench.run("plan").stdout
    bench.apply()
    count = bench.run("exec", "database", "psql", "-U", "postgres", "-At", "-c", "SELECT count(*) FROM kept")
    assert count.stdout == "50000\n"
    log = bench.run("logs", "database")
    assert "database system was shut down at" in log.stdout + log.stderr
    assert bench.is_empty()


def test_two_that_swap_their_volumes_have_both_ended_before_one_starts(bench: Bench) -> None:
    volumes = {"red": {}, "blue": {}}
    bench.write(
        {
            "one": writer("one", "/data", volumes=["red:/data"]),
            "two": writer("two", "/data", volumes=["blue:/data"]),
        },
        volumes=volumes,
    )
    bench.apply()
    bench.write(
        {
            "one": writer("one again", "/data", volumes=["blue:/data"]),
            "two": writer("two again", "/data", volumes=["red:/data"]),
        },
        volumes=volumes,
    )
    bench.apply()
    assert read_log(bench, "two", "/data") == ["begin one", "end one", "begin two again"]
    assert read_log(bench, "one", "/data") == ["begin two", "end two", "begin one again"]
    assert bench.is_empty()


def test_a_folder_of_this_machine_passes_to_one_that_has_the_folder_around_it(bench: Bench, tmp_path: Path) -> None:
    inner = tmp_path / "bound" / "inner"
    inner.mkdir(parents=True)
    bench.write({"one": writer("one", "/data", volumes=[f"{inner}:/data"])})
    bench.apply()
    bench.write({"two": writer("two", "/data/inner", volumes=[f"{inner.parent}/../bound:/data"])})
    bench.apply()
    assert (inner / "log").read_text().split("\n") == ["begin one", "end one", "begin two", ""]


@pytest.mark.parametrize("first", ["folder", "link"])
def test_a_folder_passes_to_one_that_has_it_by_a_link(bench: Bench, tmp_path: Path, first: str) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to("folder")
    second = {"folder": "link", "link": "folder"}[first]
    bench.write({"one": writer("one", "/data", volumes=[f"{tmp_path / first}:/data"])})
    bench.apply()
    bench.write({"two": writer("two", "/data", volumes=[f"{tmp_path / second}:/data"])})
    bench.apply()
    assert (folder / "log").read_text().split("\n") == ["begin one", "end one", "begin two", ""]


def test_one_that_is_started_again_waits_for_the_one_that_goes(bench: Bench) -> None:
    volumes = {"data": {}}
    both = {name: writer(name, "/data", volumes=["data:/data"]) for name in ("one", "two")}
    bench.write(both, volumes=volumes)
    bench.apply()
    stopped = bench.container("two")["Id"]
    subprocess.run(["docker", "stop", stopped], check=True, capture_output=True)
    bench.write({"two": both["two"]}, volumes=volumes)
    bench.apply()
    assert bench.container("two")["Id"] == stopped
    assert read_log(bench, "two", "/data")[-3:] == ["end two", "end one", "begin two"]


def test_one_that_is_to_be_stopped_has_ended_before_another_starts_on_its_volume(bench: Bench) -> None:
    def stack(running: str) -> dict[str, Any]:
        states = {name: "running" if name == running else "stopped" for name in ("blue", "green")}
        return {
            name: writer(name, "/data", volumes=["data:/data"], state=state, stop_grace_period=20)
            for name, state in states.items()
        }

    bench.write(stack("blue"), volumes={"data": {}})
    bench.apply()
    bench.write(stack("green"), volumes={"data": {}})
    assert "it ends before green starts, which gets its volume data" in bench.run("plan").stdout
    bench.apply()
    assert read_log(bench, "green", "/data") == ["begin blue", "end blue", "begin green"]
    assert bench.is_empty()


def test_those_that_the_file_lets_share_a_volume_run_beside_each_other(bench: Bench) -> None:
    volumes = {"data": {}}
    one, two = (writer(name, "/data", volumes=["data:/data"]) for name in ("one", "two"))
    bench.write({"one": one}, volumes=volumes)
    bench.apply()
    bench.write({"one": one, "two": two}, volumes=volumes)
    bench.apply()
    assert read_log(bench, "one", "/data") == ["begin one", "begin two"]


def test_a_sandbox_that_lost_its_volume_and_fails_does_not_come_back_beside_the_one_that_has_it(bench: Bench) -> None:
    volumes = {"data": {}}
    bench.write({"one": writer("one", "/data", volumes=["data:/data"])}, volumes=volumes)
    bench.apply()
    bench.write(
        {
            "one": writer("one again", "/tmp", startup="until test -e /go; do sleep 0.05; done; exit 3"),
            "two": writer("two", "/data", volumes=["data:/data"]),
        },
        volumes=volumes,
    )
    process = bench.begin_apply()
    assert process.stdout
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        # It fails when the other one has what it had, and not before.
        if (events[-1]["event"], events[-1].get("step")) == ("done", "sandbox:two:start"):
            (new,) = (found["Id"] for found in bench.containers("one") if found["State"]["Running"])
            assert run_inside(bench.wire, new, ("touch", "/go")).exit_code == 0
    assert process.wait() == 1
    (problem,) = (event["problem"] for event in events if event["event"] == "failed")
    notes = [note["text"] for note in problem["notes"]]
    assert "the old container stays stopped: another sandbox has its volume or folder now" in notes
    assert bench.container("one")["State"]["Status"] == "exited"
    assert read_log(bench, "two", "/data") == ["begin one", "end one", "begin two"]
