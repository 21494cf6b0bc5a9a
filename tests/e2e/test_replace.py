"""Replacing a sandbox: somebody always answers, and whatever fails or dies on the way, one of the two serves."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.labels import SANDBOX, STACK
from tests import prestarted
from tests.gates import open_gate

pytestmark = pytest.mark.engine

NEXUSCTL = [sys.executable, "-m", "nexusctl"]

SERVER = r"""
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
sleep 1;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
  my $line = <$client>;
  print $client "HTTP/1.0 200 OK\r\n\r\n$ENV{V}";
  close $client;
}
"""

CLIENT = r"""
use IO::Socket::INET;
$| = 1;
while (1) {
  my $found = gethostbyname("web");
  my $address = $found && join ".", unpack "C4", $found;
  my $socket = $address && IO::Socket::INET->new(PeerAddr => $address, PeerPort => 8080, Timeout => 5);
  my @lines;
  if ($socket) { print $socket "GET / HTTP/1.0\r\n"; @lines = <$socket> }
  print @lines ? "$lines[-1]\n" : "no answer\n";
}
"""


class Bench:
    """A stack file that is written anew between applies; `common` are fields of each of its sandboxes."""

    def __init__(self, folder: Path, stack: str, image: str, wire: Wire, **common: Any) -> None:
        self.folder, self.stack, self.image, self.wire, self.common = folder, stack, image, wire, common

    def write(self, sandboxes: dict[str, Any], **more: Any) -> None:
        common = {**({"image": self.image} if self.image else {}), **self.common}
        whole = {name: common | fields for name, fields in sandboxes.items()}
        (self.folder / "nexus.yaml").write_text(json.dumps({"name": self.stack, "sandboxes": whole, **more}))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return prestarted.run(
            [*NEXUSCTL, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=240, check=False
        )

    def apply(self) -> None:
        done = self.run("apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def start_apply(self, doing: str) -> subprocess.Popen[str]:
        """An apply that has come to the point where it says `doing`."""
        process = self.begin_apply()
        assert process.stdout
        for line in process.stdout:
            if json.loads(line).get("doing") == doing:
                return process
        raise AssertionError(f"it never came to {doing}")

    def begin_apply(self) -> subprocess.Popen[str]:
        """An apply whose events stand in its output, one a line."""
        return subprocess.Popen(
            [*NEXUSCTL, "apply", "--yes", "--json"], cwd=self.folder, stdout=subprocess.PIPE, text=True
        )

    def containers(self, sandbox: str) -> list[dict[str, Any]]:
        query = {"all": True, "filters": {"label": [f"{STACK}={self.stack}", f"{SANDBOX}={sandbox}"]}}
        return [self.wire.get(f"/containers/{entry['Id']}/json") for entry in self.wire.get("/containers/json", query)]

    def container(self, sandbox: str) -> dict[str, Any]:
        (found,) = self.containers(sandbox)
        return found

    def is_empty(self) -> bool:
        return self.run("plan", "--detailed-exitcode").returncode == 0


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def test_a_client_that_asks_by_name_gets_an_answer_all_the_time(bench: Bench, record_property: Any) -> None:
    web = {
        "command": ["perl", "/server.pl"],
        "uploads": [{"target": "/server.pl", "content": SERVER}],
        "health": {"tcp": 8080, "interval": "200ms"},
        "ports": [8080],
    }
    client = {"command": ["perl", "-e", CLIENT], "depends_on": ["web"]}
    for version in ("1", "2", "3"):
        bench.write({"web": {**web, "env": {"V": version}}, "client": client})
        bench.apply()
        # A while of the new one alone.
        run_inside(bench.wire, bench.container("client")["Id"], ("sleep", "0.5"))
    answers = bench.run("logs", "client").stdout.split("\n")[:-1]
    record_property("figure", f"answers during two replacements: {len(answers)}, failed: {answers.count('no answer')}")
    assert {"1", "2", "3"} == set(answers), f"{answers.count('no answer')} of {len(answers)} requests failed"
    assert len(answers) > 50
    port = bench.container("web")["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"3"


def stop_first(version: str, **fields: Any) -> dict[str, Any]:
    return {"web": {"command": ["sleep", "infinity"], "env": {"V": version}, "volumes": ["data:/data"], **fields}}


def test_killed_with_the_old_one_stopped_the_next_apply_comes_to_the_new_one(bench: Bench) -> None:
    bench.write(stop_first("1"), volumes={"data": {}})
    bench.apply()
    bench.write(stop_first("2", startup="sleep 60"), volumes={"data": {}})
    process = bench.start_apply("running its startup script")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sorted(found["State"]["Status"] for found in bench.containers("web")) == ["exited", "running"]
    bench.write(stop_first("2"), volumes={"data": {}})
    bench.apply()
    assert "V=2" in bench.container("web")["Config"]["Env"]
    assert bench.is_empty()


def test_killed_with_the_old_one_stopped_a_next_apply_that_fails_starts_it_again(bench: Bench) -> None:
    bench.write(stop_first("1"), volumes={"data": {}})
    bench.apply()
    old = bench.container("web")["Id"]
    bench.write(stop_first("2", startup="sleep 3; exit 3"), volumes={"data": {}})
    process = bench.start_apply("running its startup script")
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert "the old container, which did not run before, was started again" in done.stderr
    found = bench.container("web")
    assert (found["Id"], found["State"]["Status"]) == (old, "running")


def test_an_old_one_that_cannot_start_again_is_told_of_with_the_failure(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "bound"
    folder.mkdir()
    mounts = {"volumes": [f"{folder}:/data"]}
    bench.write({"web": {"command": ["sleep", "infinity"], "env": {"V": "1"}, **mounts}})
    bench.apply()
    old = bench.container("web")["Id"]
    # It is not well until the folder is gone, nor then.
    health = {"command": "echo still not; false", "interval": "100ms", "timeout": "60s", "retries": 2}
    bad = {"env": {"V": "2"}, "startup": "until test -e /go; do sleep 0.05; done", "health": health}
    bench.write({"web": {"command": ["sleep", "infinity"], **bad, **mounts}})
    process = bench.start_apply("running its startup script")
    shutil.rmtree(folder)
    (new,) = (found["Id"] for found in bench.containers("web") if found["Id"] != old)
    assert run_inside(bench.wire, new, ("touch", "/go")).exit_code == 0
    assert process.stdout
    failed = [event for event in map(json.loads, process.stdout) if event["event"] == "failed"]
    assert process.wait() == 1
    problem = failed[0]["problem"]
    assert "its health check does not pass" in problem["summary"]
    assert "probe: still not" in problem["output"]
    assert "the old container could not be started again: " in problem["notes"][0]["text"]
    assert bench.container("web")["Id"] == old
    folder.mkdir()
    bench.write({"web": {"command": ["sleep", "infinity"], "env": {"V": "2"}, **mounts}})
    bench.apply()
    assert bench.is_empty()
    assert bench.container("web")["Id"] != old


# Both end when they are told to, so that it depends on no clock at which point of the swap they do.
STUBBORN = {
    "command": ["bash", "-c", "trap 'until test -e /go; do sleep 0.1; done; exit 0' TERM; while :; do sleep 0.1; done"],
    "stop_grace_period": "2m",
}
TOLD = "trap 'echo no more; exit 7' USR1; touch /ready; while :; do sleep 0.1; done"

HEALTHY = {"health": {"command": "true", "interval": "1s"}}


@pytest.mark.parametrize("more", [{}, HEALTHY], ids=["plain", "healthy"])
def test_a_new_one_that_ends_while_the_old_one_still_does_gives_its_place_back(
    bench: Bench, more: dict[str, Any]
) -> None:
    peer = {"peer": {"command": ["sleep", "infinity"]}}
    bench.write({"web": {**STUBBORN, **more}, **peer})
    bench.apply()
    old = bench.container("web")["Id"]
    bench.write({"web": {"command": ["sh", "-c", TOLD], **more}, **peer})
    process = bench.start_apply("stopping the old one")
    (new,) = (found["Id"] for found in bench.containers("web") if found["Id"] != old)
    run_inside(bench.wire, new, ("sh", "-c", "until test -e /ready; do sleep 0.1; done"))
    bench.wire.post(f"/containers/{new}/kill", query={"signal": "USR1"})
    bench.wire.post(f"/containers/{new}/wait")
    open_gate(old)
    gives_its_place_back(bench, process, old, "serves again")
    bench.write({"web": {**STUBBORN, **more}, **peer})
    assert bench.is_empty()


def test_a_new_one_that_ends_before_the_old_one_is_stopped_gives_its_place_back(bench: Bench) -> None:
    peer = {"peer": {"command": ["sleep", "infinity"]}}
    bench.write({"web": STUBBORN, **peer})
    bench.apply()
    old = bench.container("web")["Id"]
    # It is the check that it is well which ends it.
    ends = "until test -e /ready; do sleep 0.1; done; kill -USR1 1"
    health = {"health": {"command": ends, "interval": "100ms", "timeout": "60s"}}
    bench.write({"web": {"command": ["sh", "-c", TOLD], **health}, **peer})
    gives_its_place_back(bench, bench.begin_apply(), old, "went on serving")
    open_gate(old)
    bench.write({"web": STUBBORN, **peer})
    assert bench.is_empty()


def gives_its_place_back(bench: Bench, process: subprocess.Popen[str], old: str, kept: str) -> None:
    assert process.stdout
    failed = [event for event in map(json.loads, process.stdout) if event["event"] == "failed"]
    assert process.wait() == 1
    problem = failed[0]["problem"]
    assert problem["summary"] == "web: it exited with code 7 right after its start"
    assert "no more" in problem["output"]
    assert problem["notes"][0]["text"] == f"the old container {kept}"
    found = bench.container("web")
    assert (found["Id"], found["State"]["Status"], found["Name"]) == (old, "running", f"/{bench.stack}_web")
    asked = run_inside(bench.wire, bench.container("peer")["Id"], ("getent", "hosts", "web"))
    (network,) = found["NetworkSettings"]["Networks"].values()
    assert asked.output.split()[0] == network["IPAddress"]


def test_a_new_one_that_somebody_removes_while_the_old_one_ends_gives_its_place_back(bench: Bench) -> None:
    bench.write({"web": STUBBORN})
    bench.apply()
    old = bench.container("web")["Id"]
    bench.write({"web": {"command": ["sleep", "infinity"]}})
    process = bench.start_apply("stopping the old one")
    (new,) = (found["Id"] for found in bench.containers("web") if found["Id"] != old)
    bench.wire.delete(f"/containers/{new}", {"force": True})
    open_gate(old)
    assert process.stdout
    failed = [event for event in map(json.loads, process.stdout) if event["event"] == "failed"]
    assert process.wait() == 1
    problem = failed[0]["problem"]
    assert problem["summary"] == "web: somebody removed its new container"
    assert problem["notes"][0]["text"] == "the old container serves again"
    found = bench.container("web")
    assert (found["Id"], found["State"]["Status"], found["Name"]) == (old, "running", f"/{bench.stack}_web")
    bench.apply()
    assert bench.is_empty()


WRITE = """
mkdir -p /srv/a/b /srv/node_modules && echo kept > "/srv/a/b/an odd näme" && chmod 640 "/srv/a/b/an odd näme"
chown -R 33:33 /srv/a/b && ln -s a/b /srv/link && ln /srv/a/b/* /srv/hard && mkfifo /srv/pipe
echo edited >> /etc/issue && rm /etc/debian_version && echo by hand > /srv/upload && echo in the volume > /data/x
"""

READ = """
cat "/srv/link/an odd näme" && stat -c '%a %u:%g %h' /srv/hard && stat -c %F /srv/pipe && tail -1 /etc/issue
cat /srv/upload /data/x; ls /etc/debian_version /run/secrets 2>&1 | sort
"""


def preserved(version: str, **fields: Any) -> dict[str, Any]:
    uploads = [{"target": "/srv/upload", "content": "declared\n"}]
    return {"web": stop_first(version, uploads=uploads, on_replace="preserve", **fields)["web"]}


def test_preserved_files_are_in_the_new_container_and_nowhere_else(bench: Bench) -> None:
    images = {image["Id"] for image in bench.wire.get("/images/json", {"all": True})}
    bench.write(preserved("1"), volumes={"data": {}})
    bench.apply()
    old = bench.container("web")["Id"]
    assert run_inside(bench.wire, old, ("bash", "-c", WRITE)).exit_code == 0
    bench.write(preserved("2"), volumes={"data": {}})
    plan = bench.run("plan").stdout
    assert (
        "the files that it has written are carried over; what was deleted of the image's own files comes back" in plan
    )
    bench.apply()
    new = bench.container("web")
    assert new["Id"] != old
    assert "V=2" in new["Config"]["Env"]
    seen = run_inside(bench.wire, new["Id"], ("bash", "-c", READ)).output.splitlines()
    assert seen[:4] == ["kept", "640 33:33 2", "fifo", "edited"]
    assert seen[4:6] == ["declared", "in the volume"]
    assert "/etc/debian_version" in seen
    assert bench.is_empty()
    assert bench.run("plan", "--deep", "--detailed-exitcode").returncode == 0
    # An image of a container has its labels. Others make some, and remove them, at the same time.
    left = [image for image in bench.wire.get("/images/json", {"all": True}) if image["Id"] not in images]
    assert not [image for image in left if bench.stack in str(image["Labels"])]


def test_a_replacement_that_preserves_and_fails_brings_the_old_one_back(bench: Bench) -> None:
    bench.write(preserved("1"), volumes={"data": {}})
    bench.apply()
    old = bench.container("web")["Id"]
    bench.write(preserved("2", startup="exit 3"), volumes={"data": {}})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert "the old container serves again" in done.stderr
    assert (bench.container("web")["Id"], bench.container("web")["State"]["Status"]) == (old, "running")


def test_killed_while_files_are_carried_over_the_next_apply_still_has_them(bench: Bench) -> None:
    bench.write(preserved("1"), volumes={"data": {}})
    bench.apply()
    script = "head -c 60000000 /dev/zero > /srv/large && echo kept > /srv/small"
    assert run_inside(bench.wire, bench.container("web")["Id"], ("sh", "-c", script)).exit_code == 0
    bench.write(preserved("2"), volumes={"data": {}})
    process = bench.start_apply("carrying its files over")
    process.send_signal(signal.SIGKILL)
    process.wait()
    bench.apply()
    seen = run_inside(bench.wire, bench.container("web")["Id"], ("sh", "-c", "stat -c %s /srv/large; cat /srv/small"))
    assert seen.output.split() == ["60000000", "kept"]
    assert bench.is_empty()


def test_uploaded_folders_come_from_the_file_and_what_was_added_to_them_goes_where_the_plan_says_so(
    bench: Bench,
) -> None:
    folder = bench.folder / "conf"
    (folder / "old").mkdir(parents=True)
    (folder / "used").mkdir()
    for path in ("a", "old/b", "used/c"):
        (folder / path).write_text("declared")
    uploads = [{"source": "./conf", "target": "/srv/conf"}]
    fields: dict[str, Any] = {"command": ["sleep", "infinity"], "uploads": uploads, "on_replace": "preserve"}
    bench.write({"web": {**fields, "env": {"V": "1"}}})
    bench.apply()
    script = "echo mine > /srv/conf/used/own; mkdir /srv/conf/more; echo x > /srv/conf/more/x; chmod 700 /srv/conf"
    assert run_inside(bench.wire, bench.container("web")["Id"], ("sh", "-c", script)).exit_code == 0
    shutil.rmtree(folder / "old")
    (folder / "used/c").unlink()
    (folder / "used").rmdir()
    bench.write({"web": {**fields, "env": {"V": "2"}}})
    bench.apply()
    assert list_below(bench, "/srv/conf") == ["755 .", "644 a", "755 more", "644 more/x", "755 used", "644 used/own"]
    bench.write({"web": {**fields, "env": {"V": "3"}}})
    plan = bench.run("plan", "--deep").stdout
    assert all(f"uploads./srv/conf/{path}" in plan for path in ("more", "used")), plan
    assert bench.run("apply", "--deep", "--yes").returncode == 0
    assert list_below(bench, "/srv/conf") == ["755 .", "644 a"]
    assert bench.run("plan", "--deep", "--detailed-exitcode").returncode == 0


def list_below(bench: Bench, folder: str) -> list[str]:
    """The permissions and the relative path of every entry."""
    found = run_inside(
        bench.wire,
        bench.container("web")["Id"],
        ("sh", "-c", f"cd {folder} && find . | sort | xargs stat -c '%a %n'"),
    )
    return found.output.replace("./", "").splitlines()
