"""What an apply says and does when it is asked to stop in the midst of long work, and when its time is over."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run
from nexusctl.errors import Conflict, NotFound
from tests import prestarted
from tests.load import allow
from tests.terminal import read_to_end

pytestmark = pytest.mark.engine

NEXUSCTL = [sys.executable, "-m", "nexusctl"]

PATIENCE = 240
"""Seconds to wait for what has to come; only a hang meets it."""

_SLOW = """#!/bin/sh
case "$*" in *install*) echo "Get:1 something slow"; sleep 600;; esac
"""

_BRIEFLY = """
import sys
from nexusctl.cli import report_run as conduct
from nexusctl.cli.main import main
conduct.PATIENCE = 1.0
sys.exit(main())
"""


@pytest.fixture(scope="module")
def slow_image(wire: Wire, base_image: str) -> Iterator[str]:
    """An image whose apt-get prints a line and then takes ten minutes."""
    tag = f"nexusctl-test/slow:{uuid.uuid4().hex[:8]}"
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["sleep", "600"]})["Id"]
    try:
        wire.post(f"/containers/{made}/start")
        script = 'printf %s "$1" > /usr/local/bin/apt-get; chmod 755 /usr/local/bin/apt-get'
        assert run(wire, made, ("sh", "-c", script, "sh", _SLOW)).exit_code == 0
        repository, _, version = tag.rpartition(":")
        wire.post("/commit", {}, {"container": made, "repo": repository, "tag": version})
        yield tag
    finally:
        wire.delete(f"/containers/{made}", {"force": True})
        wire.delete(f"/images/{tag}", {"force": True})


@pytest.fixture
def file(tmp_path: Path, stack_name: str, base_image: str, slow_image: str) -> Iterator[Path]:
    """`slow` installs for ten minutes; `begun` has a startup script that goes on until it finds /go."""
    file = tmp_path / "nexus.yaml"
    file.write_text(f"""
name: {stack_name}
sandboxes:
  slow: {{image: "{slow_image}", command: [sleep, infinity], packages: {{apt: [hello]}}}}
  begun:
    image: {base_image}
    command: [sleep, infinity]
    startup: "for i in $(seq 6000); do test -e /go && exit 0; sleep 0.1; done"
