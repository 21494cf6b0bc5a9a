"""Which IPv4 ranges are in use on this machine; the judge is `ip`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.objects.subnets import (
    find_routed,
    read_address_space,
    read_name_servers,
    read_pools,
    read_routes,
)
from nexusctl.plan.decide.subnets import DEFAULT_POOLS, overlaps

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0
tun0\t0000590A\t0100080A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def test_routes_are_read_and_those_that_stand_for_the_default_one_are_not(tmp_path: Path) -> None:
    path = tmp_path / "route"
    path.write_text(ROUTES)
    assert list(read_routes(path)) == [("10.89.0.0/16", "tun0"), ("192.0.2.0/24", "eth0")]
    assert list(read_routes(tmp_path / "none")) == []


@pytest.mark.skipif(not shutil.which("ip"), reason="`ip` is not installed")
def test_every_route_that_ip_shows_counts() -> None:
    shown = subprocess.run(["ip", "-4", "-json", "route"], capture_output=True, text=True, check=True).stdout
    wanted = {route["dst"] for route in json.loads(shown) if "/" in route["dst"]}
    again = subprocess.run(["ip", "-4", "-json", "route"], capture_output=True, text=True, check=True).stdout
    # Others make networks and remove them meanwhile.
    steady = wanted & {route["dst"] for route in json.loads(again)}
    assert steady - {route for route, _ in read_routes()} == set()


def test_name_servers_count_as_used(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("search corp\n# nameserver 1.2.3.4\nnameserver 10.89.0.53\nnameserver fd00::1\nnameserver\n")
    assert list(read_name_servers(path)) == ["10.89.0.53/32"]


def test_the_pools_are_those_that_the_environment_names() -> None:
    assert read_pools({}) == read_pools({"NEXUS_SUBNETS": " "}) == DEFAULT_POOLS
    assert read_pools({"NEXUS_SUBNETS": "10.1.0.0/16, 10.2.0.0/16 10.3.0.0/16"}) == (
        "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16",
    )  # fmt: skip


def test_of_an_engine_elsewhere_only_its_networks_count() -> None:
    networks = [
        {"IPAM": {"Config": [{"Subnet": "10.5.0.0/24"}, {"Subnet": "fd00::/64"}]}},
        {"IPAM": {"Config": None}},
        {"IPAM": None},
    ]
    far = Wire(Endpoint(url="ssh://build.example", source="DOCKER_HOST"))
    assert read_address_space(far, networks, {}).used == ("10.5.0.0/24",)
    near = Wire(Endpoint(url="unix:///var/run/docker.sock", source="DOCKER_HOST"))
    used = read_address_space(near, networks, {}).used
    assert "10.5.0.0/24" in used
    assert all(any(overlaps(route, one) for one in used) for route, _ in read_routes())


def test_a_route_that_came_later_is_found_and_a_networks_own_is_none() -> None:
    own = {
        "Id": "0123456789abcdef",
        "Name": "shop_default",
        "Options": {},
        "Labels": {labels.STACK: "shop"},
        "IPAM": {"Config": [{"Subnet": "10.89.3.0/24"}]},
    }
    others = {**own, "Labels": {}, "Name": "theirs"}
    routes = [("10.89.3.0/24", "br-0123456789ab"), ("10.0.0.0/8", "tun0"), ("192.0.2.0/24", "eth0")]
    assert list(find_routed([own, others], routes)) == [
        "network shop_default (10.89.3.0/24) lies in the way of the route to 10.0.0.0/8 by tun0"
    ]


@pytest.mark.engine
def test_every_range_of_the_engines_networks_is_used(wire: Wire) -> None:
    networks = wire.get("/networks")
    (bridge,) = (entry for entry in networks if entry["Name"] == "bridge")
    assert bridge["IPAM"]["Config"][0]["Subnet"] in read_address_space(wire, networks).used
