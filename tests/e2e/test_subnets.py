"""nexusctl gives its networks their ranges: as planned, in the pools that it is told, beside others that do so, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted

pytestmark = pytest.mark.engine

POOL = "10.213.64.0/22"
"""Four networks' worth that nobody else here uses."""


@pytest.fixture
def stacks(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[list[str]]:
    """Five stack files with a sandbox each; what is made of them goes."""
    names = [f"{stack_name}-{number}" for number in range(5)]
    for name in names:
        sandbox = {"image": base_image, "command": ["sleep", "infinity"]}
        (tmp_path / f"{name}.yaml").write_text(json.dumps({"name": name, "sandboxes": {"a": sandbox}}))
    yield names
    for name in names:
        nexusctl(tmp_path, name, "destroy", "--yes")


def nexusctl(folder: Path, name: str, *words: str, pool: str = POOL) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "nexusctl", *words, "-f", f"{name}.yaml"]
    environ = {**os.environ, "NEXUS_SUBNETS": pool}
    return prestarted.run(argv, capture_output=True, text=True, cwd=folder, check=False, env=environ, timeout=300)


def subnet_of(wire: Wire, name: str) -> str:
    found: Any = wire.get(f"/networks/{name}_default")
    return str(found["IPAM"]["Config"][0]["Subnet"])


def test_networks_get_what_was_planned_side_by_side_until_the_pool_is_used_up(
    tmp_path: Path, stacks: list[str], wire: Wire
) -> None:
    planned = nexusctl(tmp_path, stacks[0], "plan", "--json")
    (subnet,) = {change["subnet"] for change in json.loads(planned.stdout)["changes"] if change["kind"] == "network"}
    assert IPv4Network(subnet).subnet_of(IPv4Network(POOL))
    assert nexusctl(tmp_path, stacks[0], "apply", "--yes").returncode == 0
    assert subnet_of(wire, stacks[0]) == subnet
    with ThreadPoolExecutor(max_workers=3) as pool:
        done = list(pool.map(lambda name: nexusctl(tmp_path, name, "apply", "--yes"), stacks[1:4]))
    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    made = {subnet_of(wire, name) for name in stacks[:4]}
    assert made == {str(one) for one in IPv4Network(POOL).subnets(new_prefix=24)}
    full = nexusctl(tmp_path, stacks[4], "plan")
    assert full.returncode == 1
    assert f"network {stacks[4]}_default: no address range is left in {POOL}" in full.stderr
    assert "NEXUS_SUBNETS" in full.stderr
    # Where one's networks lie is no part of what one desires.
    again = nexusctl(tmp_path, stacks[0], "plan", "--detailed-exitcode", pool="10.214.0.0/16")
    assert again.returncode == 0, again.stdout
