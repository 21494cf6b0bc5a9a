"""What somebody else made is taken over on request only, as it is, and is the stack's from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import EngineError, NotFound
from tests.e2e.case import Case
from tests.ranges import make_network

pytestmark = pytest.mark.engine

STACK = """\
name: STACK
volumes: {data: {}}
networks: {back: {}}
sandboxes:
  web:
    image: IMAGE
    command: [sleep, infinity]
    env: {MODE: "on"}
    volumes: ["data:/data"]
    networks: [back]
"""


@pytest.fixture
def case(tmp_path: Path, wire: Wire, base_image: str, stack_name: str) -> Iterator[Case]:
    """A foreign container, network and volume under the names that the stack uses."""
    (tmp_path / "nexus.yaml").write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    network, volume = f"{stack_name}_back", f"{stack_name}_data"
    make_network(wire, network)
    wire.post("/volumes/create", {"Name": volume})
    body = {
        "Image": base_image,
        "Cmd": ["sleep", "infinity"],
        "Env": ["MODE=on"],
        "HostConfig": {
            "Init": True,
            "NetworkMode": network,
            "PidsLimit": 1024,
            "Mounts": [{"Type": "volume", "Source": volume, "Target": "/data"}],
        },
    }
    made = wire.post("/containers/create", body, {"name": f"{stack_name}_web"})["Id"]
    wire.post(f"/containers/{made}/start")
    played = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield played
    played.close()
    for kind, key in (("containers", made), ("networks", network), ("volumes", volume)):
        try:
            wire.delete(f"/{kind}/{key}", {"force": True})
        except (NotFound, EngineError):
            continue


def web(case: Case) -> dict[str, object]:
    found: dict[str, object] = case.wire.get(f"/containers/{case.stack}_web/json")
    return found


def test_without_being_asked_nothing_is_taken_over_and_the_way_is_named(case: Case) -> None:
    done = case.nexusctl(["apply", "--yes"])
    assert done.returncode == 1
    for kind in ("container", "network", "volume"):
        assert f"the {kind} name {case.stack}_" in done.stderr
    assert "--adopt" in done.stderr


def test_what_is_taken_over_stays_as_it_is_and_has_no_changes_afterwards(case: Case) -> None:
    before = web(case)
    shown = case.nexusctl(["plan", "--adopt", "--detailed-exitcode"])
    assert shown.returncode == 2
    assert shown.stdout.count("which somebody else made, is the stack's from now on") == 3
    done = case.nexusctl(["apply", "--adopt", "--yes"])
    assert done.returncode == 0, done.stdout + done.stderr
    after = web(case)
    assert (after["Id"], after["State"]) == (before["Id"], before["State"])
    for options in ([], ["--deep"], ["--adopt"]):
        again = case.nexusctl(["plan", "--detailed-exitcode", *options])
        assert again.returncode == 0, again.stdout + again.stderr


def test_what_was_taken_over_is_changed_like_any_other(case: Case) -> None:
    file = case.folder / "nexus.yaml"
    file.write_text(file.read_text() + "    resources: {memory: 64m}\n")
    before = web(case)
    assert case.nexusctl(["apply", "--adopt", "--yes"]).returncode == 0
    assert web(case)["Id"] == before["Id"]
    assert web(case)["HostConfig"]["Memory"] == 64 * 1024 * 1024  # type: ignore[index]
    file.write_text(file.read_text().replace('"on"', '"off"'))
    done = case.nexusctl(["apply", "--yes"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert web(case)["Id"] != before["Id"]
    assert case.nexusctl(["plan", "--detailed-exitcode"]).returncode == 0


def test_a_rollback_leaves_what_was_taken_over_as_it_was_found(case: Case, base_image: str) -> None:
    file = case.folder / "nexus.yaml"
    failing = f"  late: {{image: {base_image}, command: [exit-at-once], depends_on: [web]}}\n"
    file.write_text(file.read_text() + "    resources: {memory: 64m}\n" + failing)
    before = web(case)
    done = case.nexusctl(["apply", "--adopt", "--yes", "--on-failure", "rollback"])
    assert done.returncode == 1
    assert "Rolled back: web" in done.stdout
    after = web(case)
    assert (after["Id"], after["State"]) == (before["Id"], before["State"])
    assert after["Config"] == before["Config"]
    assert after["HostConfig"]["Memory"] in (0, 1 << 62)  # type: ignore[index]
    file.write_text(file.read_text().replace(failing, "").replace("    resources: {memory: 64m}\n", ""))
    again = case.nexusctl(["plan", "--deep", "--detailed-exitcode"])
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_destroy_removes_what_was_taken_over_but_for_the_volume(case: Case) -> None:
    assert case.nexusctl(["apply", "--adopt", "--yes"]).returncode == 0
    done = case.nexusctl(["destroy", "--yes"])
    assert done.returncode == 0, done.stdout + done.stderr
    for gone in (f"/containers/{case.stack}_web/json", f"/networks/{case.stack}_back"):
        with pytest.raises(NotFound):
            case.wire.get(gone)
    assert case.wire.get(f"/volumes/{case.stack}_data")
    done = case.nexusctl(["destroy", "--yes", "--volumes"])
    assert done.returncode == 0, done.stdout + done.stderr
    names = {volume["Name"] for volume in case.wire.get("/volumes")["Volumes"] or []}
    assert f"{case.stack}_data" not in names
    assert not [name for name in names if name.startswith("nexusctl_adoption_") and _is_of(case, name)]


def _is_of(case: Case, volume: str) -> bool:
    return (case.wire.get(f"/volumes/{volume}")["Labels"] or {}).get("dev.nexusctl.stack") == case.stack


def test_what_another_stack_has_is_never_taken_over(case: Case, base_image: str) -> None:
    other = case.folder / "other"
    other.mkdir()
    name = f"{case.stack}-o"
    (other / "nexus.yaml").write_text(f"name: {name}\nsandboxes:\n  a: {{image: {base_image}, command: sleep 1000}}\n")
    second = Case(folder=other, stack=name, wire=case.wire)
    try:
        assert second.nexusctl(["apply", "--yes"]).returncode == 0
        case.wire.post(f"/containers/{name}_a/rename", query={"name": f"{case.stack}_b"})
        file = case.folder / "nexus.yaml"
        file.write_text(file.read_text() + f"  b: {{image: {base_image}, command: sleep 1000}}\n")
        done = case.nexusctl(["apply", "--adopt", "--yes"])
        assert done.returncode == 1
        assert f"{case.stack}_b is taken by a sandbox of the stack {name}" in done.stderr
    finally:
        second.close()
