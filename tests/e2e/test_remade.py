"""What somebody removes and makes anew under the same name is the same to a stack that names it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests import prestarted
from tests.ranges import make_network

pytestmark = pytest.mark.engine


@pytest.fixture
def outer(wire: Wire, stack_name: str) -> Iterator[str]:
    """A network of nobody's, and what a test has put in its place."""
    name = f"{stack_name}-outer"
    make_network(wire, name)
    yield name
    nexusctl("destroy", "--yes", "--stack", stack_name)
    wire.delete(f"/networks/{name}")


def nexusctl(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "nexusctl", *words]
    return prestarted.run(argv, capture_output=True, text=True, check=False, timeout=300)


def write(folder: Path, stack: dict[str, Any]) -> str:
    file = folder / "nexus.yaml"
    file.write_text(json.dumps(stack))
    return str(file)


def networks_of(wire: Wire, container: str) -> dict[str, str]:
    found = wire.get(f"/containers/{container}/json")["NetworkSettings"]["Networks"]
    return {name: place["NetworkID"] for name, place in found.items() if place["EndpointID"]}


@pytest.mark.parametrize("networks", [["outer"], ["default", "outer"]], ids="-".join)
@pytest.mark.parametrize("state", ["stopped", "running"])
def test_an_external_network_that_was_made_anew_is_joined_in_place(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, wire: Wire, state: str, networks: list[str]
) -> None:
    sandbox = {"image": base_image, "command": ["sleep", "infinity"], "networks": networks}
    stack = {"name": stack_name, "networks": {"outer": {"external": outer}}, "sandboxes": {"a": sandbox}}
    file, container = write(tmp_path, stack), f"{stack_name}_a"
    assert nexusctl("apply", "--yes", "-f", file).returncode == 0
    before = wire.get(f"/containers/{container}/json")["Id"]
    if state == "stopped":
        wire.post(f"/containers/{container}/stop", query={"t": 0})
    else:
        wire.post(f"/networks/{outer}/disconnect", {"Container": before, "Force": True})
    wire.delete(f"/networks/{outer}")
    made = make_network(wire, outer)
    done = nexusctl("apply", "--yes", "-f", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'"{outer}" -> "{outer}"' not in done.stdout
    assert "networks.outer" in done.stdout
    assert wire.get(f"/containers/{container}/json")["Id"] == before
    assert networks_of(wire, container)[outer] == made
    again = nexusctl("plan", "--detailed-exitcode", "-f", file)
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_start_without_its_network_says_what_brings_it_back(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, wire: Wire
) -> None:
    sandbox = {"image": base_image, "command": ["sleep", "infinity"], "networks": ["outer"]}
    stack = {"name": stack_name, "networks": {"outer": {"external": outer}}, "sandboxes": {"net": sandbox}}
    file = write(tmp_path, stack)
    assert nexusctl("apply", "--yes", "-f", file).returncode == 0
    assert nexusctl("stop", "net", "-f", file).returncode == 0
    wire.delete(f"/networks/{outer}")
    make_network(wire, outer)
    for verb in ("start", "restart"):
        done = nexusctl(verb, "net", "-f", file)
        assert done.returncode == 1
        assert "error: net: a network that it was in was removed while it did not run" in done.stderr
        assert "help: `nexusctl apply` lets it join the one that is there by now, and starts it" in done.stderr
    assert nexusctl("apply", "--yes", "-f", file).returncode == 0
    assert wire.get(f"/containers/{stack_name}_net/json")["State"]["Running"]


def test_an_external_volume_and_an_image_that_were_made_anew_are_used_by_their_names(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, wire: Wire
) -> None:
    volume, image = f"{stack_name}-outer", f"{stack_name}:1"
    stack = {
        "name": stack_name,
        "volumes": {"data": {"external": volume}},
        "sandboxes": {"a": {"image": image, "command": ["sleep", "infinity"], "volumes": ["data:/data"]}},
    }
    file = write(tmp_path, stack)
    try:
        for _ in range(2):
            wire.post("/volumes/create", {"Name": volume})
            wire.post(f"/images/{base_image}/tag", query={"repo": stack_name, "tag": "1"})
            done = nexusctl("apply", "--yes", "-f", file)
            assert done.returncode == 0, done.stdout + done.stderr
            assert nexusctl("plan", "--detailed-exitcode", "-f", file).returncode == 0
            # The engine gives nobody's volume away while a container has it.
            wire.delete(f"/containers/{stack_name}_a", {"force": True})
            wire.delete(f"/volumes/{volume}")
            wire.delete(f"/images/{image}")
    finally:
        nexusctl("destroy", "--yes", "--stack", stack_name)


def test_a_network_becomes_internal_and_its_members_stay(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    """Older engines take a second network of one name for a while, newer ones refuse it."""

    def stack(internal: bool) -> dict[str, Any]:
        sandbox = {"image": base_image, "command": ["sleep", "infinity"], "networks": ["back"]}
        sandboxes = {"a": sandbox, "b": sandbox | {"depends_on": ["a"]}}
        return {"name": stack_name, "networks": {"back": {"internal": internal}}, "sandboxes": sandboxes}

    file = write(tmp_path, stack(internal=False))
    try:
        assert nexusctl("apply", "--yes", "-f", file).returncode == 0
        before = {name: wire.get(f"/containers/{stack_name}_{name}/json")["Id"] for name in ("a", "b")}
        for internal in (True, False):
            write(tmp_path, stack(internal))
            done = nexusctl("apply", "--yes", "-f", file)
            assert done.returncode == 0, done.stdout + done.stderr
            (network,) = wire.get("/networks", {"filters": {"label": [f"dev.nexusctl.stack={stack_name}"]}})
            assert network["Internal"] is internal
            members = wire.get(f"/networks/{network['Id']}")["Containers"]
            assert set(members) == set(before.values())
            found = run_inside(wire, f"{stack_name}_b", ["getent", "hosts", "a"])
            assert found.exit_code == 0
            again = nexusctl("plan", "--detailed-exitcode", "-f", file)
            assert again.returncode == 0, again.stdout + again.stderr
    finally:
        assert nexusctl("destroy", "--yes", "--stack", stack_name).returncode == 0
