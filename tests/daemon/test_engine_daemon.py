"""`nexusctl engine` on a real, second daemon; the machine's own is looked at and never touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.docker.host.decide import Target
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH, read_listener, read_start
from nexusctl.engine.docker.host.process import forget, state_folder

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]


@dataclass(frozen=True)
class Second:
    """A place for a second engine."""

    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "engine.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self, *more: str) -> subprocess.CompletedProcess[str]:
        return nexusctl("engine", "start", "--host", self.url, "--data-root", str(self.folder / "data"), *more)

    def stop(self) -> subprocess.CompletedProcess[str]:
        return nexusctl("engine", "stop", "--host", self.url)

    def status(self) -> dict[str, object] | None:
        return json.loads(nexusctl("engine", "status", "--host", self.url, "--json").stdout)["engine"]  # type: ignore[no-any-return]


@pytest.fixture
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Second]:
    # A socket's path may have 107 bytes, and pytest's own folders carry the test's name.
    with open_place(tmp_path_factory.mktemp("d")) as place:
        yield place


@contextmanager
def open_place(folder: Path) -> Iterator[Second]:
    """A place for a second engine in `folder`, which goes with it."""
    place = Second(folder)
    try:
        yield place
    finally:
        clear(place)


def clear(place: Second) -> None:
    """End the engine with all that it runs, and remove what it has."""
    place.stop()
    kill_what_it_ran(place)
    unmount_below(place.folder)
    forget(Target(socket=str(place.socket)))
    shutil.rmtree(place.folder, ignore_errors=True)


def kill_what_it_ran(place: Second) -> None:
    """The containers of a daemon that was killed run on, each below a process that is started with its folder."""
    own = f"{state_folder(Target(socket=str(place.socket)))}/"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_text().split("\0")
            if words[0].endswith("containerd-shim-runc-v2") and any(word.startswith(own) for word in words):
                for pid in (process / "task" / process.name / "children").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
                os.kill(int(process.name), signal.SIGKILL)


def unmount_below(folder: Path) -> None:
    """A killed daemon leaves its data root mounted on itself."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        # Lazily: what was killed with the daemon may hold it for a moment longer.
        subprocess.run(["umount", "--lazy", mount], check=True)


