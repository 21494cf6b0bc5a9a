"""The doctor: judgement from facts as data, and the command on the engine that runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexusctl.api import connection
from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Endpoint
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.docker.host.checks import GIB, Check, diagnose
from nexusctl.engine.docker.host.doctor import UNUSED, check_unused
from nexusctl.engine.docker.host.facts import Disk, EngineFacts, Facts, HostFacts, RegistryFacts, find_empty_networks
from nexusctl.engine.docker.images.builder import cache_name
from nexusctl.engine.docker.objects.lock import lock_name
from nexusctl.model.observed.address_space import AddressSpace
from nexusctl.model.observed.disposable import Disposable
from tests.ranges import make_network

INFO = {
    "Driver": "overlay2",
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "MemoryLimit": True,
    "SwapLimit": True,
    "CpuCfsQuota": True,
    "PidsLimit": True,
    "IPv4Forwarding": True,
    "BridgeNfIptables": True,
}
ENGINE = EngineFacts(
    endpoint=Endpoint(url="unix:///var/run/docker.sock", source="the usual sockets", version="1.41"),
    version={"Version": "20.10.24", "ApiVersion": "1.41"},
    info=INFO,
    disk=Disk(path="/var/lib/docker", total=100 * GIB, free=50 * GIB),
    open_files=1_048_576,
)
HOST = HostFacts(
    root=True,
    mmdebstrap="/usr/bin/mmdebstrap",
    kernel={"kernel.pid_max": 4_194_304, "fs.inotify.max_user_watches": 524_288},
    memory=(16 * GIB, 8 * GIB),
)
WELL = Facts(engine=ENGINE, host=HOST, registry=RegistryFacts(reachable=True))
NO_REGISTRY = replace(WELL, registry=RegistryFacts(reachable=False, answer="no such host"))


def engine(**changed: Any) -> Facts:
    return replace(WELL, engine=replace(ENGINE, **changed))


def info(**changed: Any) -> Facts:
    return engine(info={**INFO, **changed})


def host(facts: Facts = WELL, **changed: Any) -> Facts:
    return replace(facts, host=replace(facts.host, **changed))


def space(pool: str, *used: str) -> AddressSpace:
    return AddressSpace(pools=(pool,), used=used)


def unused(*sizes: int | None) -> Check:
    network = Disposable(kind="network", name="n", about="")
    return check_unused([network, *(Disposable(kind="cache", name="c", about="", size=size) for size in sizes)])


def test_what_no_stack_needs_is_a_warning_from_a_bound_on() -> None:
    assert unused().finding == "no environment or cache without a stack that needs it"
    assert unused(UNUSED - 1, None).status == "ok"
    passed = unused(UNUSED // 2, None, UNUSED - UNUSED // 2)
    assert (passed.status, passed.advice) == ("warning", "`nexusctl prune` shows and removes them")
    assert passed.finding == (
        "up to 10.0 GiB in 3 environments and caches that no stack needs, "
        "without the 1 whose size the engine did not tell in time"
    )


def find(facts: Facts, name: str) -> Check:
    return next(check for check in diagnose(facts) if check.name == name)


def test_nothing_is_found_on_a_machine_that_is_well() -> None:
    assert {check.status for check in diagnose(WELL)} == {"ok"}


def test_whatever_is_not_ok_says_what_to_do() -> None:
    sick = replace(
        NO_REGISTRY,
        engine=replace(ENGINE, info={**INFO, "Driver": "vfs", "PidsLimit": False, "IPv4Forwarding": False},
                       disk=Disk(path="/", total=GIB, free=0), addresses=space("10.1.0.0/33"),
                       open_files=1024, skew=60.0,
                       builders=("b",), stuck=("c",), version={"ApiVersion": "1.30"}),
        host=HostFacts(kernel={"kernel.pid_max": 100}, memory=(GIB, 0), settings={"PIP_CERT": "/no"},
                       missing=("PIP_CERT",), docker_host="unix:///a", docker_context="b"),
    )  # fmt: skip
    found = diagnose(sick)
    assert {check.status for check in found} == {"warning", "problem"}
    assert all(check.advice for check in found)


@pytest.mark.parametrize(
    ("facts", "name", "status", "finding"),
    [
        (engine(version={"Version": "18.09", "ApiVersion": "1.39"}), "engine", "problem", "API 1.39"),
        (info(Driver="vfs"), "storage", "warning", "driver vfs"),
        (info(MemoryLimit=False), "limits", "warning", "no memory"),
        (info(CpuCfsQuota=False, PidsLimit=False), "limits", "warning", "no cpus, pids"),
        (engine(disk=Disk(path="/d", total=20 * GIB, free=9 * GIB)), "disk", "warning", "9.0 of 20.0 GiB"),
        (engine(disk=Disk(path="/d", total=20 * GIB, free=GIB // 2)), "disk", "problem", "0.5 of 20.0 GiB"),
        (
            engine(addresses=space("10.1.0.0/20", "10.1.0.0/21", "10.1.9.9/32", "10.1.10.0/23")),
            "networks",
            "warning",
            "5 subnets of /24 are free in 10.1.0.0/20",
        ),
        (engine(addresses=space("10.1.0.0/20", "10.0.0.0/8")), "networks", "problem", "0 subnets"),
        (engine(addresses=space("10.1.0/20")), "networks", "problem", "NEXUS_SUBNETS: 10.1.0/20 is no IPv4 range"),
        (engine(routed=("network shop_default",)), "networks", "warning", "network shop_default"),
        (info(IPv4Forwarding=False), "forwarding", "problem", "ip_forward is 0"),
        (info(BridgeNfIptables=False), "forwarding", "warning", "iptables"),
        (engine(open_files=1024), "open files", "warning", "1024"),
        (engine(skew=-7.0), "clock", "warning", "7.0 s"),
        (engine(builders=("nexusctl-builder-1",)), "leftovers", "warning", "nexusctl-builder-1"),
        (engine(stale_locks=("shop",)), "leftovers", "warning", "lock of stack shop"),
        (engine(unread_caches=("nexusctl_cache_npm",)), "leftovers", "warning", "cache nexusctl_cache_npm"),
        (engine(empty_networks={"shop_default": "shop"}), "leftovers", "warning", "network shop_default of stack shop"),
        (NO_REGISTRY, "registry", "warning", "no such host"),
        (host(NO_REGISTRY, mmdebstrap=""), "recipes", "problem", "not installed"),
        (host(NO_REGISTRY, root=False), "recipes", "problem", "not root"),
        (host(mmdebstrap=""), "recipes", "ok", "not needed"),
        (host(memory=(4 * GIB, GIB // 2)), "memory", "warning", "0.5 of 4.0 GiB"),
        (host(memory=(4 * GIB, GIB // 8)), "memory", "problem", "0.1 of 4.0 GiB"),
        (host(kernel={"kernel.pid_max": 4096}), "kernel", "warning", "kernel.pid_max is 4096"),
        (host(docker_host="unix:///a", docker_context="b"), "context", "warning", "DOCKER_CONTEXT (b)"),
        (host(settings={"PIP_CERT": "/no"}, missing=("PIP_CERT",)), "installs", "problem", "PIP_CERT names /no"),
        (host(settings={"SSL_CERT_FILE": "/ca.pem"}), "installs", "ok", "CA bundle /ca.pem"),
    ],
)
def test_a_fact_gives_its_finding(facts: Facts, name: str, status: str, finding: str) -> None:
    check = find(facts, name)
    assert check.status == status
    assert finding in check.finding


def test_without_a_registry_images_that_recipes_have_made_already_make_the_lack_a_warning() -> None:
    made = replace(NO_REGISTRY, engine=replace(ENGINE, template_images=2))
    assert find(host(made, mmdebstrap=""), "recipes").status == "warning"


def test_without_an_engine_the_machine_is_examined_all_the_same() -> None:
    found = diagnose(Facts(engine=None, host=HOST, absence="no engine answers", advice="start one"))
    assert found[0] == Check(name="engine", status="problem", finding="no engine answers", advice="start one")
    assert {"memory", "kernel", "recipes"} <= {check.name for check in found}


def test_a_proxys_address_is_not_shown_because_it_may_carry_a_password() -> None:
    check = find(host(settings={"HTTPS_PROXY": "http://user:hunter2@proxy:3128"}), "installs")
    assert "HTTPS_PROXY" in check.finding
    assert "hunter2" not in check.finding


def run_doctor(**environ: str) -> tuple[int, dict[str, Any]]:
    program = Path(sys.executable).parent / "nexusctl"
    done = subprocess.run(
        [str(program), "doctor", "--json"],
        capture_output=True, text=True, env={**os.environ, **environ}, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


@pytest.mark.engine
def test_the_command_examines_the_running_engine() -> None:
    code, answer = run_doctor()
    assert answer["format_version"] == "1.0"
    assert code == (0 if answer["healthy"] else 1)
    found = {check["name"]: check for check in answer["checks"]}
    version = connect().get("/version")["Version"]
    assert found["engine"]["status"] == "ok"
    assert version in found["engine"]["finding"]
    assert {"storage", "limits", "networks", "clock", "leftovers", "registry"} <= set(found)


def test_the_command_exits_with_1_where_no_engine_answers(tmp_path: Path) -> None:
    code, answer = run_doctor(DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert code == 1
    assert answer["healthy"] is False
    assert answer["checks"][0]["status"] == "problem"


@pytest.mark.engine
def test_a_network_that_is_left_of_a_stack_is_found_and_that_of_an_apply_at_work_is_not(stack_name: str) -> None:
    wire, name = connect(), f"{stack_name}_default"
    marks = {labels.STACK: stack_name, labels.ROLE: "network", labels.NETWORK: "default"}
    made = make_network(wire, name, Labels=marks)
    try:
        listed = wire.get("/networks")
        with connection.hold_lock(connection.connect(), stack_name, timeout=60, report=print):
            assert name not in find_empty_networks(wire, listed)
        assert find_empty_networks(wire, listed)[name] == stack_name
    finally:
        wire.delete(f"/networks/{made}")


@pytest.mark.engine
def test_a_cache_of_before_and_one_of_an_image_that_is_gone_can_go(base_image: str) -> None:
    wire = connect()
    # One that stays: others make images, and remove them, at the same time.
    image = wire.get(f"/images/{base_image}/json")
    unread = [f"nexusctl_cache_{uuid.uuid4().hex[:8]}", cache_name("npm", {"Id": f"sha256:{uuid.uuid4().hex}"})]
    read = cache_name("npm", image)
    had = {volume["Name"] for volume in wire.get("/volumes")["Volumes"]}
    for name in (*unread, read):
        wire.post("/volumes/create", {"Name": name, "Labels": {labels.ROLE: "cache"}})
    try:
        _, answer = run_doctor()
    finally:
        for name in {*unread, read} - had:
            wire.delete(f"/volumes/{name}")
    leftovers = next(check for check in answer["checks"] if check["name"] == "leftovers")
    assert [name for name in (*unread, read) if f"cache {name}," in leftovers["finding"]] == unread


@pytest.mark.engine
def test_the_lock_of_a_dead_owner_is_found() -> None:
    wire = connect()
    stack, gone = f"gone-{uuid.uuid4().hex[:8]}", subprocess.Popen(["true"])
    gone.wait()
    owner = {"host": socket.gethostname(), "pid": str(gone.pid)}
    known = {labels.ROLE: "lock", labels.STACK: stack, **{labels.LOCK + key: value for key, value in owner.items()}}
    name = lock_name(stack)
    wire.post("/volumes/create", {"Name": name, "Labels": known})
    try:
        _, answer = run_doctor()
    finally:
        wire.delete(f"/volumes/{name}")
    found = {check["name"]: check for check in answer["checks"]}
    assert f"lock of stack {stack}" in found["leftovers"]["finding"]
