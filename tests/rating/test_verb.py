"""`doctor --security` on the real engine.

The oracle is what `docker inspect` shows, judged as docker-bench-security does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted

pytestmark = pytest.mark.engine

SECRET = "hunter2-is-what-it-was"


def nexusctl(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexusctl", *arguments]
    return prestarted.run(
        command, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )


def rate(folder: Path, *arguments: str) -> dict[str, Any]:
    done = nexusctl(folder, "doctor", "--security", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def verdicts(document: dict[str, Any], number: str, about: str = "stack") -> dict[str, str]:
    point = next(each for each in document["points"] if (each["number"], each["about"]) == (number, about))
    return {each.get("sandbox", ""): each["status"] for each in point["verdicts"]}


@pytest.fixture
def folder(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Path]:
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    sandboxes = {
        "loose": {
            **box,
            "env": {"DB_PASSWORD": SECRET},
            "cap_add": ["SYS_NICE"],
            "ports": [{"container": 80, "address": "0.0.0.0"}],
            "restart": "always",
            "volumes": [{"bind": "/var/run/docker.sock", "target": "/engine", "host_access": True}],
        },
        "tight": {
            **box,
            "user": "1000:1000",
            "ports": [8080],
            "health": {"command": "true"},
            "resources": {"memory": "64m", "cpus": 0.5},
        },
    }
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": sandboxes}, indent=1))
    yield tmp_path
    nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


# Whether docker-bench-security 1.6.0 warns, by its number: what its script asks `docker inspect` for.
BENCH: dict[str, Callable[[dict[str, Any]], bool]] = {
    "4.1": lambda it: it["Config"]["User"] in ("", "root", "0"),
    "5.4": lambda it: bool(it["HostConfig"]["CapAdd"]),
    "5.5": lambda it: bool(it["HostConfig"]["Privileged"]),
    "5.10": lambda it: it["HostConfig"]["NetworkMode"] == "host",
    "5.11": lambda it: it["HostConfig"]["Memory"] == 0,
    "5.13": lambda it: not it["HostConfig"]["ReadonlyRootfs"],
    "5.14": lambda it: '"HostIp": "0.0.0.0"' in json.dumps(it["HostConfig"]["PortBindings"]),
    "5.15": lambda it: it["HostConfig"]["RestartPolicy"]["Name"] == "always",
    "5.16": lambda it: it["HostConfig"]["PidMode"] == "host",
    "5.17": lambda it: it["HostConfig"]["IpcMode"] == "host",
    "5.20": lambda it: any(mount["Propagation"] == "shared" for mount in it["Mounts"]),
    "5.21": lambda it: it["HostConfig"]["UTSMode"] == "host",
    "5.22": lambda it: "seccomp=unconfined" in it["HostConfig"]["SecurityOpt"],
    "5.25": lambda it: bool(it["HostConfig"]["CgroupParent"]),
    "5.26": lambda it: not any("no-new-privileges" in each for each in it["HostConfig"]["SecurityOpt"]),
    "5.27": lambda it: "Health" not in it["State"],
    "5.29": lambda it: (it["HostConfig"]["PidsLimit"] or 0) <= 0,
    "5.31": lambda it: it["HostConfig"]["UsernsMode"] == "host",
    "5.32": lambda it: any("docker.sock" in mount["Source"] for mount in it["Mounts"]),
}  # fmt: skip


def test_a_file_is_rated_as_its_containers_are(folder: Path, stack_name: str) -> None:
    rated = rate(folder)
    assert nexusctl(folder, "apply", "--yes").returncode == 0
    told = subprocess.run(
        ["docker", "inspect", *(f"{stack_name}_{name}" for name in ("loose", "tight"))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    made = dict(zip(("loose", "tight"), json.loads(told.stdout), strict=True))
    for number, warns in BENCH.items():
        expected = {name: "warn" if warns(container) else "pass" for name, container in made.items()}
        assert verdicts(rated, number) == expected, number
    # Not all of it is about one of the two.
    assert {number for number, warns in BENCH.items() if warns(made["loose"]) != warns(made["tight"])} == {
        "4.1", "5.4", "5.11", "5.14", "5.15", "5.27", "5.32",
    }  # fmt: skip


def test_the_engine_is_rated_by_what_docker_info_shows(folder: Path) -> None:
    rated = rate(folder)
    told = subprocess.run(["docker", "info", "--format", "{{json .}}"], capture_output=True, text=True, check=True)
    info = json.loads(told.stdout)
    expected = {
        "2.15": "pass" if info["LiveRestoreEnabled"] else "warn",
        "2.13": "warn" if info["LoggingDriver"] in ("json-file", "local") else "pass",
        "2.17": "pass" if "name=seccomp,profile=default" in info["SecurityOptions"] else "warn",
        "2.9": "pass" if "name=userns" in info["SecurityOptions"] else "warn",
        "5.2": "pass" if "name=apparmor" in info["SecurityOptions"] else "warn",
        "5.1": "pass" if info["Swarm"]["LocalNodeState"] == "inactive" else "warn",
    }
    assert {number: verdicts(rated, number, "engine")[""] for number in expected} == expected


def test_text_has_the_number_the_place_and_what_to_type_and_no_secret(folder: Path) -> None:
    done = nexusctl(folder, "doctor", "--security")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[:2] == ["warn", "5.15"])
    line = next(n for n, text in enumerate((folder / "nexus.yaml").read_text().splitlines(), 1) if '"restart"' in text)
    assert f"loose (nexus.yaml:{line})" in lines[at + 1]
    assert "-> `restart: on-failure`" in lines[at + 2]
    assert " do not apply" in done.stderr
    assert "env.DB_PASSWORD in plain words" in done.stdout
    everything = done.stdout + nexusctl(folder, "doctor", "--security", "--json").stdout
    assert SECRET not in everything


def test_a_lock_file_and_digests_hold_an_image(folder: Path, base_image: str, wire: Wire) -> None:
    assert verdicts(rate(folder), "4.2") == {"loose": "warn", "tight": "warn"}
    assert nexusctl(folder, "lock").returncode == 0
    assert verdicts(rate(folder), "4.2") == {"loose": "pass", "tight": "pass"}


def test_without_a_file_the_engine_alone_is_rated_and_one_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    assert {point["about"] for point in rate(tmp_path)["points"]} == {"engine"}
    missing = nexusctl(tmp_path, "doctor", "--security", "-f", "nexus.yaml")
    assert missing.returncode == 1
    assert "nexus.yaml" in missing.stderr
    (tmp_path / "nexus.yaml").write_text("name: x\nsandboxes: {a: {}}\n")
    wrong = nexusctl(tmp_path, "doctor", "--security")
    assert wrong.returncode == 1
    assert "nexus.yaml:2" in wrong.stderr


def test_an_engine_that_cannot_be_asked_is_a_problem_and_the_file_is_rated_all_the_same(folder: Path) -> None:
    done = nexusctl(folder, "doctor", "--security", "--json", DOCKER_HOST=f"unix://{folder}/nobody.sock")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["absence"]
    assert {point["about"] for point in document["points"]} == {"stack"}
    assert verdicts(document, "5.11") == {"loose": "warn", "tight": "pass"}


@pytest.mark.parametrize(("given", "named"), [(["-f", "nexus.yaml"], "--file"), (["--var", "a=b"], "--var")])
def test_options_of_a_file_are_for_security_only(folder: Path, given: list[str], named: str) -> None:
    done = nexusctl(folder, "doctor", *given)
    assert done.returncode == 2
    assert f"{named} is for `nexusctl doctor --security`" in done.stderr
