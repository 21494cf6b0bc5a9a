"""A copy of one of the stacks that come with nexusctl, under a name of its own, and the program run on it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import SANDBOX, STACK
from tests import prestarted

STACKS = Path(__file__).parents[2] / "stacks"

FIRST_APPLY = 900
"""Seconds for an apply that makes templates' images and installs packages first; only a hang meets it."""

TIMEOUT = 180
"""Seconds for any other command."""


@dataclass(frozen=True, kw_only=True)
class StackCopy:
    folder: Path
    stack: str
    wire: Wire

    def nexusctl(
        self,
        *arguments: str,
        exit_code: int = 0,
        timeout: float = TIMEOUT,
        given: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> str:
        """What the program wrote to stdout; everything it wrote is shown where it ends with another code."""
        done = prestarted.run(
            [sys.executable, "-m", "nexusctl", *arguments],
            cwd=self.folder,
            env={**os.environ, **(environ or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == exit_code, (
            f"nexusctl {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def status(self) -> dict[str, dict[str, Any]]:
        document = json.loads(self.nexusctl("status", "--json"))
        return {sandbox["name"]: sandbox for sandbox in document["sandboxes"]}

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert before in text, f"{file} has no {before!r}"
        path.write_text(text.replace(before, after))

    def containers(self) -> dict[str, str]:
        """The id of each sandbox's container, as the engine has it."""
        listed = self.wire.get("/containers/json", {"all": True, "filters": self._mine()})
        return {container["Labels"][SANDBOX]: container["Id"] for container in listed}

    def remains(self) -> dict[str, list[str]]:
        """The names of all that the engine still has of the stack, the lock too."""
        volumes = self.wire.get("/volumes")["Volumes"] or []
        return {
            "containers": sorted(self.containers()),
            "networks": [network["Name"] for network in self.wire.get("/networks", {"filters": self._mine()})],
            "volumes": [volume["Name"] for volume in volumes if self.stack in volume["Name"]],
        }

    def _mine(self) -> dict[str, list[str]]:
        return {"label": [f"{STACK}={self.stack}"]}


NOTHING: dict[str, list[str]] = {"containers": [], "networks": [], "volumes": []}


@contextmanager
def copy_stack(name: str, folder: Path, wire: Wire) -> Iterator[StackCopy]:
    """Whatever a test leaves of the copy is removed at the end."""
    stack = f"{name[:20]}-{uuid4().hex[:8]}"
    target = folder / name
    shutil.copytree(STACKS / name, target)
    file = target / "nexus.yaml"
    text, count = re.subn(rf"^name: {name}$", f"name: {stack}", file.read_text(), flags=re.MULTILINE)
    assert count == 1, f"{name}: the stack is not called as its folder"
    file.write_text(text)
    copy = StackCopy(folder=target, stack=stack, wire=wire)
    try:
        yield copy
    finally:
        copy.nexusctl("destroy", "--yes", "--volumes", "--ignore-missing", "--stack", stack)
