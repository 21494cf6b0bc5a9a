"""What Ctrl-C, SIGTERM and a closed pipe do to an apply."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.lock import hold
from nexusctl.engine.labels import SANDBOX, STACK
from nexusctl.model.engine_names import lock_name
from nexusctl.model.observed.lock_holder import LockHolder

pytestmark = pytest.mark.engine

_OF_A_STACK = ("plan", "status", "validate", "drift", "apply")

PATIENCE = 240
"""Seconds to wait for what has to come; only a hang meets it."""


@pytest.fixture
def slow_stack(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Path]:
    """`first` takes five minutes over its startup script unless it finds /go; `second` depends on it."""
    file = tmp_path / "nexus.yaml"
    file.write_text(f"""
name: {stack_name}
sandboxes:
  first:
    image: {base_image}
    command: [sleep, infinity]
    startup: "for i in $(seq 3000); do test -e /go && exit 0; sleep 0.1; done"
  second:
    image: {base_image}
    command: [sleep, infinity]
    depends_on: [first]
""")
    yield file
    subprocess.run([*NEXUSCTL, "destroy", "--yes", "--stack", stack_name], capture_output=True, check=False)


NEXUSCTL = [sys.executable, "-m", "nexusctl"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_running_steps_finish_and_starts_no_new_one(
    number: signal.Signals, slow_stack: Path, stack_name: str, wire: Wire
) -> None:
    apply = _start(slow_stack)
    first = _wait_for_startup(wire, stack_name)
    apply.send_signal(number)
    _create_go(wire, first)
    stdout, stderr = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 130, stderr
    assert "Stopping" in stderr
    assert "second: skipped: interrupted" in stderr
    assert _words(stdout, "done") == ["network", "default,", "first"]
    assert _words(stdout, "in part") == ["second"]
    assert _names(wire, stack_name) == {f"{stack_name}_first": "running", f"{stack_name}_second": "created"}
    again = subprocess.run([*NEXUSCTL, "apply", "--yes", "-f", slow_stack], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert set(_names(wire, stack_name).values()) == {"running"}


def test_the_second_signal_ends_the_process_at_once_and_its_lock_is_taken_over(
    slow_stack: Path, stack_name: str, wire: Wire
) -> None:
    apply = _start(slow_stack)
    first = _wait_for_startup(wire, stack_name)
    apply.send_signal(signal.SIGINT)
    _wait_for_line(apply, "Stopping")
    apply.send_signal(signal.SIGINT)
    # The startup script goes on for minutes; the process does not wait for it.
    assert apply.wait(timeout=PATIENCE) == 130
    assert apply.stderr is not None
    assert "Left at once" in apply.stderr.read()
    wire.delete(f"/containers/{first}", {"force": True})
    done = subprocess.run(
        [*NEXUSCTL, "destroy", "--yes", "--stack", stack_name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Nothing is left" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_question_changes_nothing_and_lets_the_lock_go(
    number: signal.Signals, slow_stack: Path, stack_name: str, wire: Wire
) -> None:
    keyboard, terminal = pty.openpty()
    try:
        apply = subprocess.Popen(
            [*NEXUSCTL, "apply", "-f", str(slow_stack)],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert apply.stderr is not None
        assert apply.stderr.read(len("Carry out")) == "Carry out"
        assert _volumes(wire, stack_name) == [lock_name(stack_name)]
        # Python does not hear of a signal that comes in the instant before it waits for a line.
        _wait_for_reading(apply)
        apply.send_signal(number)
        _, stderr = apply.communicate(timeout=PATIENCE)
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert apply.returncode == 130, stderr
    assert "Interrupted" in stderr
    assert (_volumes(wire, stack_name), _names(wire, stack_name)) == ([], {})


def test_a_signal_while_it_waits_for_the_lock_leaves_the_other_its_lock(
    slow_stack: Path, stack_name: str, wire: Wire
) -> None:
    holder = LockHolder(stack=stack_name, owner="0123456789abcdef", user="dev", host="elsewhere", pid=42)
    with hold(wire, stack_name, holder, timeout=0, report=print):
        apply = _start(slow_stack)
        _wait_for_line(apply, "waiting for")
        apply.send_signal(signal.SIGTERM)
        assert apply.wait(timeout=PATIENCE) == 130
        assert _volumes(wire, stack_name) == [lock_name(stack_name)]


@pytest.mark.parametrize(
    "words",
    ["plan", "plan --json", "status", "validate", "template list", "doctor", "--help", "drift", "apply --yes --json"],
)
def test_a_reader_that_was_never_there_is_no_traceback(words: str, slow_stack: Path) -> None:
    slow_stack.write_text(slow_stack.read_text().replace("startup:", "env: {A: b} #"))
    _, stderr = _pipe_into("head -c 0", words, slow_stack).communicate(timeout=PATIENCE)
    assert "Traceback" not in stderr
    assert "BrokenPipe" not in stderr


def test_a_reader_that_goes_away_stops_an_apply_like_ctrl_c(slow_stack: Path, stack_name: str, wire: Wire) -> None:
    both = _pipe_into("grep -m 1 'startup script'", "apply --yes --json", slow_stack)
    first = _wait_for_startup(wire, stack_name)
    _create_go(wire, first)
    stdout, stderr = both.communicate(timeout=PATIENCE)
    assert (len(stdout.splitlines()), stderr) == (1, "")
    assert _volumes(wire, stack_name) == [], "it left its lock behind"
    assert _names(wire, stack_name) == {f"{stack_name}_first": "running", f"{stack_name}_second": "created"}
    again = subprocess.run([*NEXUSCTL, "apply", "--yes", "-f", slow_stack], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert set(_names(wire, stack_name).values()) == {"running"}


def _pipe_into(reader: str, words: str, file: Path) -> subprocess.Popen[str]:
    """`nexusctl WORDS | READER`, which ends when both have ended."""
    place = f" -f {file}" if words.split(maxsplit=1)[0] in _OF_A_STACK else ""
    return subprocess.Popen(
        f"{' '.join(NEXUSCTL)} {words}{place} | {reader}",
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _start(file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*NEXUSCTL, "apply", "--yes", "-f", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _wait_for_startup(wire: Wire, stack: str) -> str:
    """The id of `first` once its startup script runs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for entry in wire.get("/containers/json", {"filters": {"label": [f"{STACK}={stack}", f"{SANDBOX}=first"]}}):
            if wire.get(f"/containers/{entry['Id']}/json")["ExecIDs"]:
                return str(entry["Id"])
        time.sleep(0.1)
    raise AssertionError("the startup script did not begin")


def _wait_for_reading(process: subprocess.Popen[str]) -> None:
    """Wait until the kernel holds it in a call on its standard input."""
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{process.pid}/syscall").read_text().split()[1:2] != ["0x0"]:
        assert time.monotonic() < deadline, "it reads no line"
        time.sleep(0.02)


def _wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"no {words!r} came")


def _words(text: str, outcome: str) -> list[str]:
    """The words behind `outcome` in the last word of a run."""
    return next(line.strip().removeprefix(outcome).split() for line in text.splitlines() if f"  {outcome} " in line)


def _volumes(wire: Wire, stack: str) -> list[str]:
    return [entry["Name"] for entry in wire.get("/volumes", {"filters": {"label": [f"{STACK}={stack}"]}})["Volumes"]]


def _create_go(wire: Wire, container: str) -> None:
    made = wire.post(f"/containers/{container}/exec", {"Cmd": ["touch", "/go"]})
    wire.post(f"/exec/{made['Id']}/start", {"Detach": True})


def _names(wire: Wire, stack: str) -> dict[str, str]:
    listed = wire.get("/containers/json", {"all": True, "filters": {"label": [f"{STACK}={stack}"]}})
    return {entry["Names"][0].lstrip("/"): entry["State"] for entry in listed}
