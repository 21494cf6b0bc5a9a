"""What Ctrl-C, SIGTERM and a closed pipe do to an apply."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.wire import Wire
from nexusctl.engine.labels import SANDBOX, STACK

pytestmark = pytest.mark.engine

PATIENCE = 60
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
    _, stderr = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 130, stderr
    assert "Stopping" in stderr
    assert "second: skipped: interrupted" in stderr
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
    assert apply.wait(timeout=20) == 130
    wire.delete(f"/containers/{first}", {"force": True})
    done = subprocess.run(
        [*NEXUSCTL, "destroy", "--yes", "--stack", stack_name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Nothing is left" in done.stdout


def test_a_reader_that_goes_away_is_no_traceback(slow_stack: Path) -> None:
    done = subprocess.run(
        f"{' '.join(NEXUSCTL)} plan -f {slow_stack} | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


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


def _wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"no {words!r} came")


def _create_go(wire: Wire, container: str) -> None:
    made = wire.post(f"/containers/{container}/exec", {"Cmd": ["touch", "/go"]})
    wire.post(f"/exec/{made['Id']}/start", {"Detach": True})


def _names(wire: Wire, stack: str) -> dict[str, str]:
    listed = wire.get("/containers/json", {"all": True, "filters": {"label": [f"{STACK}={stack}"]}})
    return {entry["Names"][0].lstrip("/"): entry["State"] for entry in listed}
