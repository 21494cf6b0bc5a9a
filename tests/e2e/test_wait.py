"""Waiting for what sandboxes come to; a wait changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine


class Place:
    def __init__(self, folder: Path, stack: str, image: str) -> None:
        self.folder, self.stack = folder, stack
        sleeper = {"image": image, "command": ["sleep", "infinity"], "networks": []}
        probe = {"command": ["test", "-e", "/tmp/up"], "interval": "200ms", "retries": 600}
        boxes = {
            "slow": {**sleeper, "health": probe},
            "plain": sleeper,
            "job": {**sleeper, "kind": "task", "command": "sleep 1"},
        }
        (folder / "nexus.yaml").write_text(json.dumps({"name": stack, "sandboxes": boxes}))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nexusctl", *words]
        return prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)

    def docker(self, *words: str) -> None:
        subprocess.run(["docker", *words], check=True, capture_output=True)


@pytest.fixture
def place(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Place]:
    made = Place(tmp_path, stack_name, base_image)
    begun = threading.Thread(target=made.run, args=("apply", "--yes"))
    begun.start()
    assert made.run("wait", "plain", "--for", "gone").returncode in (0, 1)
    # Before the apply has made anything there is nothing to wait for by name.
    while made.run("wait", "slow", "--for", "running", "--timeout", "60s").returncode:
        pass
    made.docker("exec", f"{stack_name}_slow", "touch", "/tmp/up")
    begun.join()
    yield made
    made.run("destroy", "--yes")


def test_it_ends_when_all_have_come_to_it(place: Place) -> None:
    assert place.run("wait", "slow", "--for", "healthy").returncode == 0
    assert place.run("wait", "job", "--for", "completed").returncode == 0
    both = json.loads(place.run("wait", "slow", "plain", "--for", "running", "--json").stdout)
    assert (both["met"], [one["name"] for one in both["sandboxes"]]) == (True, ["plain", "slow"])
    ending = threading.Timer(1, place.docker, ("stop", "-t", "0", f"{place.stack}_plain"))
    ending.start()
    found = json.loads(place.run("wait", "plain", "--for", "stopped", "--json").stdout)
    assert (found["met"], [one["state"] for one in found["sandboxes"]]) == (True, ["exited"])
    ending.join()
    place.docker("rm", f"{place.stack}_plain")
    assert place.run("wait", "plain", "--for", "gone").returncode == 0


def test_it_ends_at_once_where_it_cannot_come_to_it_and_in_its_time_where_it_does_not(place: Place) -> None:
    said = place.run("wait", "plain")
    assert (said.returncode, "plain has no health check" in said.stderr) == (1, True)
    assert "`--for running` waits for it as it is" in said.stderr
    place.docker("kill", f"{place.stack}_plain")
    said = place.run("wait", "plain", "--for", "running")
    assert (said.returncode, "plain has exited with code 137" in said.stderr) == (1, True)
    said = place.run("wait", "slow", "--for", "stopped", "--timeout", "1s")
    assert (said.returncode, "not stopped in time: slow (healthy)" in said.stderr) == (124, True)
    assert "did you mean `slow`?" in place.run("wait", "slaw").stderr
    # One that is gone may be called so nowhere any more, or it is mistyped.
    said = place.run("wait", "slaw", "--for", "gone")
    assert (said.returncode, said.stderr) == (0, "warning: no sandbox is called slaw\nhelp: did you mean `slow`?\n")