""")
    yield file
    prestarted.run([*NEXUSCTL, "destroy", "--yes", "-f", str(file)], capture_output=True, check=False)


def test_an_install_is_ended_at_once_and_leaves_nothing(file: Path, stack_name: str, wire: Wire) -> None:
    file.write_text(file.read_text().partition("  begun:")[0])
    apply = _start(file)
    _await_builder(wire, apply.pid)
    apply.send_signal(signal.SIGINT)
    stdout, stderr = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 130, stderr
    assert "builders and pulls are ended" in stderr
    assert "slow: skipped: interrupted" in stderr
    assert re.search(r"not started +image nexusctl/env:\w+, slow", stdout), stdout
    assert _list_builders(wire, apply.pid) == []


def test_on_a_terminal_it_says_to_the_end_what_it_waits_for_and_how_to_leave(
    file: Path, stack_name: str, wire: Wire
) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(COLUMNS="160", LINES="40", TERM="xterm")
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, [*NEXUSCTL, "apply", "--yes", "-f", str(file)])
    shown = _read_until(master, b"Get:1 something slow", b"running its startup script")
    os.write(master, b"\x03")
    shown += _read_until(master, b"Waiting for begun (running its startup script")
    # Some paintings later it is still there.
    for _ in range(5):
        shown += _read_until(master, b"Waiting for begun (running its startup script")
    assert _list_builders(wire, pid) == []
    run(wire, f"{stack_name}_begun_new", ("touch", "/go"))
    shown += read_to_end(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    paintings = re.split(rb"\x1b\[\d+F\x1b\[J", shown)
    assert b"Ctrl-C once more leaves at once" in paintings[-1]
    assert b"something slow" in shown


def test_a_second_ctrl_c_on_a_terminal_leaves_at_once(file: Path, stack_name: str) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(COLUMNS="160", LINES="40", TERM="xterm")
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, [*NEXUSCTL, "apply", "--yes", "-f", str(file)])
    _read_until(master, b"running its startup script")
    os.write(master, b"\x03")
    _read_until(master, b"Ctrl-C once more leaves at once")
    os.write(master, b"\x03")
    assert b"Left at once" in read_to_end(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130


def test_when_its_time_is_over_no_step_is_begun_and_the_apply_has_failed(
    file: Path, stack_name: str, wire: Wire
) -> None:
    apply = _start(file, "--timeout", f"{allow(25):g}s")
    stdout, stderr = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 1, stderr
    assert "Its time is over" in stderr
    assert "Left at once" not in stderr
    assert "(its time is over)" in stdout
    assert re.search(r"done +network default\n", stdout), stdout
    assert "begun: not waited for any longer" in stderr
    assert _list_builders(wire, apply.pid) == []
    # It has got no name of its own, so that the next apply makes it anew.
    left = run(wire, f"{stack_name}_begun_new", ("sh", "-c", "cat /proc/[0-9]*/cmdline")).output
    assert "seq 6000" not in left, left


def test_an_install_in_a_live_sandbox_is_ended_when_the_time_is_over(file: Path, stack_name: str, wire: Wire) -> None:
    whole = file.read_text().partition("  begun:")[0]
    file.write_text(whole.replace(", packages: {apt: [hello]}", ""))
    prestarted.run([*NEXUSCTL, "apply", "--yes", "-f", str(file)], capture_output=True, check=True)
    container = f"{stack_name}_slow"
    before = wire.get(f"/containers/{container}/json")["Id"]
    file.write_text(whole)
    apply = _start(file, "--timeout", f"{allow(25):g}s")
    stdout, stderr = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 1, stderr
    assert "Get:1 something slow" in stderr
    assert "slow: the installation of hello was ended" in stderr
    assert "(its time is over)" in stdout
    assert "Left at once" not in stderr
    left = run(wire, container, ("sh", "-c", "cat /proc/[0-9]*/comm; ls -d /tmp/.nexusctl* 2>/dev/null")).output
    assert not re.search("apt-get|sleep 600|nexusctl", left), left
    assert left.split().count("sleep") == 1
    # Nobody holds the lock, and what was not done is to be done.
    again = prestarted.run([*NEXUSCTL, "plan", "-f", str(file)], capture_output=True, text=True, check=True)
    assert "1 to update in place" in again.stdout
    assert "is being changed" not in again.stdout
    run(wire, container, ("sh", "-c", "rm /usr/local/bin/apt-get"))
    assert wire.get(f"/containers/{container}/json")["Id"] == before


def test_a_startup_is_ended_when_the_time_is_over_and_the_old_one_serves_on(
    file: Path, stack_name: str, wire: Wire
) -> None:
    whole = file.read_text()
    endless = whole[: whole.index("  slow:")] + whole[whole.index("  begun:") :] + "    env: {N: '1'}\n"
    file.write_text(re.sub("startup: .*", "startup: exit 0", endless.replace("'1'", "'0'")))
    prestarted.run([*NEXUSCTL, "apply", "--yes", "-f", str(file)], capture_output=True, check=True)
    before = wire.get(f"/containers/{stack_name}_begun/json")["Id"]
    file.write_text(endless)
    apply = _start(file, "--timeout", f"{allow(25):g}s")
    _stdout, stderr = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 1, stderr
    assert "begun: not waited for any longer" in stderr
    assert "Left at once" not in stderr
    kept = wire.get(f"/containers/{stack_name}_begun/json")
    assert (kept["Id"], kept["State"]["Status"]) == (before, "running")
    assert wire.get("/containers/json", {"all": True, "filters": {"name": [f"{stack_name}_begun_new"]}}) == []


def test_what_goes_on_for_too_long_after_that_is_left(file: Path, stack_name: str, wire: Wire) -> None:
    whole = file.read_text()
    image, deaf = re.findall("image: (.+)", whole)[-1], """[sh, -c, "trap '' TERM; sleep 600 & wait; wait"]"""
    sandbox = f"  deaf: {{image: {image}, stop_grace_period: 10m, command: {deaf}}}\n"
    file.write_text(whole[: whole.index("  slow:")] + sandbox)
    prestarted.run([*NEXUSCTL, "apply", "--yes", "-f", str(file)], capture_output=True, check=True)
    made = wire.get(f"/containers/{stack_name}_deaf/json")["Id"]
    file.write_text(file.read_text().replace("deaf:", "calm:").replace("trap '' TERM; ", ""))
    command = [sys.executable, "-c", _BRIEFLY, "apply", "--yes", "-f", str(file), "--timeout", f"{allow(25):g}s"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    wire.post(f"/containers/{made}/kill")
    assert done.returncode == 1
    assert "deaf (stopping" in done.stderr
    assert "Left at once" in done.stderr


def _start(file: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*NEXUSCTL, "apply", "--yes", "-f", str(file), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _list_builders(wire: Wire, pid: int) -> list[str]:
    """The builders that the process `pid` has made."""
    found = wire.get("/containers/json", {"all": True, "filters": {"label": [f"{labels.ROLE}=builder"]}})
    return [entry["Id"] for entry in found if json.loads(entry["Labels"][labels.BUILDER])["pid"] == pid]


def _await_builder(wire: Wire, pid: int) -> None:
    """Until something is being installed in it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for builder in _list_builders(wire, pid):
            # One that was listed may have been made and not started, or be gone.
            with suppress(Conflict, NotFound):
                running = wire.get(f"/containers/{builder}/top", {"ps_args": "-o pid,args"})["Processes"]
                if any("sleep 600" in row[-1] for row in running):
                    return
        time.sleep(0.1)
    raise AssertionError("nothing is installed")


def _read_until(master: int, *words: bytes) -> bytes:
    seen, deadline = b"", time.monotonic() + PATIENCE
    while not all(word in seen for word in words):
        assert time.monotonic() < deadline, seen[-2000:]
        if select.select([master], [], [], 1.0)[0]:
            seen += os.read(master, 65536)
    return seen
