"""The reaper on an engine of its own: it comes with the first lifetime, ends what is over, and goes with the last."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from nexusctl.api import connection
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from nexusctl.model.engine_names import REAPER as REAPERS
from tests.daemon.layers import lay_images
from tests.daemon.test_engine_daemon import Second, second
from tests.daemon.yard import Yard
from tests.gates import open_gate
from tests.mcp.client import Caller, play
from tests.templates.recipes import make_image

__all__ = ["second"]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]

REAPER = "nexusctl-reaper_reaper"
BUSY = '[sh, -c, "while :; do :; done"]'
TRAP = """[sh, -c, "trap 'echo term; exit 0' TERM; while :; do sleep 0.1; done"]"""

STACK = f"""
name: lived
sandboxes:
  slow: {{image: IMAGE, networks: [], command: {TRAP}, pre_stop: "SLOW", stop_grace_period: 60s, timeout: 3s}}
  gone: {{image: IMAGE, networks: [], command: [sleep, infinity], timeout: 3s, on_expire: destroy}}
  stays: {{image: IMAGE, networks: [], command: [sleep, infinity]}}
  idle: {{image: IMAGE, networks: [], command: [sleep, infinity], idle_timeout: 6s}}
  busy: {{image: IMAGE, networks: [], command: {BUSY}, idle_timeout: 6s, resources: {{cpus: 0.3}}}}
  used: {{image: IMAGE, networks: [], command: [sleep, infinity], idle_timeout: 6s}}
""".replace("SLOW", "until test -e /go; do sleep 0.1; done; echo before > /proc/1/fd/1")

IDLERS = """
name: lived
sandboxes:
  idle: {image: IMAGE, networks: [], command: [sleep, infinity], idle_timeout: 6s}
  busy: {image: IMAGE, networks: [], command: [sh, -c, "while :; do :; done"], idle_timeout: 6s}
  used: {image: IMAGE, networks: [], command: [sleep, infinity], idle_timeout: 6s}
"""

LAST = f"""
name: lived
sandboxes:
  late: {{image: IMAGE, networks: [], command: {TRAP}, pre_stop: "echo before > /proc/1/fd/1", timeout: 2h}}
"""

SERVER = """[perl, -MIO::Socket::INET, -e,
    '$s = IO::Socket::INET->new(LocalPort => 80, Listen => 9) or die; while ($c = $s->accept) {
    1 while sysread $c, $b, 1; close $c }']"""

SERVED = f"""
name: lived
sandboxes:
  served: {{image: IMAGE, command: {SERVER}, ports: ["18080:80"], idle_timeout: 1h}}
  alone: {{image: IMAGE, command: {SERVER}, ports: ["18081:80"], idle_timeout: 1h, depends_on: [served]}}
  kept: {{image: IMAGE, networks: [], command: [sleep, infinity], timeout: 2h}}
"""

