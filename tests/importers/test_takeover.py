"""A container that runs is imported and taken over: the first plan is empty, and the container is the same one."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.errors import NotFound
from tests.e2e.case import Case
from tests.faults.proxy import Fault, Kind, Proxy
from tests.importers.spoiled import run_through
from tests.ranges import make_network

pytestmark = pytest.mark.engine

SECRET = "hunter2-not-real"


@pytest.fixture
def case(tmp_path: Path, wire: Wire, stack_name: str) -> Iterator[Case]:
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield case
    case.close()


@pytest.fixture
def foreign(case: Case, wire: Wire, base_image: str) -> Iterator[str]:
    """A container with a network, a named volume and a bind mount, a port, limits and a secret of its own."""
    name = f"{case.stack}-Web.1"
    (case.folder / "data").mkdir()
    make_network(wire, f"{case.stack}-net")
    host = {
        "Memory": 64 * 1024 * 1024,
        "NanoCpus": 500_000_000,
        "RestartPolicy": {"Name": "unless-stopped"},
        "NetworkMode": f"{case.stack}-net",
        "PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        "Mounts": [
            {"Type": "volume", "Source": f"{case.stack}-named", "Target": "/named"},
            {"Type": "bind", "Source": str(case.folder / "data"), "Target": "/bound", "ReadOnly": True},
        ],
    }
    body = {"Image": base_image, "Cmd": ["sleep", "infinity"], "HostConfig": host, "ExposedPorts": {"8080/tcp": {}}}
    body["Env"] = ["MODE=on", f"DB_PASSWORD={SECRET}", f"DSN=db://me:{SECRET}@db/x"]
    yield from running(case, name, body)
    wire.delete(f"/networks/{case.stack}-net")
    wire.delete(f"/volumes/{case.stack}-named")


@pytest.fixture
def plain(case: Case, base_image: str) -> Iterator[str]:
    """A container as `docker run IMAGE` makes it: in the engine's own network."""
    yield from running(case, f"{case.stack}-plain", {"Image": base_image, "Cmd": ["sleep", "infinity"]})


def running(case: Case, name: str, body: dict[str, Any]) -> Iterator[str]:
    """The container goes with the stack where it was taken over, maybe in another one's place."""
    made = case.wire.post("/containers/create", body, {"name": name})["Id"]
    case.wire.post(f"/containers/{made}/start")
    yield name
    case.close()
    with contextlib.suppress(NotFound):
        case.wire.delete(f"/containers/{made}", {"force": True, "v": True})


def look(wire: Wire, name: str) -> dict[str, Any]:
    """What the engine says of a container, without its name, and without what it orders as it likes."""
    seen = wire.get(f"/containers/{name}/json")
    return {**seen, "Name": "", "Mounts": sorted(seen["Mounts"], key=str), "NetworkSettings": _networks(seen)}


def _networks(seen: dict[str, Any]) -> dict[str, Any]:
    """A rename moves the DNS names along, which is what it is for."""
    return {name: endpoint["NetworkID"] for name, endpoint in seen["NetworkSettings"]["Networks"].items()}


