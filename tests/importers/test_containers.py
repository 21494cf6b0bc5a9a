"""Containers that somebody else made become sandboxes; nothing is done to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case
from tests.ranges import make_network

pytestmark = pytest.mark.engine

BODY = {
    "Cmd": ["sleep", "infinity"],
    "Env": ["MODE=on", "DB_PASSWORD=hunter2-not-real", "PRICE=${5}"],
    "Labels": {"team": "x"},
    "WorkingDir": "/srv",
    "User": "1000",
    "Healthcheck": {"Test": ["CMD-SHELL", "test -d /srv"], "Interval": 2_000_000_000},
}


@pytest.fixture
def foreign(wire: Wire, base_image: str, stack_name: str) -> Iterator[str]:
    """A container with a network and a volume of its own."""
    name = f"{stack_name}_Web.1"
    make_network(wire, f"{stack_name}-net")
    host = {
        "Memory": 64 * 1024 * 1024,
        "CpuPeriod": 100_000,
        "CpuQuota": 50_000,
        "RestartPolicy": {"Name": "unless-stopped"},
        "NetworkMode": f"{stack_name}-net",
        "CapAdd": ["SYS_PTRACE"],
        "PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        "Mounts": [
            {"Type": "volume", "Source": f"{stack_name}-data", "Target": "/data"},
            {"Type": "volume", "Target": "/anonymous"},
        ],
    }
    body = {**BODY, "Image": base_image, "HostConfig": host, "ExposedPorts": {"8080/tcp": {}}}
    made = wire.post("/containers/create", body, {"name": name})["Id"]
    wire.post(f"/containers/{made}/start")
    yield name
    wire.delete(f"/containers/{made}", {"force": True, "v": True})
    wire.delete(f"/networks/{stack_name}-net")
    wire.delete(f"/volumes/{stack_name}-data")


def test_an_imported_container_is_described_whole_and_left_alone(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str, foreign: str
) -> None:
    before = look(wire, foreign)
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    done = case.nexusctl(["import", "container", foreign, "--stack", "shop"])
    assert done.returncode == 0, done.stderr
    config = json.loads(case.nexusctl(["config", "--json"]).stdout)["document"]
    (sandbox,) = config["sandboxes"].values()
    assert sandbox["image"] == base_image
    assert sandbox["command"] == ["sleep", "infinity"]
    assert sandbox["env"] == {"MODE": "on", "DB_PASSWORD": "${secret.db-password}", "PRICE": "$${5}"}
    assert (sandbox["working_dir"], str(sandbox["user"])) == ("/srv", "1000")
    assert sandbox["resources"] == {"cpus": 0.5, "memory": "64m"}
    assert sandbox["restart"] == "unless-stopped"
    assert sandbox["ports"] == [8080]
    assert sandbox["health"] == {"command": "test -d /srv", "interval": 2, "timeout": 30, "retries": 3}
    assert "/anonymous" in sandbox["volumes"]
    assert list(config["volumes"].values()) == [{"external": f"{stack_name}-data"}]
    assert list(config["networks"].values()) == [{"external": f"{stack_name}-net"}]
    assert sandbox["cap_add"] == ["SYS_PTRACE"]
    assert "hunter2" not in done.stderr + (tmp_path / "nexus.yaml").read_text()
    for lost in ("SecurityOpt", "label team", "Init"):
        assert f"{foreign}.{lost}: " in done.stderr
    assert look(wire, foreign) == before


def look(wire: Wire, name: str) -> dict[str, Any]:
    """What the engine says of a container, without what it does by itself and orders as it likes."""
    seen = wire.get(f"/containers/{name}/json")
    return {**seen, "State": None, "ExecIDs": None, "Mounts": sorted(seen["Mounts"], key=str)}