def nexusctl(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "nexusctl"
    return subprocess.run(
        [str(program), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environ},
        timeout=180,
        check=False,
    )


def test_start_brings_up_an_engine_that_answers_and_stop_ends_it(second: Second) -> None:
    started = second.start()
    assert started.returncode == 0, started.stderr
    assert f"export DOCKER_HOST={second.url}" in started.stdout
    found = second.status()
    assert found is not None
    pid = found["pid"]
    assert isinstance(pid, int)
    assert pid == read_listener(str(second.socket))
    assert found["storage_folder"] == str(second.folder / "data")
    assert found["started_by_nexusctl"] is True
    assert os.getsid(pid) == pid, "it would end with the terminal that started it"

    stopped = second.stop()
    assert stopped.returncode == 0, stopped.stderr
    assert f"pid {pid}" in stopped.stdout
    assert not read_start(pid)
    assert not second.socket.exists()
    assert second.status() is None


def test_a_second_start_uses_the_engine_that_runs(second: Second) -> None:
    second.start()
    before = read_listener(str(second.socket))
    again = second.start("--json")
    assert json.loads(again.stdout)["done"].startswith("an engine answers already")
    assert read_listener(str(second.socket)) == before


def test_two_starts_at_once_make_one_engine(second: Second) -> None:
    program = str(Path(sys.executable).parent / "nexusctl")
    argv = [program, "engine", "start", "--host", second.url, "--data-root", str(second.folder / "data")]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    answers = [process.communicate(timeout=180) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert sum(b"started /" in out for out, _ in answers) == 1
    assert second.status() is not None


def test_the_machines_own_engine_keeps_its_bridge_and_its_firewall(second: Second) -> None:
    if not all(shutil.which(program, path=DAEMON_PATH) for program in ("iptables-save", "ip")):
        pytest.skip("iptables or iproute2 is not installed")

    def read_network() -> list[str]:
        rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout.splitlines()
        # What is for one address only belongs to a container, and others start and stop theirs meanwhile.
        return [rule for rule in rules if "docker0" in rule and "/32" not in rule and "DNAT" not in rule] + sorted(
            path.name
            for path in Path("/sys/class/net").iterdir()
            if (path / "bridge").is_dir() and path.name == "docker0"
        )

    before = read_network()
    second.start()
    during = read_network()
    second.stop()
    assert during == before
    assert read_network() == before


def test_a_second_engine_has_networks_of_its_own(second: Second) -> None:
    second.start()
    wire = Wire(Endpoint(url=second.url, source="test"))
    assert {"bridge", "host", "none"} <= {network["Name"] for network in wire.get("/networks")}
    made = wire.post("/networks/create", {"Name": "inside"})["Id"]
    assert made not in {network["Id"] for network in connect().get("/networks")}
    assert f"br-{made[:12]}" not in {path.name for path in Path("/sys/class/net").iterdir()}


def test_a_daemon_that_was_killed_is_started_anew(second: Second) -> None:
    second.start()
    pid = read_listener(str(second.socket))
    os.kill(pid, signal.SIGKILL)
    # Its containerd notices by itself; a daemon that is started meanwhile takes over.
    again = second.start()
    assert again.returncode == 0, again.stderr
    assert read_listener(str(second.socket)) not in (0, pid)


def test_a_daemon_that_cannot_start_shows_the_last_lines_of_its_log(second: Second) -> None:
    (second.folder / "data").write_text("a file where the data root should be")
    failed = second.start()
    assert failed.returncode == 1
    assert "dockerd has ended" in failed.stderr
    assert "canonical path points to a file" in failed.stderr
    assert not second.socket.exists()


def test_stop_refuses_an_engine_that_somebody_else_started() -> None:
    known = json.loads(nexusctl("engine", "status", "--json").stdout)["engine"]
    if known is None or known["started_by_nexusctl"]:
        pytest.skip("the machine's engine was started by nexusctl itself")
    refused = nexusctl("engine", "stop")
    assert refused.returncode == 1
    assert "was not started by `nexusctl engine start`" in refused.stderr
    after = json.loads(nexusctl("engine", "status", "--json").stdout)["engine"]
    assert after["endpoint"] == known["endpoint"]


def test_stop_refuses_where_nothing_listens(second: Second) -> None:
    refused = second.stop()
    assert refused.returncode == 1
    assert "nothing listens" in refused.stderr


def test_status_exits_with_1_where_none_answers(second: Second) -> None:
    plain = nexusctl("engine", "status", "--host", second.url)
    assert plain.returncode == 1
    assert "engine start" in plain.stderr
    as_json = nexusctl("engine", "status", "--host", second.url, "--json")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["engine"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data-root", "/tmp/x"], "--host unix:///some/path.sock"),
        (["--host", "tcp://localhost:1"], "listens on a socket of this machine"),
        (["--host", "unix://relative"], "absolute path"),
        (["--host", "unix:///" + "x" * 200], "107 bytes"),
    ],
)
def test_options_that_name_no_place_for_an_engine_are_refused(arguments: list[str], said: str) -> None:
    refused = nexusctl("engine", "start", *arguments)
    assert refused.returncode == 1
    assert said in refused.stderr


def test_an_engine_elsewhere_that_does_not_answer_is_not_replaced_by_one_here() -> None:
    refused = nexusctl("engine", "start", DOCKER_HOST="tcp://127.0.0.1:9")
    assert refused.returncode == 1
    assert "it is not on this machine" in refused.stderr
    assert "take DOCKER_HOST away" in refused.stderr
