"""What Docker Compose itself makes of a file: `docker compose config`, where it is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ENVIRONMENT = {"NAMED": "from outside", "A1": "1", "B1": "b c", "E1": "", "E2": ""}
"""What the caller has; nothing else reaches Compose."""


@cache
def _is_there() -> bool:
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


needs_compose = pytest.mark.skipif(not _is_there(), reason="Docker Compose is not installed")


def services(folder: Path, wanted: Mapping[str, Any], options: Sequence[str] = ()) -> dict[str, Any] | str:
    """The services as Compose resolves them, or what it says where it refuses the file."""
    file = {"name": "oracle", "services": {name: {"image": "debian", **said} for name, said in wanted.items()}}
    (folder / "compose.yaml").write_text(json.dumps(file, ensure_ascii=False), encoding="utf-8")
    bare = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "DOCKER_CONFIG")}
    command = ["docker", "compose", *options, "-f", str(folder / "compose.yaml"), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**bare, **ENVIRONMENT}, check=False)
    if done.returncode:
        return done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def unset(folder: Path, options: Sequence[str] = ()) -> set[str]:
    """The variables of the file `compose.yaml` in `folder` that Compose warns about, as nobody sets them."""
    bare = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "DOCKER_CONFIG")}
    command = ["docker", "compose", *options, "-f", str(folder / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, env={**bare, **ENVIRONMENT}, check=True)
    return set(re.findall(r'The \\"(\w+)\\" variable is not set', done.stderr))


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a service; Compose writes each `$` twice."""
    said = service.get("environment") or {}
    return {name: value.replace("$$", "$") for name, value in said.items() if value is not None}
