"""Lifetimes while somebody sets the clock on the wall: a real one, of the process that looks, by libfaketime."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.test_lifetimes import engine_url, own_engine

__all__ = ["engine_url", "own_engine"]

pytestmark = pytest.mark.engine

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))

LOOK = """
import runpy, select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
runpy.run_module("nexusctl", run_name="__main__")
"""
"""The library takes sleeps, of which it knows only some, for those of its own clock."""

BRIEF, LATE = 40, 60
"""Seconds of a short lifetime, and by how much a set clock may delay its end."""


class Clock:
    """`nexusctl reap` that looks each second, ends nothing, and tells what it would end, by a clock that is moved."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shift = folder, folder / "shift"
        self.move("+0")
        environ = {
            **os.environ, "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(self.shift),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        command = [sys.executable, "-c", LOOK, "reap", "--every", "1s", "--dry-run", "--json"]
        with (folder / "told").open("wb") as told:
            self.process = subprocess.Popen(command, cwd=folder, env=environ, stdout=told, stderr=told)

    def move(self, shift: str) -> None:
        draft = self.folder / "draft"
        draft.write_text(f"{shift}\n")
        draft.replace(self.shift)

    def tells_of(self, stack: str) -> set[str]:
        lines = (self.folder / "told").read_text().splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        plans = [one["plan"] for one in told if "plan" in one]
        return {change["name"] for plan in plans if plan["stack"] == stack for change in plan["changes"]}


@pytest.fixture
def clock(tmp_path: Path, own_engine: None) -> Iterator[Clock]:
    if not LIBRARIES:
        pytest.skip("libfaketime is not installed")
    made = Clock(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def run(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "nexusctl", *words], cwd=folder, check=True, capture_output=True)


def read_age(container: str) -> float:
    """The seconds since it was made, which on a busy machine is long before its apply has ended."""
    words = ["docker", "inspect", "--format", "{{.Created}}", container]
    created = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return time.time() - datetime.fromisoformat(created.strip()).timestamp()


@pytest.mark.parametrize("shifts", [("-1d",), ("+2d", "-1d", "+0")])
def test_nothing_ends_early_and_nothing_by_more_than_a_minute_late(
    clock: Clock, shifts: tuple[str, ...], tmp_path: Path, stack_name: str, base_image: str
) -> None:
    boxes = {
        name: {"image": base_image, "command": ["sleep", "infinity"], "timeout": f"{seconds}s"}
        for name, seconds in (("brief", BRIEF), ("long", 3600))
    }
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": boxes}))
    try:
        run(tmp_path, "apply", "--yes")
        begun = time.monotonic() - read_age(f"{stack_name}_brief")
        time.sleep(3)
        for shift in shifts:
            clock.move(shift)
            time.sleep(5)
        # Ages are told in whole seconds.
        while (waited := time.monotonic() - begun) < BRIEF - 10:
            assert clock.process.poll() is None
            assert clock.tells_of(stack_name) == set(), waited
            time.sleep(0.2)
        while not clock.tells_of(stack_name):
            assert time.monotonic() - begun < BRIEF + LATE
            time.sleep(0.2)
        assert clock.tells_of(stack_name) == {"brief"}
    finally:
        run(tmp_path, "destroy", "--yes")


def test_one_look_does_not_go_by_the_clock_of_who_looks(tmp_path: Path, stack_name: str, base_image: str) -> None:
    if not LIBRARIES:
        pytest.skip("libfaketime is not installed")
    box = {"image": base_image, "command": ["sleep", "infinity"], "timeout": "1h"}
    gone = {**box, "timeout": "1s"}
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": {"long": box, "brief": gone}}))

    def look(shift: str) -> set[str]:
        environ = {**os.environ, "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": shift}
        command = [sys.executable, "-m", "nexusctl", "reap", "--dry-run", "--json"]
        told = subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True, text=True).stdout
        plans = [json.loads(line)["plan"] for line in told.splitlines() if stack_name in line]
        return {change["name"] for plan in plans for change in plan["changes"]}

    try:
        run(tmp_path, "apply", "--yes")
        time.sleep(3)
        assert [look(shift) for shift in ("+0", "+2d", "-2d")] == [{"brief"}] * 3
    finally:
        run(tmp_path, "destroy", "--yes")
