"""Networks with IPv6: only where the file says so, and none of an older version is made anew for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.attacks.test_binds import nexusctl
from tests.ranges import choose_range

pytestmark = pytest.mark.engine


@pytest.fixture
def stack(tmp_path: Path, stack_name: str) -> Iterator[str]:
    yield stack_name
    nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


def write(folder: Path, stack: str, image: str, *, ipv6: bool) -> None:
    box = {"image": image, "command": ["sleep", "infinity"], "networks": ["wide"]}
    document = {"name": stack, "networks": {"wide": {"enable_ipv6": ipv6}}, "sandboxes": {"a": box, "b": box}}
    (folder / "nexus.yaml").write_text(json.dumps(document))


def addresses(wire: Wire, container: str) -> list[str]:
    """The private IPv6 addresses of a container, as the kernel writes them."""
    lines = run_inside(wire, container, ["cat", "/proc/net/if_inet6"]).output.splitlines()
    return [line.split()[0] for line in lines if line.startswith("fd")]


def test_sandboxes_reach_each_other_by_it_until_the_file_says_otherwise(
    tmp_path: Path, stack: str, base_image: str, wire: Wire
) -> None:
    write(tmp_path, stack, base_image, ipv6=True)
    assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
    assert nexusctl(tmp_path, "plan", "--detailed-exitcode").returncode == 0
    assert nexusctl(tmp_path, "drift").returncode == 0
    [address] = addresses(wire, f"{stack}_b")
    there = ":".join(address[at : at + 4] for at in range(0, 32, 4))
    listen = "use IO::Socket::IP; IO::Socket::IP->new(LocalHost => q(::), LocalPort => 7000, Listen => 1)->accept"
    wire.post(
        f"/exec/{wire.post(f'/containers/{stack}_b/exec', {'Cmd': ['perl', '-e', listen]})['Id']}/start",
        {"Detach": True},
    )
    call = f"use IO::Socket::IP; sleep 1 until IO::Socket::IP->new(PeerHost => q({there}), PeerPort => 7000); print 1"
    assert run_inside(wire, f"{stack}_a", ["perl", "-e", call], timeout=60).output == "1"
    before = wire.get(f"/containers/{stack}_a/json")["Id"]
    write(tmp_path, stack, base_image, ipv6=False)
    assert "made anew without IPv6" in nexusctl(tmp_path, "plan").stdout
    assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
    assert addresses(wire, f"{stack}_a") == []
    assert wire.get(f"/containers/{stack}_a/json")["Id"] == before
    assert nexusctl(tmp_path, "plan", "--detailed-exitcode").returncode == 0


def test_a_network_of_an_older_version_on_an_engine_that_gives_ipv6_by_itself_stays(
    tmp_path: Path, stack: str, base_image: str, wire: Wire
) -> None:
    marks = {"dev.nexusctl.stack": stack, "dev.nexusctl.network": "wide", "dev.nexusctl.role": "network"}
    ranges = [{"Subnet": "fd5c:3d01:9f22:7::/64"}, {"Subnet": choose_range(wire)}]
    body = {"Name": f"{stack}_wide", "EnableIPv6": True, "Labels": marks, "IPAM": {"Config": ranges}}
    made = wire.post("/networks/create", body)["Id"]
    write(tmp_path, stack, base_image, ipv6=False)
    assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
    assert made in {found["Id"] for found in wire.get("/networks")}
    assert nexusctl(tmp_path, "plan", "--detailed-exitcode").returncode == 0
