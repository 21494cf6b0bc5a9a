"""What is mounted in a sandbox is what its file says, or drift: a link that came into the way is found out."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.docker.observe.mounted import compare_mounts, read_table
from nexusctl.errors import NotFound
from tests.attacks.test_binds import nexusctl
from tests.relay import open_relay


def write(folder: Path, stack: str, image: str, volumes: list[object]) -> None:
    box = {"image": image, "command": ["sleep", "infinity"], "restart": "always", "volumes": volumes}
    (folder / "nexus.yaml").write_text(json.dumps({"name": stack, "sandboxes": {"box": box}}))


def kill(wire: Wire, container: str) -> None:
    """End the main process, and wait until the engine has started another one."""
    pid = wire.get(f"/containers/{container}/json")["State"]["Pid"]
    os.kill(pid, 9)
    while (now := wire.get(f"/containers/{container}/json")["State"]) and (now["Pid"] in (0, pid) or now["Restarting"]):
        time.sleep(0.1)


def drifted(folder: Path) -> dict[str, str]:
    """What the drift says to be mounted, by target, where that is not what it should be."""
    found = json.loads(nexusctl(folder, "drift", "--json").stdout)
    differences = [difference for change in found["changes"] for difference in change["differences"]]
    return {d["field"].removeprefix("volumes."): d["before"] for d in differences if d["field"].startswith("volumes.")}


@pytest.fixture
def attacked(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[tuple[Path, str, Path]]:
    """A sandbox that has put a link to somebody's folder in the place of one that it mounts, and has it now.

    Today that takes a word in the file; older versions mounted it without.
    """
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "kept").write_text("what is not for the sandbox")
    folder = tmp_path / "stack"
    (folder / "code" / "out").mkdir(parents=True)
    nested = {"bind": "./code/out", "target": "/out", "host_access": True}
    write(folder, stack_name, base_image, ["./code:/code", nested])
    try:
        done = nexusctl(folder, "apply", "--yes")
        assert done.returncode == 0, done.stderr
        container = f"{stack_name}_box"
        assert nexusctl(folder, "drift").returncode == 0
        planted = run_inside(wire, container, ["sh", "-c", f"rm -rf /code/out && ln -s {theirs} /code/out"])
        assert planted.exit_code == 0, planted.output
        kill(wire, container)
        assert "not for the sandbox" in run_inside(wire, container, ["cat", "/out/kept"]).output
        yield folder, container, theirs
    finally:
        nexusctl(folder, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


@pytest.mark.engine
def test_a_link_that_the_engine_has_followed_at_a_restart_is_drift_and_an_apply_takes_it_away(
    attacked: tuple[Path, str, Path], wire: Wire
) -> None:
    folder, container, theirs = attacked
    told = {"/out": f"bind {theirs}"}
    assert drifted(folder) == told
    # To put the folder back heals what the next start finds, not what is mounted.
    (folder / "code" / "out").unlink()
    (folder / "code" / "out").mkdir()
    assert drifted(folder) == told
    planned = json.loads(nexusctl(folder, "plan", "--deep", "--json").stdout)
    assert [(change["action"], change["cause"]) for change in planned["changes"]] == [("replace", "drifted")]
    assert nexusctl(folder, "apply", "--deep", "--yes").returncode == 0
    assert run_inside(wire, container, ["ls", "/out"]).output == ""
    assert nexusctl(folder, "drift").returncode == 0


@pytest.mark.engine
def test_without_the_hosts_own_word_the_sandbox_is_asked(
    attacked: tuple[Path, str, Path], wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with an engine of another machine: what is mounted has another name than what was to be."""
    folder, _, theirs = attacked
    with open_relay(wire.endpoint.url.removeprefix("unix://")) as url, monkeypatch.context() as patched:
        # Not longer than that, or the stack would be destroyed by a way that is closed then.
        patched.setenv("DOCKER_HOST", url)
        assert drifted(folder) == {"/out": f"bind {theirs}"}


@pytest.mark.engine
def test_a_folder_that_was_removed_is_told_from_the_one_that_came_into_its_place(
    tmp_path: Path, stack_name: str, base_image: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "one file").write_text("1")
    write(tmp_path, stack_name, base_image, ["./out:/out", "./alias:/alias:ro", "./one file:/one"])
    try:
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        assert nexusctl(tmp_path, "drift").returncode == 0
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "out").mkdir()
        assert drifted(tmp_path) == {"/out": f"bind {tmp_path}/out, which was removed"}
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


@pytest.mark.engine
def test_a_link_older_than_a_container_of_an_older_version_is_no_drift_and_a_newer_one_is(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    """Older versions let the engine follow links itself."""
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    write(tmp_path, stack_name, base_image, ["./alias:/box"])
    name = f"{stack_name}_box"
    try:
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        made = wire.get(f"/containers/{name}/json")
        wire.delete(f"/containers/{name}", {"force": True})
        mounts = [{**mount, "Source": str(tmp_path / "alias")} for mount in made["HostConfig"]["Mounts"]]
        joined = made["NetworkSettings"]["Networks"]
        networks = {"EndpointsConfig": {key: {"Aliases": network["Aliases"]} for key, network in joined.items()}}
        body = {
            **made["Config"],
            "HostConfig": {**made["HostConfig"], "Mounts": mounts},
            "NetworkingConfig": networks,
        }
        wire.post("/containers/create", body, {"name": name})
        wire.post(f"/containers/{name}/start")
        assert nexusctl(tmp_path, "drift").returncode == 0
        (tmp_path / "alias").unlink()
        (tmp_path / "other").mkdir()
        (tmp_path / "alias").symlink_to("other")
        kill(wire, name)
        assert drifted(tmp_path) == {"/box": f"bind {tmp_path}/other"}
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")
        with suppress(NotFound):
            wire.delete(f"/containers/{name}", {"force": True})


HOST = read_table(
    "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
    "31 27 0:40 /@home /home rw - btrfs /dev/vdb rw\n"
    "32 27 0:41 / /mnt rw - tmpfs x rw\n"
    "33 27 254:0 /srv/a\\040b /mnt rw - ext4 /dev/vda rw\n"
)


@pytest.mark.parametrize(
    ("source", "mounted", "local", "remote"),
    [
        ("/code/out", "254:0 /code/out", "", ""),
        ("/code/out", "254:0 /etc", "/etc", "/etc"),
        ("/code/out", "254:0 /", "/", "/"),
        ("/code/out", "254:0 /code/out//deleted", "/code/out, which was removed", "/code/out, which was removed"),
        ("/code/out", "254:0 /code/other/out", "/code/other/out", ""),
        ("/home/me/code", "0:40 /@home/me/code", "", ""),
        ("/home/me/code", "0:40 /@home/you", "/home/you", ""),
        ("/home/me/code", "254:0 /etc", "/etc", "/etc"),
        ("/mnt/x", "254:0 /srv/a\\040b/x", "", ""),
        ("/mnt", "254:0 /srv/a\\040b", "", "/srv/a b"),
        ("/code/out", "9:9 /nowhere", "/nowhere", ""),
    ],
)
def test_what_counts_as_something_else(source: str, mounted: str, local: str, remote: str) -> None:
    device, root = mounted.split(" ")
    inside = read_table(f"1 0 {device} {root} /out rw - ext4 x rw\nnonsense\n1 2 3\n")
    here = compare_mounts({"/out": source}, inside, HOST, {})
    there = compare_mounts({"/out": source}, inside, (), {"254:0": "/"})
    assert (here.get("/out", ""), there.get("/out", "")) == (local, remote)
