"""Everything of a container that has no place in a stack file is listed, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case
from tests.ranges import make_network

pytestmark = pytest.mark.engine

# Whatever a container is made of, a sandbox differs from one that `docker run` makes in these.
ALWAYS = {"Init", "SecurityOpt", "PidsLimit"}

HOST: dict[str, Any] = {
    "CapAdd": ["NET_ADMIN"],
    "CpuShares": 512,
    "CpusetMems": "0",
    "DeviceCgroupRules": ["c 1:3 rwm"],
    "DnsOptions": ["ndots:1"],
    "DnsSearch": ["example.test"],
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
    "MemorySwap": 96 * 1024 * 1024,
    "PublishAllPorts": True,
}


@pytest.fixture
def case(tmp_path: Path, wire: Wire, stack_name: str) -> Iterator[Case]:
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    make_network(wire, f"{stack_name}-net")
    yield case
    wire.delete(f"/containers/{stack_name}-it", {"force": True, "v": True})
    wire.delete(f"/networks/{stack_name}-net")


def make(case: Case, image: str, host: dict[str, Any], endpoint: dict[str, Any]) -> None:
    network = f"{case.stack}-net"
    body = {
        "Image": image,
        "Cmd": ["sleep", "infinity"],
        "HostConfig": {**host, "NetworkMode": network, "Memory": 64 * 1024 * 1024},
        "NetworkingConfig": {"EndpointsConfig": {network: endpoint}},
    }
    case.wire.post("/containers/create", body, {"name": f"{case.stack}-it"})


def listed(case: Case) -> set[str]:
    done = case.nexusctl(["import", "container", f"{case.stack}-it", "--stack", case.stack, "--stdout"])
    assert done.returncode == 0, done.stderr
    return set(re.findall(rf"warning: {case.stack}-it\.(.+?): ", done.stderr))


def test_every_setting_without_a_place_is_listed(case: Case, base_image: str) -> None:
    make(case, base_image, HOST, {"Aliases": ["db"], "DriverOpts": {"one": "two"}})
    network = f"network {case.stack}-net"
    assert listed(case) == ALWAYS | HOST.keys() | {f"{network}.DriverOpts"}


def test_a_container_without_anything_special_has_nothing_else_listed(case: Case, base_image: str) -> None:
    make(case, base_image, {}, {})
    assert listed(case) == ALWAYS


def test_a_command_with_a_secret_is_listed(case: Case, base_image: str) -> None:
    name = f"{case.stack}-it"
    case.wire.post("/containers/create", {"Image": base_image, "Cmd": ["serve", "--token=of-no-use"]}, {"name": name})
    assert listed(case) == ALWAYS | {"command"}


def test_the_network_of_another_container_is_listed_as_one_that_a_new_one_has_not(case: Case, base_image: str) -> None:
    body = {"Image": base_image, "Cmd": ["sleep", "infinity"]}
    other = case.wire.post("/containers/create", body)["Id"]
    try:
        shared = {**body, "HostConfig": {"NetworkMode": f"container:{other}"}}
        case.wire.post("/containers/create", shared, {"name": f"{case.stack}-it"})
        assert listed(case) == ALWAYS | {"NetworkMode"}
    finally:
        case.wire.delete(f"/containers/{other}", {"force": True})
