"""What a label says is checked: an image that brings labels owns nothing, and no label is used as a path."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from tests.attacks.test_binds import containers_of, nexusctl

pytestmark = pytest.mark.engine

MEMORY = Path("/dev/shm/nexusctl")


def write(folder: Path, stack: str, image: str) -> None:
    box = {"image": image, "command": ["sleep", "infinity"], "networks": [], "secrets": ["token"]}
    secrets = {"token": {"command": ["echo", "a word"]}}
    (folder / "nexus.yaml").write_text(json.dumps({"name": stack, "secrets": secrets, "sandboxes": {"box": box}}))


def test_a_container_of_an_image_that_was_made_of_a_sandbox_is_nobodys(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    write(tmp_path, stack_name, base_image)
    image = f"{stack_name}-taken:1"
    copy = ""
    try:
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        [own] = containers_of(wire, stack_name)
        wire.post("/commit", {}, {"container": own, "repo": f"{stack_name}-taken", "tag": "1"})
        body = {"Image": image, "Cmd": ["sleep", "infinity"]}
        copy = wire.post("/containers/create", body, {"name": f"{stack_name}_copy"})["Id"]
        wire.post(f"/containers/{copy}/start")
        assert set(containers_of(wire, stack_name)) == {own, copy}, "the engine hands the labels on"
        for verb in (["plan", "--detailed-exitcode"], ["drift"], ["apply", "--yes"]):
            done = nexusctl(tmp_path, *verb)
            assert done.returncode == 0, (verb, done.stdout, done.stderr)
        assert nexusctl(tmp_path, "destroy", "--yes").returncode == 0
        assert containers_of(wire, stack_name) == [copy]
        # A sandbox that is made of that image is one, for all that.
        write(tmp_path, stack_name, image)
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        assert nexusctl(tmp_path, "plan", "--detailed-exitcode").returncode == 0
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")
        if copy:
            wire.delete(f"/containers/{copy}", {"force": True})
        wire.delete(f"/images/{image}", {"force": True})


@pytest.mark.parametrize("forged", [".", "..", "../{canary}", "a/../..", "", "{other}/../{other}"])
def test_no_label_leads_to_the_secrets_of_others(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire, forged: str
) -> None:
    """Another stack's folder of secrets stands through every verb of one with a forged container and a forged deed."""
    other = f"{stack_name}-other"
    for name in (stack_name, other):
        (tmp_path / name).mkdir()
        write(tmp_path / name, name, base_image)
    canary = MEMORY.parent / f"nexusctl-canary-{uuid.uuid4().hex}"
    canary.mkdir()
    deed = f"nexusctl_secrets_{uuid.uuid4().hex}"
    try:
        for name in (stack_name, other):
            assert nexusctl(tmp_path / name, "apply", "--yes").returncode == 0
        marks = wire.get(f"/containers/{other}_box/json")["Config"]["Labels"]
        kept = MEMORY / marks[labels.SECRETS] / "token"
        false = {
            **marks,
            labels.STACK: stack_name,
            labels.SANDBOX: "ghost",
            labels.SECRETS: forged.format(other=marks[labels.SECRETS], canary=canary.name),
        }
        body = {"Image": base_image, "Cmd": ["sleep", "infinity"], "Labels": false}
        wire.post("/containers/create", body, {"name": f"{stack_name}_ghost"})
        wire.post("/volumes/create", {"Name": deed, "Labels": {**false, labels.ROLE: "secrets", labels.RECORD: ""}})
        for verb in (["plan"], ["apply", "--yes"], ["destroy", "--yes"]):
            done = nexusctl(tmp_path / stack_name, *verb)
            assert done.returncode in (0, 1), (verb, done.stdout, done.stderr)
            assert kept.is_file(), verb
            assert canary.is_dir(), verb
    finally:
        for name in (stack_name, other):
            nexusctl(tmp_path / name, "destroy", "--yes", "--stack", name, "--ignore-missing")
        for entry in containers_of(wire, stack_name):
            wire.delete(f"/containers/{entry}", {"force": True})
        wire.call("DELETE", f"/volumes/{deed}")
        canary.rmdir()
