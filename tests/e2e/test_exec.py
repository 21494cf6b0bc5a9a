"""`nexusctl exec` at the command line: whose an option is, and what a signal out here does to what runs inside."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run
from tests import prestarted

pytestmark = pytest.mark.engine

NEXUSCTL = [sys.executable, "-m", "nexusctl"]

PATIENCE = 240
"""Seconds to wait for what has to come; only a hang meets it."""


@pytest.fixture(scope="module")
def shared_box(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[str]:
    with _made(tmp_path_factory.mktemp("box"), f"test-{uuid.uuid4().hex[:10]}", base_image) as stack:
        yield stack


@pytest.fixture
def box(shared_box: str, wire: Wire) -> Iterator[str]:
    """The name of a stack with one sandbox `box`, for --stack; it is also that of its container before `_box`."""
    yield shared_box
    # What a test that failed has left would be taken for what the next one has started.
    if _list_processes(wire, shared_box) != ["sleep infinity"]:
        wire.post(f"/containers/{shared_box}_box/restart", query={"t": 0})


@pytest.fixture
def own_box(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[str]:
    """As `box`, for one test alone, which leaves it in no state for others."""
    with _made(tmp_path, stack_name, base_image) as stack:
        yield stack


@contextmanager
def _made(folder: Path, stack: str, image: str) -> Iterator[str]:
    file = folder / "nexus.yaml"
    box = f"{{image: {image}, command: [sleep, infinity], networks: []}}"
    file.write_text(f"name: {stack}\nsandboxes: {{box: {box}}}\n")
    prestarted.run([*NEXUSCTL, "apply", "--yes", "-f", str(file)], check=True, capture_output=True)
    yield stack
    prestarted.run([*NEXUSCTL, "destroy", "--yes", "--stack", stack], capture_output=True, check=False)


@pytest.mark.parametrize(
    ("words", "stdin", "stdout"),
    [
        (["box", "sort", "-u"], "b\na\na\n", "a\nb\n"),
        (["box", "cp", "-T", "/etc/hostname", "/tmp/x"], "", ""),
        (["box", "rm", "-f", "/nowhere"], "", ""),
        (["box", "echo", "-e", "x", "-w", "--json", "--help", "--", "-u"], "", "x -w --json --help -- -u\n"),
        (["box", "--", "echo", "--", "x"], "", "-- x\n"),
        (["--", "box", "echo", "x"], "", "x\n"),
        (["-it", "box", "echo", "x"], "", "x\n"),
        (["-ti", "-u", "daemon", "box", "id", "-un"], "", "daemon\n"),
    ],
)
def test_everything_behind_the_name_is_the_commands(words: list[str], stdin: str, stdout: str, box: str) -> None:
    done = _run(box, *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (0, stdout), done.stderr


def test_a_failing_command_that_says_json_gets_no_json_of_ours(box: str) -> None:
    done = _run(box, "no", "x", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no live sandbox no" in done.stderr


@pytest.mark.parametrize("user", ["root", "daemon"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_that_runs_inside(number: signal.Signals, user: str, box: str, wire: Wire) -> None:
    script = "sleep 777 & setsid sleep 778 & echo begun; sleep 779"
    process = _start(box, "-u", user, "box", "sh", "-c", script)
    _await_running(wire, box, "sleep 777", "sleep 778", "sleep 779")
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    # The shell inside does not even remark on its children, which are ended after it.
    assert (process.returncode, stdout, stderr) == (128 + number, "begun\n", "")
    _await_rest(wire, box)


# What the shell of an image finds to help it, and which shells there are, differs: what has to go is removed first.
@pytest.mark.parametrize(
    "gone", ["tr grep sh dash", "tr grep sh dash bash perl"], ids=["a shell and nothing else", "no shell"]
)
def test_a_signal_ends_it_in_a_sandbox_with_any_shell_and_without_one(gone: str, own_box: str, wire: Wire) -> None:
    run(wire, f"{own_box}_box", ("rm", *(f"/usr/bin/{name}" for name in gone.split())))
    process = _start(own_box, "box", "sleep", "777")
    _await_running(wire, own_box, "sleep 777")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 143
    _await_rest(wire, own_box)


def test_what_nobody_could_end_is_said_to_run_on(own_box: str, wire: Wire) -> None:
    run(wire, f"{own_box}_box", ("rm", *(f"/usr/bin/{name}" for name in ("sh", "dash", "bash", "perl"))))
    group = str(Path("/var/run/docker.sock").stat().st_gid)
    nobody = ["setpriv", "--reuid", "65534", "--regid", group, "--clear-groups"]
    process = _start(own_box, "box", "sleep", "777", before=nobody)
    _await_running(wire, own_box, "sleep 777")
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert "sleep runs on inside" in stderr
    assert _list_processes(wire, own_box) == ["sleep 777", "sleep infinity"]


def test_what_gave_its_environment_away_is_ended_too(box: str, wire: Wire) -> None:
    process = _start(box, "box", "sh", "-c", "env -i sleep 777 & sleep 778")
    _await_running(wire, box, "sleep 777", "sleep 778")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 143
    _await_rest(wire, box)


def test_a_command_has_the_time_to_clean_up_and_hears_of_it_once(box: str, wire: Wire) -> None:
    script = 'trap "echo cleaning; sleep 0.5; echo cleaned; exit 3" INT; sleep 777 & wait'
    process = _start(box, "box", "bash", "-c", script)
    _await_running(wire, box, "sleep 777")
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, stdout) == (130, "cleaning\ncleaned\n")


def test_one_that_takes_no_notice_is_killed(box: str, wire: Wire) -> None:
    process = _start(box, "box", "bash", "-c", 'trap "" INT TERM HUP; sleep 777')
    _await_running(wire, box, "sleep 777")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 143
    _await_rest(wire, box)


def test_a_terminal_that_goes_away_ends_what_ran_in_it(box: str, wire: Wire) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [*NEXUSCTL, "exec", "-it", "--stack", box, "box", "bash", "-c", "sleep 777"])
    _await_running(wire, box, "sleep 777")
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 129
    _await_rest(wire, box)


def _run(stack: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [*NEXUSCTL, "exec", "--stack", stack, *words]
    return prestarted.run(command, input=stdin, capture_output=True, text=True, check=False)


def _start(stack: str, *words: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, *NEXUSCTL, "exec", "--stack", stack, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _list_processes(wire: Wire, stack: str) -> list[str]:
    """What runs inside, by the engine's account, without its own init."""
    found = wire.get(f"/containers/{stack}_box/top", {"ps_args": "-o pid,args"})["Processes"]
    return sorted(row[-1] for row in found if "docker-init" not in row[-1])


def _await_running(wire: Wire, stack: str, *commands: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not set(commands) <= set(found := _list_processes(wire, stack)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def _await_rest(wire: Wire, stack: str) -> None:
    """Until nothing but the sandbox's own program runs; what guards a command ends a moment after it."""
    deadline = time.monotonic() + PATIENCE
    while (found := _list_processes(wire, stack)) != ["sleep infinity"]:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
