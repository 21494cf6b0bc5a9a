"""What says falsely that it is a stack's is named and left alone, and hinders nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.label_forms import find_fault
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.builder import list_builders, remove_stale
from nexusctl.errors import NotFound
from nexusctl.model.record import encode
from nexusctl.model.stack import Sandbox
from tests.attacks.test_binds import nexusctl

ID = "a" * 64
SHORT = ID[:16]
RECORD = encode(Sandbox(name="app", group="app", image="debian"))
NEWER = json.dumps({"version": 99, "sandbox": {}})

Marks = dict[str, str]

CONTAINERS: dict[str, Marks] = {
    "damaged-holder": {labels.SANDBOX: "app", labels.RECORD: "{"},
    "newer-holder": {labels.SANDBOX: "app", labels.RECORD: NEWER},
    "newer-ghost": {labels.SANDBOX: "ghost", labels.RECORD: NEWER},
    "no-record": {labels.SANDBOX: "ghost"},
    "others-record": {labels.SANDBOX: "ghost", labels.RECORD: RECORD},
    "path": {labels.SANDBOX: "../../ghost", labels.RECORD: RECORD},
    "escapes": {labels.SANDBOX: "gh\x1b[2Jost", labels.RECORD: RECORD},
    "nameless": {labels.SANDBOX: "", labels.RECORD: RECORD},
    "courier": {labels.ROLE: "courier", labels.SECRETS: "../.."},
}
VOLUMES: dict[str, Marks] = {
    "amendment": {labels.ROLE: "amendment", labels.CONTAINER: ID, labels.SEQUENCE: "9", labels.RECORD: RECORD},
    "end-of-a-path": {labels.ROLE: "end", labels.CONTAINER: "../..", labels.SANDBOX: "../x", labels.RECORD: RECORD},
    "note": {labels.ROLE: "note", labels.CONTAINER: ID, labels.SEQUENCE: "x"},
    "adoption-nameless": {labels.ROLE: "adoption", labels.ADOPTED: "volume:x"},
    "adoption-of-nothing": {labels.ROLE: "adoption", labels.ADOPTED: "network:", labels.NETWORK: "default"},
    "second-data": {labels.ROLE: "volume", labels.VOLUME: "data"},
    "volume-path": {labels.ROLE: "volume", labels.VOLUME: "../../x:/y"},
    "deed-nameless": {labels.ROLE: "secrets"},
    "deed-of-a-path": {labels.ROLE: "secrets", labels.SECRETS: "../x"},
    "end-of-nobody": {labels.ROLE: "end", labels.CONTAINER: ID, labels.SANDBOX: "job"},
}
NETWORKS: dict[str, Marks] = {
    "second-default": {labels.ROLE: "network", labels.NETWORK: "default"},
    "network-path": {labels.ROLE: "network", labels.NETWORK: "../x"},
}


@pytest.mark.parametrize(
    ("kind", "name", "marks"),
    [
        ("container", "s_app", {labels.ROLE: "sandbox", labels.SANDBOX: "app"}),
        ("container", "whatever", {labels.ROLE: "sandbox", labels.SANDBOX: "each-North.1"}),
        ("network", "s_default", {labels.ROLE: "network", labels.NETWORK: "default"}),
        ("volume", "s_data", {labels.ROLE: "volume", labels.VOLUME: "data"}),
        ("volume", "any", {labels.ROLE: "volume", labels.VOLUME: "app:/data"}),
        (
            "volume",
            f"nexusctl_amendment_{SHORT}_2",
            {labels.ROLE: "amendment", labels.CONTAINER: ID, labels.SEQUENCE: "2", labels.SANDBOX: "app"},
        ),
        ("volume", f"nexusctl_note_{SHORT}_1", {labels.ROLE: "note", labels.CONTAINER: ID, labels.SEQUENCE: "1"}),
        ("volume", f"nexusctl_end_{SHORT}", {labels.ROLE: "end", labels.CONTAINER: ID, labels.SANDBOX: "job"}),
        ("volume", f"nexusctl_secrets_{'b' * 32}", {labels.ROLE: "secrets", labels.SECRETS: "b" * 32}),
        ("volume", "x", {labels.ROLE: "adoption", labels.ADOPTED: "network:ff", labels.NETWORK: "default"}),
        ("volume", "x", {labels.ROLE: "adoption", labels.ADOPTED: "volume:ff", labels.VOLUME: "db:/data"}),
        ("volume", "x", {labels.ROLE: "of a version that is not known yet"}),
    ],
)
def test_what_nexusctl_writes_has_no_fault(kind: Any, name: str, marks: Marks) -> None:
    assert find_fault(kind, name, {labels.STACK: "s", **marks}) == ""


@pytest.fixture
def stack(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Path]:
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    sandboxes = {
        "app": {
            **box,
            "secrets": ["key"],
            "volumes": ["data:/data"],
            "uploads": [{"content": "x", "target": "/etc/x"}],
        },
        "job": {**box, "kind": "task", "command": ["true"]},
    }
    document = {
        "name": stack_name,
        "volumes": {"data": None},
        "secrets": {"key": {"command": ["echo", "x"]}},
        "sandboxes": sandboxes,
    }
    (tmp_path / "nexus.yaml").write_text(json.dumps(document))
    assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
    yield tmp_path
    nexusctl(tmp_path, "destroy", "--yes", "--volumes", "--stack", stack_name, "--ignore-missing")


@pytest.fixture
def forge(wire: Wire, stack_name: str, base_image: str) -> Iterator[Callable[[str, str, Marks], str]]:
    made: list[str] = []

    def make(kind: str, name: str, marks: Marks) -> str:
        marks = {labels.STACK: stack_name, **marks}
        if kind == "container":
            body = {"Image": base_image, "Cmd": ["sleep", "infinity"], "Labels": {labels.ROLE: "sandbox", **marks}}
            path = f"/containers/{wire.post('/containers/create', body, {'name': name})['Id']}"
            wire.post(f"{path}/start")
        elif kind == "network":
            path = f"/networks/{wire.post('/networks/create', {'Name': name, 'Labels': marks, **LONELY})['Id']}"
        else:
            path = f"/volumes/{wire.post('/volumes/create', {'Name': name, 'Labels': marks})['Name']}"
        made.append(path)
        return path

    yield make
    for path in made:
        try:
            wire.delete(path, {"force": True} if path.startswith("/containers") else {})
        except NotFound:
            continue


LONELY = {"Internal": True, "Driver": "null"}
"""Of a network that takes no addresses."""


@pytest.mark.engine
def test_every_verb_works_as_if_it_were_not_there_and_plans_name_it(
    stack: Path, stack_name: str, wire: Wire, forge: Callable[[str, str, Marks], str]
) -> None:
    paths = {
        f"{stack_name}-{name}": forge(kind, f"{stack_name}-{name}", marks)
        for kind, objects in (("container", CONTAINERS), ("volume", VOLUMES))
        for name, marks in objects.items()
    }
    copied = wire.get(f"/containers/{stack_name}_app/json")["Config"]["Labels"]
    paths[f"{stack_name}-copy"] = forge("container", f"{stack_name}-copy", copied)
    for verb in (["plan", "--detailed-exitcode"], ["plan", "--deep", "--detailed-exitcode"], ["apply", "--yes"]):
        done = nexusctl(stack, *verb)
        assert done.returncode == 0, (verb, done.stdout, done.stderr)
        assert f"No changes: stack {stack_name}" in done.stdout
        unnamed = [
            name for name in paths if f"{name} bears the labels of this stack, and is left alone" not in done.stderr
        ]
        assert unnamed == []
        assert "\x1b" not in done.stderr
    assert nexusctl(stack, "drift").returncode == 0
    status = json.loads(nexusctl(stack, "status", "--json").stdout)
    assert sorted(row["name"] for row in status["sandboxes"]) == ["app", "job"]
    imported = nexusctl(stack, "import", "stack", stack_name, "--stdout", "-f", "other.yaml")
    assert imported.returncode == 0
    assert "ghost" not in imported.stdout
    assert nexusctl(stack, "doctor").returncode in (0, 1)
    assert nexusctl(stack, "exec", "app", "true").returncode == 0
    # Without the older one nothing tells a copy from it.
    wire.delete(paths.pop(f"{stack_name}-copy"), {"force": True})
    destroyed = nexusctl(stack, "destroy", "--yes", "--volumes")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    for name, path in paths.items():
        assert wire.get(f"{path}/json" if path.startswith("/containers") else path), name
    with pytest.raises(NotFound):
        wire.get(f"/containers/{stack_name}_app/json")


@pytest.mark.engine
@pytest.mark.parametrize("name", NETWORKS)
def test_nor_does_a_network(
    stack: Path, stack_name: str, wire: Wire, forge: Callable[[str, str, Marks], str], name: str
) -> None:
    subnet = {"network-path": "10.213.7.0/29", "second-default": "10.213.7.8/29"}[name]
    body = {
        "Name": f"{stack_name}-{name}",
        "Labels": {labels.STACK: stack_name, **NETWORKS[name]},
        "IPAM": {"Config": [{"Subnet": subnet}]},
    }
    made = wire.post("/networks/create", body)["Id"]
    try:
        done = nexusctl(stack, "plan", "--detailed-exitcode")
        assert done.returncode == 0, done.stdout
        assert f"the network {stack_name}-{name} bears the labels of this stack, and is left alone" in done.stderr
        assert nexusctl(stack, "destroy", "--yes").returncode == 0
        assert wire.get(f"/networks/{made}")["Name"] == f"{stack_name}-{name}"
    finally:
        wire.delete(f"/networks/{made}")


@pytest.mark.engine
def test_a_damaged_amendment_is_passed_over_and_what_it_may_have_said_is_done_again(
    stack: Path, stack_name: str, wire: Wire, forge: Callable[[str, str, Marks], str]
) -> None:
    container = wire.get(f"/containers/{stack_name}_app/json")["Id"]
    marks = {labels.ROLE: "amendment", labels.CONTAINER: container, labels.SEQUENCE: "7", labels.SANDBOX: "app"}
    forge("volume", f"nexusctl_amendment_{container[:16]}_7", {**marks, labels.RECORD: "nope"})
    assert nexusctl(stack, "plan", "--detailed-exitcode").returncode == 2
    done = nexusctl(stack, "apply", "--yes")
    assert done.returncode == 0, done.stderr
    assert wire.get(f"/containers/{stack_name}_app/json")["Id"] == container
    assert nexusctl(stack, "plan", "--detailed-exitcode").returncode == 0


@pytest.mark.engine
def test_a_container_of_an_image_that_says_it_is_a_builder_stays(stack_name: str, base_image: str, wire: Wire) -> None:
    owner = json.dumps({"host": "gone", "pid": 1, "birth": "x"})
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"]})["Id"]
    query = {"container": made, "repo": f"{stack_name}-builder", "tag": "1"}
    wire.post("/commit", {"Labels": {labels.ROLE: "builder", labels.BUILDER: owner}}, query)
    forged = wire.post("/containers/create", {"Image": f"{stack_name}-builder:1", "Cmd": ["true"]})["Id"]
    try:
        assert forged not in {found["Id"] for found in list_builders(wire)}
        remove_stale(wire)
        assert wire.get(f"/containers/{forged}/json")["Id"] == forged
    finally:
        for container in (forged, made):
            wire.delete(f"/containers/{container}", {"force": True})
        wire.delete(f"/images/{stack_name}-builder:1")
