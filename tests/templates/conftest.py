"""A sandbox of each template, applied as a user does it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.engine_names import container_name
from tests import prestarted
from tests.packages.inside import find_in_files, run_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One stack in a folder of its own."""

    folder: Path
    stack: str

    def apply(self, sandboxes: str, more: str = "") -> subprocess.CompletedProcess[str]:
        text = f"name: {self.stack}\nsandboxes: {sandboxes}\n{more}\n"
        (self.folder / "nexus.yaml").write_text(text)
        return self.nexusctl("apply", "--yes")

    def applied(self, sandboxes: str, more: str = "") -> None:
        done = self.apply(sandboxes, more)
        assert done.returncode == 0, done.stdout + done.stderr

    def endpoint(self, sandbox: str) -> str:
        """Where this machine reaches what the sandbox publishes."""
        found = json.loads(self.nexusctl("status", "--json").stdout)["sandboxes"]
        return str(next(one["endpoint"] for one in found if one["name"] == sandbox))

    def nexusctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nexusctl", *arguments]
        return prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=600, check=False)

    def run(self, sandbox: str, *command: str) -> str:
        """What `command` writes inside the sandbox; it has to exit with 0."""
        done = self.nexusctl("exec", sandbox, "--", *command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def container(self, sandbox: str) -> str:
        return container_name(self.stack, sandbox)

    def health(self, sandbox: str) -> str:
        """What the engine says once it has looked for itself: an apply has asked the sandbox already."""
        while (found := self._health(sandbox)) == "starting":
            time.sleep(0.5)
        return found

    def _health(self, sandbox: str) -> str:
        found = json.loads(self.nexusctl("status", "--json").stdout)["sandboxes"]
        return str(next(one["health"] for one in found if one["name"] == sandbox))


def refuse_traces(wire: Wire, tag: str) -> None:
    """Nothing of the making has stayed in the image."""
    assert find_in_files(wire, tag, b"/dev/nexusctl", b"nexusctl_builder") == set()
    left = run_in(wire, tag, ("/bin/sh", "-c", "ls -A /tmp /var/lib/apt/lists | grep -v -e : -e lock -e partial; true"))
    assert left.output.split() == []


@pytest.fixture
def trial(wire: Wire, tmp_path: Path, stack_name: str) -> Iterator[Trial]:
    chosen = Trial(folder=tmp_path, stack=stack_name)
    yield chosen
    done = chosen.nexusctl("destroy", "--yes", "--volumes", "--stack", stack_name, "--ignore-missing")
    assert done.returncode == 0, done.stderr
