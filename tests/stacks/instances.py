"""Ten instances of one stack brought up at once, beside each other: `python -m tests.stacks.instances [COUNT]`.

The stack is that of `stacks/regions`, with a fixed port of this machine. Every sandbox of each is healthy then, each is
reached at a port of its own and says whose it is, a plan is empty, and when all were destroyed at once nothing is left.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.stacks.stack_copy import STACKS

NEXUSCTL = (sys.executable, "-m", "nexusctl")
LONGEST = 900.0
"""Seconds that all of them may take together, on a machine with other work."""


class Row:
    """So many instances of a copy of the stack, which no other copy is called like."""

    def __init__(self, folder: Path, count: int) -> None:
        self.stack = f"instances-{os.urandom(3).hex()}"
        self.names = [f"{chr(ord('a') + number % 26)}{number}" for number in range(count)]
        self.folder = folder / "regions"
        shutil.copytree(STACKS / "regions", self.folder)
        file = self.folder / "nexus.yaml"
        file.write_text(file.read_text().replace("name: regions", f"name: {self.stack}", 1))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        (self.folder / "fixed.yaml").write_text(json.dumps({"published": [f"{self.port}:8000"]}))

    def at_once(self, verb: str, *options: str) -> None:
        """`verb` for every instance, all at the same time."""
        running = {
            name: subprocess.Popen(
                [*NEXUSCTL, verb, *options, "--instance", name],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name in self.names
        }
        said = {name: process.communicate(timeout=LONGEST)[0] for name, process in running.items()}
        failed = [said[name] for name, process in running.items() if process.returncode != 0]
        require(not failed, "\n".join(failed))

    def ask(self, *words: str) -> Any:
        done = subprocess.run(
            [*NEXUSCTL, *words, "--json"], cwd=self.folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        require(done.returncode == 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def check(self) -> None:
        """Raise `SystemExit` unless each is there, well, and itself."""
        listed = {row["instance"]: row for row in self.ask("instances", self.stack)["instances"]}
        require(sorted(listed) == sorted(self.names), f"listed are {sorted(listed)}")
        ports = set()
        for name in self.names:
            way = ("--var-file", "fixed.yaml", "--instance", name)
            boxes = self.ask("status", *way)["sandboxes"]
            states = {(box["state"], box["health"]) for box in boxes}
            require(len(boxes) == 3 and states == {("running", "healthy")}, f"{name}: {boxes}")
            url = self.ask("output", "url", *way)["outputs"]["url"]["value"]
            token = {"Authorization": "Bearer only-for-trying"}
            with urllib.request.urlopen(urllib.request.Request(url, headers=token), timeout=60) as answer:
                text = answer.read().decode()
            require(f"({self.stack}.{name}, " in text, f"{name} says {text}")
            ports.add(url.rsplit(":", 1)[1])
            require(self.ask("plan", *way)["empty"], f"the plan of {name} is not empty")
        require(len(ports) == len(self.names), f"their ports are {ports}")

    def left(self) -> list[str]:
        """What the engine has of any of them."""
        kinds: Mapping[str, Iterable[str]] = {
            "container": ("-a", "--format", "{{.Names}}"),
            "network": (),
            "volume": (),
        }
        found = []
        for kind, more in kinds.items():
            words = ["docker", kind, "ls", *(more or ("--format", "{{.Name}}")), "--filter", f"name={self.stack}"]
            found += subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        return found


def require(holds: bool, problem: str) -> None:
    if not holds:
        raise SystemExit(problem)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        row = Row(Path(folder), count)
        begin = time.monotonic()
        try:
            row.at_once("apply", "--yes", "--var-file", "fixed.yaml")
            up = time.monotonic()
            row.check()
            checked = time.monotonic()
        finally:
            row.at_once("destroy", "--yes", "--volumes", "--ignore-missing", "--var-file", "fixed.yaml")
        gone = time.monotonic()
        require(row.left() == [], f"left are {row.left()}")
    print(
        f"{count} instances of 3 sandboxes: up in {up - begin:.1f} s, gone in {gone - checked:.1f} s, nothing is left"
    )


if __name__ == "__main__":
    main()