CALL = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", 18080))
print("connected", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def yard(second: Second, base_image: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Yard:
    monkeypatch.setenv("NEXUS_SETTINGS", "")
    lay_images(wire, second.folder / "data", base_image, make_image(wire, "python"))
    assert second.start().returncode == 0
    return Yard(second, base_image)


def wait_for(fits: Callable[[], bool], what: str) -> None:
    for _ in range(900):
        if fits():
            return
        time.sleep(0.1)
    pytest.fail(what)


def inspect(yard: Yard, name: str, form: str) -> str:
    return yard.docker("inspect", "-f", form, name).strip()


def names(yard: Yard, *words: str) -> list[str]:
    return sorted(yard.docker("ps", "-a", "--format", "{{.Names}}", *words).split())


def state(yard: Yard, name: str) -> str:
    return inspect(yard, name, "{{.State.Status}}")


def lifetime(yard: Yard, name: str) -> str:
    """As `status` has it."""
    head, *rows = yard.succeed("status").splitlines()
    return next(row for row in rows if row.startswith(f"{name} "))[head.index("LIFETIME") :].strip()


def test_it_ends_what_is_over_outlives_kills_and_goes_with_the_last(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("lifetimes: off\n")
    yard.write(STACK)
    monkeypatch.setenv("NEXUS_SETTINGS", str(settings))
    yard.succeed("apply", "--yes")
    assert REAPER not in names(yard)
    assert "none runs, and 5 sandboxes have a lifetime" in yard.nexusctl("doctor").stdout
    # Before anybody counts for how long it is idle.
    yard.succeed("exec", "--detach", "used", "--", "sleep", "1000")
    monkeypatch.setenv("NEXUS_SETTINGS", "")
    assert "starting the reaper" in yard.succeed("apply", "--yes")
    form = "{{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.CapDrop}}"
    assert inspect(yard, REAPER, form) == "none always [ALL]"
    held = yard.docker("ps", "--filter", "volume=/run/nexusctl.sock", "--format", "{{.Names}}").split()
    assert held == [REAPER]
    # It is killed in the midst of an end, and holds a lock then: the next one finishes what that has begun.
    log = lambda: yard.docker("logs", REAPER)  # noqa: E731
    wait_for(lambda: "stop slow" in log(), "nothing ended")
    os.kill(int(inspect(yard, REAPER, "{{.State.Pid}}")), signal.SIGKILL)
    open_gate("lived_slow", "-H", yard.place.url)
    wait_for(lambda: state(yard, "lived_slow") == "exited", "it was not ended after the reaper was killed")
    lines = yard.docker("logs", "lived_slow").split()
    assert lines[-1] == "term"
    assert set(lines[:-1]) == {"before"}
    wait_for(lambda: "lived_gone" not in names(yard), "it was not destroyed")
    wait_for(lambda: state(yard, "lived_idle") == "exited", "it was idle, and goes on")
    assert [state(yard, f"lived_{name}") for name in ("stays", "busy", "used")] == ["running"] * 3
    assert "idle  expired, as it was idle, and stopped at" in yard.succeed("plan")
    wait_for(lambda: "lock" not in yard.docker("volume", "ls", "-q"), "a lock is left")
    found = {s["name"]: s for s in json.loads(yard.nexusctl("status", "--json").stdout)["sandboxes"]}
    assert [name for name in found if found[name]["expired"]] == ["gone", "idle", "slow"]
    assert found["slow"]["held"]["user"] == "reaper"
    # For some seconds after a restart it may be in a loop, as far as anybody can tell.
    wait_for(lambda: "holds the engine's socket" in yard.nexusctl("doctor").stdout, "it does not run for good")
    # A container that somebody has stopped is started by the next apply, and goes with the last that ends by itself.
    yard.docker("kill", REAPER)
    yard.write(LAST)
    assert "starting the reaper" in yard.succeed("apply", "--yes")
    assert "removing the reaper" in yard.succeed("destroy", "--yes")
    assert names(yard) == []
    assert yard.docker("volume", "ls", "-q").strip() == ""


def test_where_it_is_refused_who_looks_often_ends_what_is_idle(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("lifetimes: off\n")
    monkeypatch.setenv("NEXUS_SETTINGS", str(settings))
    yard.write(IDLERS)
    yard.succeed("apply", "--yes")
    yard.succeed("exec", "--detach", "used", "--", "sleep", "1000")
    # Who looks seldom cannot say what happens in between, and says so.
    with yard.begin("reap", "--every", "2m") as seldom:
        assert seldom.stderr
        assert "nothing ends busy of lived and 2 more by idle_timeout" in seldom.stderr.readline()
        seldom.send_signal(signal.SIGTERM)
    with yard.begin("reap", "--every", "1s") as often:
        try:
            wait_for(lambda: state(yard, "lived_idle") == "exited", "it was idle, and goes on")
        finally:
            often.send_signal(signal.SIGTERM)
        assert "idle_timeout" not in often.communicate()[1]
    assert [state(yard, f"lived_{name}") for name in ("busy", "used")] == ["running"] * 2
    assert REAPER not in names(yard)
    (end,) = (one for one in json.loads(yard.succeed("history", "idle", "--json"))["history"] if one["cause"])
    assert (end["what"], end["cause"], end["user"]) == ("stopped", "idle", getpass.getuser())


def test_it_comes_back_with_the_engine_and_goes_by_itself(yard: Yard, second: Second) -> None:
    yard.write(LAST.replace("timeout: 2h", "timeout: 2h, on_expire: destroy, restart: always"))
    yard.succeed("apply", "--yes")
    assert second.stop().returncode == 0
    assert second.start().returncode == 0
    wait_for(lambda: state(yard, REAPER) == "running", "the reaper did not come back")
    yard.write(LAST.replace("timeout: 2h", "timeout: 1s, on_expire: destroy, restart: always"))
    assert "starting the reaper" not in yard.succeed("apply", "--yes")
    wait_for(lambda: "lived_late" not in names(yard), "nothing ended after the engine was restarted")
    wait_for(lambda: names(yard) == [], "the reaper stays without anything to end")
    assert [line for line in yard.docker("volume", "ls", "-q").split() if "hold" not in line] == []
    # One that is to be made while it leaves finds another.
    assert "starting the reaper" in yard.succeed("apply", "--yes")


def test_who_is_connected_to_a_published_port_keeps_it_and_verbs_bring_the_reaper_back(
    yard: Yard, second: Second
) -> None:
    yard.write(SERVED)
    yard.succeed("apply", "--yes")
    assert "idle_timeout" not in yard.nexusctl("reap").stderr
    yard.docker("rm", "-f", REAPER)
    assert "alone ends when idle for 1 h 0 min, served ends" in yard.succeed("plan")
    assert lifetime(yard, "alone") == "ends when idle for 1 h 0 min"
    said = yard.nexusctl("reap").stderr
    assert "nothing ends alone of lived and 1 more by idle_timeout" in said
    assert "`nexusctl reap --every 30s` looks" in said
    assert "starting the reaper" in yard.succeed("extend", "kept", "1h")
    # A second engine has a network of its own, and its published ports are there.
    found = second.status()
    assert found
    inside = ["nsenter", "--target", str(found["pid"]), "--net", sys.executable, "-c", CALL]
    with subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdin
        assert caller.stdout
        assert caller.stdout.readline() == "connected\n"
        wait_for(lambda: "unless it is used" in lifetime(yard, "alone"), "nobody says for how long it is idle")
        assert lifetime(yard, "alone").startswith("ends in 59 min")
        assert lifetime(yard, "served") == "in use, ends when idle for 1 h 0 min"
        yard.write(SERVED.replace("1h", "6s"))
        yard.succeed("apply", "--yes")
        # The other one was made after it, and is not idle for longer.
        wait_for(lambda: state(yard, "lived_alone") == "exited", "it was idle, and goes on")
        assert state(yard, "lived_served") == "running"
        caller.stdin.close()
        wait_for(lambda: state(yard, "lived_served") == "exited", "nobody is connected any more, and it goes on")
    told = json.loads(yard.succeed("history", "served", "alone", "--json"))["history"]
    assert [(one["what"], one["cause"], one["user"]) for one in told[:2]] == [("stopped", "idle", "reaper")] * 2
    yard.docker("rm", "-f", REAPER)
    assert "starting the reaper" in yard.succeed("start", "alone")
    assert (state(yard, REAPER), state(yard, "lived_alone")) == ("running", "running")
    assert "starting the reaper" not in yard.succeed("restart", "alone")


def test_an_agent_waits_for_no_reaper(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", yard.place.url)
    engine = connection.connect()
    here = lambda: names(yard, "--filter", "status=running")  # noqa: E731

    async def create(call: Caller) -> None:
        # Somebody else works on the reaper, and whoever waited for it would wait for a minute.
        with anyio.fail_after(50), connection.hold_lock(engine, REAPERS, timeout=10.0, report=print):
            made = await call("sandbox_create", template="python", name="late", timeout=7200)
        assert made["status"] == "running", made.text
        wait_for(lambda: REAPER in here(), "nothing ends what an agent has made")

    async def delete(call: Caller) -> None:
        # A server that was killed before it could start one has left that to the next.
        wait_for(lambda: REAPER in here(), "the next server starts no reaper")
        assert (await call("sandbox_delete", sandbox_id="sb_late"))["status"] == "deleted"

    play(yard.folder, create)
    yard.docker("rm", "-f", REAPER)
    play(yard.folder, delete)
    wait_for(lambda: names(yard) == [], "the reaper stays without anything to end")