def test_the_first_plan_over_what_was_taken_over_is_empty_and_the_container_the_same(
    case: Case, wire: Wire, foreign: str, plain: str
) -> None:
    before = look(wire, foreign), look(wire, plain)
    done = case.nexusctl(["import", "container", foreign, plain, "--stack", case.stack, "--adopt"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 adopted" in done.stdout
    assert (look(wire, foreign), look(wire, f"{case.stack}_{plain}")) == before
    for options in ([], ["--deep"]):
        shown = case.nexusctl(["plan", "--detailed-exitcode", *options])
        assert shown.returncode == 0, shown.stdout + shown.stderr
    drift = case.nexusctl(["drift"])
    assert drift.returncode == 0, drift.stdout + drift.stderr
    assert SECRET not in done.stdout + done.stderr + (case.folder / "nexus.yaml").read_text()


def test_others_find_what_was_taken_over_by_its_name_before_and_after_it_is_replaced(
    case: Case, wire: Wire, foreign: str, base_image: str
) -> None:
    network, name = f"{case.stack}-net", f"{case.stack}-db"
    body = {"Image": base_image, "Cmd": ["sleep", "infinity"], "HostConfig": {"NetworkMode": network}}

    def finds() -> bool:
        return run_inside(wire, foreign, ["getent", "hosts", name]).exit_code == 0

    for _ in running(case, name, body):
        done = case.nexusctl(["import", "container", name, "--stack", case.stack, "--adopt"])
        assert done.returncode == 0, done.stdout + done.stderr
        assert finds()
        file = case.folder / "nexus.yaml"
        file.write_text(file.read_text().rstrip() + "\n    env: {MODE: other}\n")
        done = case.nexusctl(["apply", "--yes"])
        assert done.returncode == 0, done.stdout + done.stderr
        assert wire.get(f"/containers/{case.stack}_{name}/json")
        assert finds()


def test_a_secret_of_what_was_taken_over_is_known_by_its_value(case: Case, wire: Wire, foreign: str) -> None:
    assert case.nexusctl(["import", "container", foreign, "--stack", case.stack, "--adopt"]).returncode == 0
    before = wire.get(f"/containers/{foreign}/json")["Id"]
    dsn = f"db://me:{SECRET}@db/x"
    same = case.nexusctl(["apply", "--yes"], env={**os.environ, "DB_PASSWORD": SECRET, "DSN": dsn})
    assert same.returncode == 0, same.stdout + same.stderr
    assert wire.get(f"/containers/{foreign}/json")["Id"] == before
    other = case.nexusctl(["apply", "--yes"], env={**os.environ, "DB_PASSWORD": "another-one", "DSN": dsn})
    assert other.returncode == 0, other.stdout + other.stderr
    assert "env.DB_PASSWORD" in other.stdout
    assert wire.get(f"/containers/{case.stack}_{case.stack}-web-1/json")["Id"] != before


def test_what_was_taken_over_from_the_engines_own_network_can_be_replaced_there(
    case: Case, wire: Wire, plain: str
) -> None:
    assert case.nexusctl(["import", "container", plain, "--stack", case.stack, "--adopt"]).returncode == 0
    file = case.folder / "nexus.yaml"
    file.write_text(file.read_text().rstrip() + "\n    env: {MODE: other}\n")
    done = case.nexusctl(["apply", "--yes"])
    assert done.returncode == 0, done.stdout + done.stderr
    seen = wire.get(f"/containers/{case.stack}_{plain}/json")
    assert list(seen["NetworkSettings"]["Networks"]) == ["bridge"]
    assert case.nexusctl(["plan", "--deep", "--detailed-exitcode"]).returncode == 0
    assert case.nexusctl(["destroy", "--yes"]).returncode == 0


def test_apply_takes_over_a_container_of_any_name(case: Case, wire: Wire, foreign: str, base_image: str) -> None:
    before = wire.get(f"/containers/{foreign}/json")
    assert case.nexusctl(["import", "container", foreign, "--stack", case.stack]).returncode == 0
    file = case.folder / "nexus.yaml"
    name = f"{case.stack}-web-1"
    file.write_text(file.read_text() + f"\n  other: {{image: {base_image}, command: sleep 1000}}\n")
    adopting = ["--adopt-container", f"{name}={before['Id'][:12]}"]
    saved = case.nexusctl(["plan", *adopting, "--out", "saved.plan"])
    assert saved.returncode == 0, saved.stderr
    done = case.nexusctl(["apply", "saved.plan"], env={**os.environ, "DB_PASSWORD": SECRET, "DSN": _dsn()})
    assert done.returncode == 0, done.stdout + done.stderr
    assert wire.get(f"/containers/{foreign}/json")["Id"] == before["Id"]
    again = case.nexusctl(["plan", "--deep", "--detailed-exitcode", *adopting])
    assert again.returncode == 0, again.stdout + again.stderr


def _dsn() -> str:
    return f"db://me:{SECRET}@db/x"


def test_a_container_that_cannot_be_had_is_named_before_anything_is_done(case: Case, plain: str) -> None:
    assert case.nexusctl(["import", "container", plain, "--stack", case.stack]).returncode == 0
    lost = case.nexusctl(["apply", "--yes", "--adopt-container", f"{plain}=nobody-{case.stack}"])
    assert lost.returncode == 1
    assert f"no container is called nobody-{case.stack}" in lost.stderr
    unknown = case.nexusctl(["plan", "--adopt-container", f"{plain[:-1]}={plain}"])
    assert unknown.returncode == 1
    assert f"did you mean `{plain}`" in unknown.stderr


def test_one_container_is_not_two_sandboxes(case: Case, plain: str, base_image: str) -> None:
    file = case.folder / "nexus.yaml"
    sandboxes = "".join(f"  {name}: {{image: {base_image}, command: [sleep, infinity]}}\n" for name in ("a", "b"))
    file.write_text(f"name: {case.stack}\nsandboxes:\n{sandboxes}")
    done = case.nexusctl(["plan", "--adopt-container", f"a={plain}", "--adopt-container", f"b={plain}"])
    assert done.returncode == 1
    assert f"the container {plain} cannot be both a and b" in done.stderr


def test_one_that_is_stopped_is_taken_over_and_started_by_the_next_apply(case: Case, wire: Wire, plain: str) -> None:
    wire.post(f"/containers/{plain}/stop", query={"t": 0})
    before = wire.get(f"/containers/{plain}/json")["Id"]
    done = case.nexusctl(["import", "container", plain, "--stack", case.stack, "--adopt"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(to start): `nexusctl apply` does that" in done.stdout
    own = f"{case.stack}_{plain}"
    assert wire.get(f"/containers/{own}/json")["State"]["Running"] is False
    applied = case.nexusctl(["apply", "--yes"])
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "1 started" in applied.stdout
    assert wire.get(f"/containers/{own}/json")["Id"] == before


def test_what_would_be_changed_is_not_taken_over(case: Case, wire: Wire, base_image: str) -> None:
    name = f"{case.stack}-outside"
    body = {"Image": base_image, "Cmd": ["sleep", "infinity"], "HostConfig": {"NetworkMode": "host"}}
    for _ in running(case, name, body):
        done = case.nexusctl(["import", "container", name, "--stack", case.stack, "--adopt"])
        assert done.returncode == 1
        assert "it cannot be taken over as it is: update, networks.default" in done.stderr
        assert "nothing was written or done; name the others only" in done.stderr
        assert not (case.folder / "nexus.yaml").exists()
        assert wire.get(f"/containers/{name}/json")["State"]["Running"] is True
        assert not [v for v in wire.get("/volumes")["Volumes"] or [] if case.stack in json.dumps(v["Labels"])]


def test_one_that_never_ran_is_named_and_left(case: Case, wire: Wire, base_image: str) -> None:
    name = f"{case.stack}-made"
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["sleep", "infinity"]}, {"name": name})["Id"]
    try:
        done = case.nexusctl(["import", "container", name, "--stack", case.stack, "--adopt"])
        assert done.returncode == 1
        assert f"no container is called {name} that could be taken over" in done.stderr
        assert not (case.folder / "nexus.yaml").exists()
    finally:
        wire.delete(f"/containers/{made}", {"force": True})


def test_what_another_stack_took_over_stays_its_own(case: Case, plain: str) -> None:
    assert case.nexusctl(["import", "container", plain, "--stack", case.stack, "--adopt"]).returncode == 0
    name = f"{case.stack}_{plain}"
    arguments = ["import", "container", name, "--stack", f"{case.stack}-o", "-f", "other.yaml", "--adopt"]
    done = case.nexusctl(arguments)
    assert done.returncode == 1
    assert "that could be taken over" in done.stderr
    assert "no stack has it" in done.stderr
    assert case.nexusctl(["plan", "--deep", "--detailed-exitcode"]).returncode == 0


@pytest.mark.parametrize("when", ["kill-before", "kill-after"])
def test_a_takeover_that_is_killed_again_and_again_comes_to_the_same_end(
    case: Case, wire: Wire, foreign: str, plain: str, tmp_path: Path, when: Kind
) -> None:
    ids = {name: wire.get(f"/containers/{name}/json")["Id"] for name in (foreign, plain)}
    before = {name: look(wire, key) for name, key in ids.items()}
    arguments = ["import", "container", foreign, plain, "--stack", case.stack, "--adopt"]
    said = ""
    with Proxy(tmp_path / "proxy.sock", wire.endpoint.url.removeprefix("unix://")) as proxy:
        for call in itertools.count():
            proxy.arm(Fault(call=call, kind=when))
            done = run_through(proxy, arguments, case.folder)
            said += done.stderr
            if not proxy.fired:
                break
            assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert call > 3
    assert re.search(r"[12] of 2 were taken over before; this goes on from there", said), said
    assert {name: look(wire, key) for name, key in ids.items()} == before
    shown = case.nexusctl(["plan", "--deep", "--detailed-exitcode"])
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert SECRET not in (case.folder / "nexus.yaml").read_text()
