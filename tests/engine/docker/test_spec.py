from __future__ import annotations

from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.create_body import container_body, limits_update, network_body, read_limits
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.plan.plan import Attachment, Placement
from nexusctl.model.record import decode
from nexusctl.model.stack import Health, Mount, Network, Port, Resources, Sandbox

HOLDER = LockHolder(stack="s", owner="0123456789abcdef", user="me", host="here", branch="feature/x")


def body(
    birth_name: str = "", holder: LockHolder | None = None, networks: tuple[Attachment, ...] = (), **fields: Any
) -> dict[str, Any]:
    sandbox = Sandbox(**{"name": "api-1", "group": "api", "image": "debian:12"} | fields)
    place = Placement(
        image="debian:12", name="s_api-1", birth_name=birth_name, networks=networks, volumes={"data": "s_data"}
    )
    return container_body("s", sandbox, place, holder=holder)


def test_what_the_file_leaves_out_stays_the_images() -> None:
    assert {"Cmd", "WorkingDir", "User", "Healthcheck", "Entrypoint"}.isdisjoint(body())


def test_an_empty_command_is_not_the_images() -> None:
    assert body(command=())["Cmd"] == []


def test_every_sandbox_has_the_safe_defaults() -> None:
    host = body()["HostConfig"]
    assert host["Init"] is True
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["PidsLimit"] == 1024
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert not host.get("Privileged")


def test_labels_are_all_written_even_the_empty_one() -> None:
    found = body(env={"A": "1"}, holder=HOLDER)["Labels"]
    assert decode(found.pop(labels.RECORD)).env == {"A": "1"}
    assert len(found.pop(labels.BIRTH)) == 16
    assert found == {
        labels.STACK: "s",
        labels.SANDBOX: "api-1",
        labels.ROLE: "sandbox",
        labels.NAMED: "stack",
        labels.CAPABILITIES: "reduced",
        labels.BIRTH_NAME: "",
        labels.IMAGE_INVENTORY: "",
        labels.OWN_VOLUMES: "",
        labels.SECRETS: "",
        labels.MAKER: "me@here",
        labels.BRANCH: "feature/x",
    }
    assert (body()["Labels"][labels.MAKER], body()["Labels"][labels.BRANCH]) == ("", "")
    assert body(birth_name="s_api-1_new")["Labels"][labels.BIRTH_NAME] == "s_api-1_new"


def test_memory_is_limited_without_swap_beside_it() -> None:
    host = body(resources=Resources(memory=1 << 30, cpus=1.5))["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (1 << 30, 1 << 30)
    assert host["CpuQuota"] / host["CpuPeriod"] == 1.5


@pytest.mark.parametrize("wanted", [Resources(), Resources(cpus=0.25, memory=8 << 20, pids=7), Resources(cpus=16)])
def test_limits_are_read_back_as_they_were_set(wanted: Resources) -> None:
    assert read_limits(body(resources=wanted)["HostConfig"]) == wanted
    for now in (Resources(), Resources(cpus=1, memory=1 << 30)):
        assert read_limits(limits_update(wanted, "no", now)) == wanted


@pytest.mark.parametrize("wanted", [Resources(), Resources(cpus=0.25), Resources(cpus=2)])
def test_where_somebody_counts_by_cores_limits_are_read_back_as_they_were_set(wanted: Resources) -> None:
    now = {"NanoCpus": 1_500_000_000, "CpuPeriod": 0, "CpuQuota": 0}
    after = {**now, **limits_update(wanted, "no", read_limits(now), cores=4)}
    assert "CpuPeriod" not in limits_update(wanted, "no", read_limits(now), cores=4), "the engine refuses it"
    assert read_limits(after) == wanted
    assert read_limits({**after, "NanoCpus": 500_000_000}).cpus == 0.5, "by hand, later"


def test_what_was_never_limited_is_not_lifted() -> None:
    assert limits_update(Resources(), "no", Resources()) == {"PidsLimit": 1024, "RestartPolicy": {"Name": "no"}}


def test_limits_that_somebody_else_set_are_read_too() -> None:
    found = read_limits({"NanoCpus": 1500000000, "Memory": -1, "PidsLimit": None})
    assert found == Resources(cpus=1.5, memory=None, pids=0)


def test_ports_are_published_where_said_and_a_free_one_is_asked_for() -> None:
    found = body(
        ports=(Port(container=80), Port(container=80, host=8080, address="0.0.0.0"), Port(container=53, protocol="udp"))
    )
    assert found["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}, {"HostIp": "0.0.0.0", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": ""}],
    }
    assert found["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}


def test_the_first_network_is_joined_at_birth_under_its_names() -> None:
    first = Attachment(network="a", name="s_a", id="1" * 64, names=("api-1", "api"))
    networks = (first, Attachment(network="b", name="s_b", id="2" * 64))
    found = body(networks=networks)
    assert found["HostConfig"]["NetworkMode"] == "1" * 64
    assert found["NetworkingConfig"] == {
        "EndpointsConfig": {"1" * 64: {"Aliases": ["api-1", "api"], "NetworkID": "1" * 64}}
    }


def test_an_external_network_is_joined_by_its_name_so_that_another_of_that_name_is_found() -> None:
    outer = Attachment(
        network="a", name="shared", id="1" * 64, external=True, by_name=True, names=("s_api",), links=("s_db:db",)
    )
    found = body(networks=(outer,))
    assert found["HostConfig"]["NetworkMode"] == "shared"
    assert found["NetworkingConfig"] == {"EndpointsConfig": {"shared": {"Aliases": ["s_api"], "Links": ["s_db:db"]}}}


def test_no_network_means_none() -> None:
    assert body()["HostConfig"]["NetworkMode"] == "none"


def test_volumes_are_mounted_by_the_engines_name_and_folders_by_their_path() -> None:
    mounts = (
        Mount(kind="volume", source="data", target="/data"),
        Mount(kind="bind", source="/src", target="/app", read_only=True),
    )
    assert body(mounts=mounts)["HostConfig"]["Mounts"] == [
        {
            "Type": "volume",
            "Source": "s_data",
            "Target": "/data",
            "ReadOnly": False,
            "VolumeOptions": {"Labels": {labels.STACK: "s", labels.VOLUME: "data", labels.ROLE: "volume"}},
        },
        {"Type": "bind", "Source": "/src", "Target": "/app", "ReadOnly": True},
    ]


def test_probes_go_out_in_nanoseconds() -> None:
    health = Health(command=("pg_isready", "-q"), interval=0.5, timeout=2, retries=3, start_period=1.5)
    assert body(health=health)["Healthcheck"] == {
        "Test": ["CMD", "pg_isready", "-q"],
        "Interval": 500_000_000,
        "Timeout": 2_000_000_000,
        "Retries": 3,
        "StartPeriod": 1_500_000_000,
    }


def test_a_long_name_is_cut_to_a_hostname_that_linux_takes() -> None:
    assert body(name="x" * 62 + "-y")["Hostname"] == "x" * 62


def test_the_host_has_no_address_in_an_internal_network() -> None:
    made = network_body("s", Network(name="private", internal=True), "s_private")
    assert made["Internal"] is True
    assert made["Options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert network_body("s", Network(name="open"), "s_open")["Options"] == {}


def test_a_network_has_ipv6_of_no_engines_settings() -> None:
    assert network_body("s", Network(name="open"), "s_open")["EnableIPv6"] is False
