"""`prune` on an engine of its own: what no stack needs goes, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from tests.daemon.kills import second_engine
from tests.daemon.yard import Yard

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]


@pytest.fixture
def yard() -> Iterator[Yard]:
    with second_engine() as found:
        yield Yard(*found)


def prune(yard: Yard, *words: str) -> dict[str, Any]:
    done = yard.nexusctl("prune", "--json", *words)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_what_no_stack_needs_goes_and_nothing_else(yard: Yard) -> None:
    for name in ("used", "idle", "named"):
        yard.docker("tag", yard.image, f"nexusctl/env:{name}")
    # Images of their own, as environments are.
    for name in ("used", "idle", "named"):
        made = yard.docker("create", "--network", "none", yard.image, "true").strip()
        yard.docker("commit", "--change", f"LABEL n={name}", made, f"nexusctl/env:{name}")
        yard.docker("rm", made)
    yard.docker("tag", "nexusctl/env:named", "mine:1")
    yard.docker("run", "-d", "--network", "none", "--name", "holder", "nexusctl/env:used", "sleep", "infinity")
    marks = {"idle-cache": {labels.ROLE: "cache"}, "data": {labels.ROLE: "volume", labels.STACK: "gone"}, "mine": {}}
    for name, found in marks.items():
        words = [word for key, value in found.items() for word in ("--label", f"{key}={value}")]
        yard.docker("volume", "create", *words, name)
    before = set(yard.docker("images", "-a", "--format", "{{.Repository}}:{{.Tag}}").split())
    shown = prune(yard, "--dry-run")
    assert [(one["kind"], one["name"], one["removed"]) for one in shown["found"]] == [
        ("image", "nexusctl/env:idle", False),
        ("cache", "idle-cache", False),
    ]
    assert shown["found"][0]["size"] > 0
    assert set(yard.docker("images", "-a", "--format", "{{.Repository}}:{{.Tag}}").split()) == before
    checks = {one["name"]: one for one in json.loads(yard.nexusctl("doctor", "--json").stdout)["checks"]}
    size = f"up to {shown['bytes'] / 1024**3:.1f} GiB in 2 environments and caches that no stack needs"
    assert (checks["unused"]["status"], checks["unused"]["finding"]) == ("ok", size)
    assert "pass --yes" in yard.nexusctl("prune").stderr
    said = prune(yard, "--yes")
    assert [one["removed"] for one in said["found"]] == [True, True]
    left = set(yard.docker("images", "-a", "--format", "{{.Repository}}:{{.Tag}}").split())
    assert before - left == {"nexusctl/env:idle"}
    assert set(yard.docker("volume", "ls", "-q").split()) == {"data", "mine"}
    assert prune(yard, "--yes") == {"format_version": said["format_version"], "found": [], "bytes": 0}
    assert "Nothing that no stack needs." in yard.succeed("prune")
