"""A sandbox that takes all it can of processes, memory and disk gets what its limits leave it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from tests.attacks.test_binds import nexusctl
from tests.daemon.kills import second_engine
from tests.daemon.yard import Yard

pytestmark = pytest.mark.engine

FORKS = "i=0; while [ $i -lt 2000 ]; do sleep 600 & i=$((i+1)); done; echo made $i"
HOG = ["perl", "-e", "$taken = 'x' x (200 << 20); print 'has it'"]
FILLER = "head -c 60000000 /dev/zero > /filler && echo has it"


@pytest.fixture
def apply(tmp_path: Path, stack_name: str) -> Iterator[object]:
    """Applies a stack of these sandboxes, with these defaults; returns what was said."""

    def run(sandboxes: dict[str, object], **defaults: object) -> str:
        document = {"name": stack_name, "sandboxes": sandboxes, **defaults}
        (tmp_path / "nexus.yaml").write_text(json.dumps(document))
        done = nexusctl(tmp_path, "apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield run
    nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


def test_a_fork_bomb_in_a_sandbox_of_a_template_ends_at_its_limit(
    apply, stack_name: str, wire: Wire, template_images: None
) -> None:
    apply({"agent": {"template": "base"}, "free": {"template": "base", "resources": {"pids": 4000}}})
    assert "Cannot fork" in run_inside(wire, f"{stack_name}_agent", ["sh", "-c", FORKS]).output
    assert "made 2000" in run_inside(wire, f"{stack_name}_free", ["sh", "-c", FORKS]).output
    # It took no more than its own: the engine makes and runs others meanwhile.
    apply({"agent": {"template": "base"}, "other": {"template": "base"}})
    assert run_inside(wire, f"{stack_name}_other", ["echo", "runs"]).output == "runs\n"


def test_a_template_brings_limits_and_a_hog_is_ended_at_those_of_the_file(
    apply, tmp_path: Path, stack_name: str, wire: Wire, template_images: None
) -> None:
    sandboxes = {"agent": {"template": "python"}, "free": {"template": "python", "resources": {"memory": "none"}}}
    said = apply(sandboxes)
    assert "1 sandbox has no limit on memory: free; `defaults: {resources: {memory: 2g}}` sets one." in said
    host = wire.get(f"/containers/{stack_name}_agent/json")["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"], host["CpuQuota"] / host["CpuPeriod"]) == (
        *(2 << 30, 2 << 30),
        1024,
        2,
    )
    before = {name: wire.get(f"/containers/{stack_name}_{name}/json")["Id"] for name in sandboxes}
    apply(sandboxes, defaults={"resources": {"memory": "64m"}})
    assert {name: wire.get(f"/containers/{stack_name}_{name}/json")["Id"] for name in sandboxes} == before
    assert "has it" in run_inside(wire, f"{stack_name}_free", HOG).output
    ended = run_inside(wire, f"{stack_name}_agent", HOG)
    assert (ended.exit_code, "has it" in ended.output) == (137, False)
    assert nexusctl(tmp_path, "plan", "--detailed-exitcode").returncode == 0


def test_what_an_older_version_made_of_a_template_without_limits_stays_without(
    apply, tmp_path: Path, stack_name: str, wire: Wire, template_images: None
) -> None:
    apply({"agent": {"template": "base", "resources": {"cpus": "none", "memory": "none", "storage": "none"}}})
    name = f"{stack_name}_agent"
    record = json.loads(wire.get(f"/containers/{name}/json")["Config"]["Labels"]["dev.nexusctl.record"])
    # Version 0.1.0 wrote the same: no word on limits.
    assert "resources" not in record["sandbox"]
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": {"agent": {"template": "base"}}}))
    planned = nexusctl(tmp_path, "plan", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stdout
    assert planned.stdout == f"No changes: stack {stack_name} is as it should be (1 sandbox unchanged).\n"
    assert nexusctl(tmp_path, "drift").returncode == 0


def test_where_the_engine_cannot_limit_storage_the_plan_says_so_and_status_warns(
    apply, tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    info = wire.get("/info")
    if dict(info["DriverStatus"]).get("Backing Filesystem") == "xfs" or info["Driver"] != "overlay2":
        pytest.skip("this engine can limit storage, or may")
    said = apply({"box": {**box, "resources": {"memory": "64m", "storage": "50m"}}, "other": box})
    assert "This engine cannot limit storage: that of box is only watched, by `nexusctl status`." in said
    assert run_inside(wire, f"{stack_name}_box", ["sh", "-c", FILLER]).output == "has it\n"
    seen = nexusctl(tmp_path, "status")
    assert "57.22 MiB of 50 MiB" in seen.stdout
    assert "warning: box has written 57.22 MiB, which is more than its 50 MiB" in seen.stderr
    listed = {found["name"]: found for found in json.loads(nexusctl(tmp_path, "status", "--json").stdout)["sandboxes"]}
    assert (listed["box"]["written"], listed["box"]["storage"]) == (60_000_000, 50 << 20)
    assert (listed["other"]["written"], listed["other"]["storage"]) == (None, None)
    # What is only watched changes without a new container.
    before = wire.get(f"/containers/{stack_name}_box/json")["Id"]
    apply({"box": {**box, "resources": {"memory": "64m", "storage": "1g"}}, "other": box})
    assert wire.get(f"/containers/{stack_name}_box/json")["Id"] == before
    assert nexusctl(tmp_path, "status").stderr == ""


DISKS = {"btrfs": ("btrfs", "loop"), "xfs-with-quotas": ("xfs", "loop,pquota"), "xfs": ("xfs", "loop,noquota")}


@pytest.fixture(params=DISKS)
def yard(request: pytest.FixtureRequest) -> Iterator[Yard]:
    """An engine whose data lies on a disk with quotas for each container, or on one without.

    Those of btrfs count the image, too, and so are no limit on what a sandbox writes.
    """
    kind, options = DISKS[request.param]
    if not shutil.which(f"mkfs.{kind}"):
        pytest.skip(f"there is no mkfs.{kind} here")

    def make_disk(folder: Path) -> None:
        disk = folder / "disk"
        with disk.open("wb") as file:
            file.truncate(2 << 30)
        subprocess.run([f"mkfs.{kind}", "-q", disk], check=True)
        (folder / "data").mkdir()
        if subprocess.run(["mount", "-o", options, disk, folder / "data"], check=False).returncode:
            pytest.skip("this kernel cannot mount it like that")

    with second_engine(make_disk) as (place, image):
        yield Yard(place, image)


@pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root")
@pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed")
def test_a_filler_ends_at_its_limit_where_the_engine_can_and_is_told_of_where_not(
    yard: Yard, request: pytest.FixtureRequest
) -> None:
    limits = "name: yard\ndefaults: {resources: {memory: 64m, storage: SIZE}}\n"
    stack = limits + "sandboxes: {box: {image: IMAGE, command: [sleep, infinity]}}\n"
    yard.write(stack.replace("SIZE", "50m"))
    said = yard.succeed("apply", "--yes")
    watched = "This engine cannot limit storage: that of box is only watched" in said
    filler = ["exec", "yard_box", "sh", "-c", f"({FILLER}) 2>&1 || true"]
    if request.node.callspec.params["yard"] != "xfs-with-quotas":
        assert watched
        assert yard.docker(*filler) == "has it\n"
        assert "warning: box has written 57.22 MiB" in yard.succeed("status")
        return
    assert not watched
    assert "No space left on device" in yard.docker(*filler)
    assert "warning" not in yard.succeed("status")
    assert "No drift" in yard.succeed("drift")
    yard.write(stack.replace("SIZE", "100m"))
    assert "resources.storage: 50 MiB -> 100 MiB  # forces the replacement" in yard.succeed("plan")
    yard.succeed("apply", "--yes")
    assert yard.docker(*filler) == "has it\n"
    assert "No changes" in yard.succeed("plan")
