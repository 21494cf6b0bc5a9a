"""Whoever waits for an answer gets it, although the sandbox that he asked is replaced meanwhile."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.docker.objects.connections import has_callers
from tests.e2e.test_replace import NEXUSCTL, Bench
from tests.gates import open_gate

pytestmark = pytest.mark.engine

# What is slow is answered once the server was asked to end, however long that takes to come, and the test has had its
# look at that; where it has none, some seconds later.
SERVER = r"""
use IO::Socket::INET; use POSIX ':sys_wait_h';
my $ending = 0;
$SIG{TERM} = sub { $ending = 1; open my $mark, ">", "/tmp/ending" };
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die;
until ($ending) {
  my $client = $server->accept or next;
  waitpid(-1, WNOHANG);
  next if fork;
  close $server;
  my $line = <$client>;
  if ($line =~ /slow/) {
    select undef, undef, undef, 0.1 until -e "/tmp/ending";
    for (1 .. 10 * $ENV{PAUSE}) { last if -e "/go"; select undef, undef, undef, 0.1 }
  }
  print $client "HTTP/1.0 200 OK\r\n\r\n$ENV{V}";
  exit 0;
}
close $server;
1 while wait > 0;
"""

WAITER = r"""
use IO::Socket::INET;
$| = 1;
my $socket = IO::Socket::INET->new(PeerAddr => "web", PeerPort => 8080) or die;
print $socket "GET /slow HTTP/1.0\r\n";
print "asked\n";
my @lines = <$socket>;
print "answer $lines[-1]\n";
sleep 999;
"""

WEB: dict[str, Any] = {
    "command": ["perl", "/server.pl"],
    "uploads": [{"target": "/server.pl", "content": SERVER}],
    "health": {"tcp": 8080, "interval": "200ms"},
    "stop_grace_period": "4m",
}
LONG, SHORT = {"PAUSE": "200"}, {"PAUSE": "6"}


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def write(bench: Bench, version: str, **more: Any) -> None:
    web = {**WEB, "env": {"V": version, **LONG}, **more}
    bench.write({"web": web, "peer": {"command": ["sleep", "infinity"]}})


def ask_slowly(bench: Bench) -> subprocess.Popen[str]:
    """A request through the host's port that is under way, and takes a while."""
    (binding, *_) = bench.container("web")["NetworkSettings"]["Ports"]["8080/tcp"]
    url = f"http://127.0.0.1:{binding['HostPort']}/slow"
    words = ("curl", "--silent", "--show-error", "--noproxy", "*", "--write-out", " %{http_code}", url)
    asked = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not has_callers(bench.wire, bench.container("web")["Id"], (8080,)):
        assert asked.poll() is None
        time.sleep(0.02)
    return asked


def find_addresses(bench: Bench, name: str) -> set[str]:
    asked = run_inside(bench.wire, bench.container("peer")["Id"], ("getent", "ahostsv4", name))
    return {line.split()[0] for line in asked.output.splitlines()}


def address(found: dict[str, Any]) -> str:
    (network,) = found["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])


def test_a_request_through_a_host_port_is_answered_by_the_old_one(bench: Bench) -> None:
    write(bench, "1", ports=[8080])
    bench.apply()
    old = bench.container("web")
    asked = ask_slowly(bench)
    write(bench, "2", ports=[8080])
    process = bench.start_apply("stopping the old one")
    new = next(found for found in bench.containers("web") if found["Id"] != old["Id"])
    # Neighbours find both while the old one ends, and the new one answers.
    assert find_addresses(bench, "web") == {address(old), address(new)}
    open_gate(old["Id"])
    assert asked.communicate()[0] == "1 200"
    process.communicate()
    assert process.returncode == 0
    assert bench.container("web")["Id"] == new["Id"]
    assert find_addresses(bench, "web") == {address(new)}
    assert bench.is_empty()


def test_with_nobody_at_its_host_port_the_old_one_is_not_found_any_more_when_it_is_stopped(bench: Bench) -> None:
    write(bench, "1", ports=[8080])
    bench.apply()
    old = bench.container("web")
    (held, *_) = old["NetworkSettings"]["Ports"]["8080/tcp"]
    # Who only listens for us, or has left, does not count.
    words = ("curl", "--silent", "--noproxy", "*", f"http://127.0.0.1:{held['HostPort']}/")
    assert subprocess.run(words, capture_output=True, check=True).stdout == b"1"
    waiting = {"command": ["perl", "-e", WAITER], "depends_on": ["web"]}
    bench.write({"web": {**WEB, "env": {"V": "1", **LONG}, "ports": [8080]}, "peer": waiting})
    bench.apply()
    bench.write({"web": {**WEB, "env": {"V": "2", **LONG}, "ports": [8080]}, "peer": waiting})
    process = bench.start_apply("stopping the old one")
    now = {found["Id"]: address(found) for found in bench.containers("web")}
    assert now.pop(old["Id"]) == address(old)
    assert find_addresses(bench, "web") == {*now.values()}
    open_gate(old["Id"])
    process.communicate()
    assert process.returncode == 0
    assert bench.run("logs", "peer").stdout == "asked\nanswer 1\n"
    assert bench.is_empty()


def test_a_neighbour_that_waits_for_an_answer_gets_it_from_the_old_one(bench: Bench) -> None:
    waiting = {"command": ["perl", "-e", WAITER], "depends_on": ["web"]}
    bench.write({"web": {**WEB, "env": {"V": "1", **SHORT}}, "peer": waiting})
    bench.apply()
    while "asked" not in bench.run("logs", "peer").stdout:
        time.sleep(0.05)
    bench.write({"web": {**WEB, "env": {"V": "2", **SHORT}}, "peer": waiting})
    bench.apply()
    assert bench.run("logs", "peer").stdout == "asked\nanswer 1\n"
    place = next(iter(bench.container("web")["NetworkSettings"]["Networks"].values()))
    assert not place["IPAMConfig"], "a fixed address keeps a container from starting where somebody else has it"
    assert bench.is_empty()
    assert bench.run("drift").returncode == 0


def test_one_of_a_group_that_is_taken_away_is_not_found_while_it_ends(bench: Bench) -> None:
    more = {
        "peer": {"command": ["sleep", "infinity"]},
        "waiting": {"command": ["perl", "-e", WAITER.replace('"web"', '"web-2"')], "depends_on": ["web"]},
    }
    web = {**WEB, "env": LONG, "ports": [8080]}
    bench.write({"web": {**web, "replicas": 2}, **more})
    bench.apply()
    kept, gone = bench.container("web-1"), bench.container("web-2")
    while "asked" not in bench.run("logs", "waiting").stdout:
        time.sleep(0.05)
    bench.write({"web": {**web, "replicas": 1}, **more})
    words = [*NEXUSCTL, "apply", "--yes"]
    process = subprocess.Popen(words, cwd=bench.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while find_addresses(bench, "web") != {address(kept)}:
        assert process.poll() is None
    # It has not ended yet, for somebody waits for it.
    assert bench.wire.get(f"/containers/{gone['Id']}/json")["State"]["Running"]
    open_gate(gone["Id"])
    process.communicate()
    assert process.returncode == 0
    assert bench.run("logs", "waiting").stdout.split() == ["asked", "answer"]
    assert bench.is_empty()
