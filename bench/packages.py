"""A hundred sandboxes with the same seven npm packages: how often are they installed?"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import daemon
from contestants import COMMAND, find_nexusctl, run

SEVEN = ["express", "jsonwebtoken", "bcrypt", "pg", "dotenv", "cors", "helmet"]


@dataclass(frozen=True)
class Installed:
    """`builders` is how many containers were made to install packages."""

    count: int
    builders: int
    seconds: float


def measure_installs(folder: Path, stack: str, count: int) -> Installed:
    """Apply `count` sandboxes with the same packages, which were never installed before, and remove them again."""
    _make_template_image(folder, f"{stack}-node")
    file = folder / "packages.yaml"
    # A working directory that was never used makes an environment that was never built.
    sandbox = {
        "template": "node",
        "packages": {"npm": SEVEN},
        "working_dir": f"/bench-{uuid.uuid4().hex[:12]}",
        "command": COMMAND,
    }
    name = f"{stack}-npm"
    sandboxes = {f"s{index:03}": sandbox for index in range(count)}
    file.write_text(json.dumps({"name": name, "version": 1, "sandboxes": sandboxes}))
    images: set[str] = set()
    try:
        with daemon.BuilderWatch() as watch:
            clock = time.perf_counter()
            pid = run([find_nexusctl(), "apply", "--yes", "-f", str(file)])
            seconds = time.perf_counter() - clock
        images = {found["Image"] for found in daemon.find_labelled("containers/json", f"dev.nexusctl.stack={name}")}
    finally:
        run([find_nexusctl(), "destroy", "--yes", "-f", str(file)])
        for image in images:
            daemon.call("DELETE", f"/images/{image}")
    return Installed(count=count, builders=watch.count(pid), seconds=seconds)


def _make_template_image(folder: Path, stack: str) -> None:
    """See that the template's own image is there, so that making it is not counted."""
    file = folder / "node.yaml"
    file.write_text(json.dumps({"name": stack, "sandboxes": {"one": {"template": "node", "command": COMMAND}}}))
    try:
        run([find_nexusctl(), "apply", "--yes", "-f", str(file)])
    finally:
        run([find_nexusctl(), "destroy", "--yes", "-f", str(file)])
