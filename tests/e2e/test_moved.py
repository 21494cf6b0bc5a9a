"""A sandbox that is called otherwise keeps its container, its files and its volume, and is found by its new name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import STACK
from tests.e2e.test_replace import Bench

pytestmark = pytest.mark.engine

SERVER = r"""
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
  my $line = <$client>;
  print $client "HTTP/1.0 200 OK\r\n\r\nhere";
  close $client;
}
"""

CLIENT = r"""
use IO::Socket::INET;
$| = 1;
while (1) {
  my $found = gethostbyname("api");
  my $address = $found && join ".", unpack "C4", $found;
  my $socket = $address && IO::Socket::INET->new(PeerAddr => $address, PeerPort => 8080, Timeout => 5);
  my @lines;
  if ($socket) { print $socket "GET / HTTP/1.0\r\n"; @lines = <$socket> }
  print @lines ? "$lines[-1]\n" : "no answer\n";
}
"""


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def names(bench: Bench) -> dict[str, str]:
    """The ids of the stack's containers by what the engine calls them."""
    query = {"all": True, "filters": {"label": [f"{STACK}={bench.stack}", "dev.nexusctl.role=sandbox"]}}
    found = bench.wire.get("/containers/json", query)
    return {entry["Names"][0].removeprefix(f"/{bench.stack}_"): entry["Id"] for entry in found}


def finds(bench: Bench, sandbox: str, host: str) -> bool:
    return bench.run("exec", sandbox, "getent", "hosts", host).returncode == 0


def statuses(bench: Bench) -> dict[str, str]:
    found = json.loads(bench.run("status", "--json").stdout)["sandboxes"]
    return {status["name"]: status["state"] for status in found}


def test_a_renamed_sandbox_keeps_its_container_and_is_found_by_its_new_name(bench: Bench) -> None:
    volumes = {"data": {}}
    store = {"command": ["sleep", "infinity"], "volumes": ["data:/data"], "ports": [8080]}
    web = {"command": ["sleep", "infinity"], "depends_on": ["db"]}
    bench.write({"db": store, "web": web}, volumes=volumes)
    bench.apply()
    before = names(bench)
    assert bench.run("exec", "db", "sh", "-c", "echo kept > /root/note").returncode == 0
    web = {**web, "depends_on": ["database"]}
    bench.write({"database": store, "web": web}, volumes=volumes)
    assert "write `moved: [{from: db, to: database}]` in the stack file" in bench.run("plan").stdout
    bench.write({"database": store, "web": web}, volumes=volumes, moved=[{"from": "db", "to": "database"}])
    shown = bench.run("plan").stdout
    assert "it was db, and its container stays" in shown
    assert "2 to update" in shown
    assert "cuts open connections, and a host port without a number may change" in shown
    assert bench.run("drift").returncode == 0
    bench.apply()
    assert names(bench) == {"database": before["db"], "web": before["web"]}
    assert bench.run("exec", "database", "cat", "/root/note").stdout == "kept\n"
    assert finds(bench, "web", "database")
    assert bench.is_empty()
    assert statuses(bench) == {"database": "running", "web": "running"}
    # Without the entry as well.
    bench.write({"database": store, "web": web}, volumes=volumes)
    assert bench.is_empty()
    (port,) = bench.wire.get(f"/containers/{before['db']}/json")["NetworkSettings"]["Ports"]["8080/tcp"]
    assert port["HostPort"]
    bench.apply()
    assert bench.run("destroy", "--yes").returncode == 0
    assert names(bench) == {}


def test_a_new_name_survives_the_loss_of_the_record_that_has_it(bench: Bench) -> None:
    bench.write({"db": {"command": ["sleep", "infinity"]}})
    bench.apply()
    before = names(bench)["db"]
    bench.write({"database": {"command": ["sleep", "infinity"]}}, moved=[{"from": "db", "to": "database"}])
    bench.apply()
    kept = bench.wire.get("/volumes", {"filters": {"label": [f"{STACK}={bench.stack}"]}})["Volumes"] or []
    for volume in kept:
        if volume["Labels"].get("dev.nexusctl.role") == "amendment":
            removed = subprocess.run(["docker", "volume", "rm", volume["Name"]], capture_output=True, check=False)
            if removed.returncode:
                # Something keeps it from being pruned.
                return
    bench.write({"database": {"command": ["sleep", "infinity"]}})
    bench.apply()
    assert names(bench) == {"database": before}
    assert bench.is_empty()


def test_a_stopped_one_and_a_task_that_has_run_keep_their_containers(bench: Bench) -> None:
    task = {"kind": "task", "command": ["true"], "run": "once"}
    service = {"command": ["sleep", "infinity"]}
    bench.write({"load": task, "api": service})
    bench.apply()
    before = names(bench)
    subprocess.run(["docker", "stop", "-t", "0", before["api"]], check=True, capture_output=True)
    moved = [{"from": "load", "to": "fill"}, {"from": "api", "to": "server"}]
    bench.write({"fill": task, "server": service}, moved=moved)
    bench.apply()
    assert names(bench) == {"fill": before["load"], "server": before["api"]}
    assert statuses(bench) == {"fill": "exited", "server": "running"}
    assert finds(bench, "server", "server")
    assert bench.is_empty()


def test_an_apply_that_is_killed_on_the_way_leaves_what_the_next_one_ends(bench: Bench) -> None:
    bench.write({"db": {"command": ["sleep", "infinity"]}})
    bench.apply()
    before = names(bench)["db"]
    bench.write({"database": {"command": ["sleep", "infinity"]}}, moved=[{"from": "db", "to": "database"}])
    process = bench.start_apply("updating")
    process.kill()
    process.wait()
    bench.apply()
    assert names(bench) == {"database": before}
    assert finds(bench, "database", "database")
    assert bench.is_empty()


def test_a_group_of_one_grows_and_shrinks_and_somebody_answers_all_the_time(bench: Bench, record_property: Any) -> None:
    api = {
        "command": ["perl", "/server.pl"],
        "uploads": [{"target": "/server.pl", "content": SERVER}],
        "health": {"tcp": 8080, "interval": "200ms"},
        "ports": [8080],
    }
    client = {"command": ["perl", "-e", CLIENT], "depends_on": ["api"]}
    outputs = {"url": "${sandbox.api.endpoint}"}
    bench.write({"api": api, "client": client}, outputs=outputs)
    bench.apply()
    before = names(bench)
    for replicas in (2, None, 3, 1, None):
        grown = {**api, "replicas": replicas} if replicas else api
        bench.write({"api": grown, "client": client}, outputs=outputs)
        for command in ("plan", "status", "output", "drift"):
            done = bench.run(command)
            # Drift says that members are missing which the file has.
            assert done.returncode != 1, done.stdout + done.stderr
            assert done.stderr.count("error") == 0
        bench.apply()
        members = [f"api-{number}" for number in range(1, replicas + 1)] if replicas else ["api"]
        assert sorted(names(bench)) == [*members, "client"]
        assert names(bench)[members[0]] == before["api"]
        assert finds(bench, "client", members[0])
        assert bench.run("output", "url").stdout.startswith("tcp://127.0.0.1:")
        assert bench.is_empty()
    answers = bench.run("logs", "client").stdout.split("\n")[:-1]
    record_property(
        "figure", f"answers while a group grew and shrank: {len(answers)}, failed: {answers.count('no answer')}"
    )
    # A connection that is open while a member leaves a network is cut.
    assert answers.count("no answer") * 100 < len(answers)
    assert len(answers) > 1000
