"""An engine whose disk is full to the last byte: what frees space works, and what does not leaves nothing half done."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from tests.daemon.kills import second_engine
from tests.daemon.yard import Yard

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
    pytest.mark.skipif(not shutil.which("mkfs.ext4"), reason="there is nothing to make a small disk with"),
]

STACK = """
name: yard
volumes: {data: {}}
secrets: {token: {file: ./token}}
sandboxes:
  api:
    image: IMAGE
    command: [sleep, infinity]
    volumes: ["data:/data"]
    secrets: [token]
    uploads: [{source: ./src, target: /app}, {source: ./one, target: /etc/one}]
  spare: {image: IMAGE, command: [sleep, infinity]}
"""


def make_disk(folder: Path) -> None:
    """A disk of its own for the engine's data, which this can fill."""
    disk = folder / "disk"
    with disk.open("wb") as file:
        file.truncate(700 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk], check=True)
    (folder / "data").mkdir()
    subprocess.run(["mount", "-o", "loop", disk, folder / "data"], check=True)


def fill(folder: Path) -> None:
    """Until not even a folder can be made."""
    for number, size in enumerate((1 << 20, 1 << 10, 1)):
        with contextlib.suppress(OSError), (folder / "data" / f"filler-{number}").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * size)
    with pytest.raises(OSError, match="No space left"):
        make_folders(folder / "data")


def free(folder: Path) -> None:
    """Room for a lock, and for no file of a megabyte."""
    filler = folder / "data" / "filler-0"
    os.truncate(filler, filler.stat().st_size - (256 << 10))


def make_folders(folder: Path) -> None:
    for number in range(1000):
        (folder / f"filler-folder-{number}").mkdir()


@pytest.fixture
def yard() -> Iterator[Yard]:
    with second_engine(make_disk) as (place, image):
        made = Yard(place, image)
        (made.folder / "src").mkdir()
        (made.folder / "token").write_text("hunter2")
        for path in ("src/a", "src/b", "one"):
            (made.folder / path).write_text("old")
        made.write(STACK)
        made.succeed("apply", "--yes")
        yield made


def test_an_upload_leaves_nothing_half_done_and_destroy_needs_no_space(yard: Yard) -> None:
    folder = yard.docker("inspect", "-f", "{{range .HostConfig.Mounts}}{{.Source}} {{end}}", "yard_api").split()[-1]
    assert Path(folder).is_dir()
    fill(yard.folder)
    refused = yard.nexusctl("apply", "--replace", "api", "--yes")
    assert refused.returncode == 1
    assert "the engine has no space left for the lock of stack yard" in refused.stderr
    free(yard.folder)
    for path in (("one",), ("one", "src/a", "src/b")):
        for name in path:
            (yard.folder / name).write_bytes(os.urandom(1 << 20))
        done = yard.nexusctl("apply", "--yes")
        assert done.returncode == 1
        assert "no space left on device" in done.stderr
        assert "nexusctl_lock" not in done.stderr
        assert yard.docker("exec", "yard_api", "find", "/app", "/etc", "-name", "*nexusctl*") == ""
        assert yard.docker("exec", "yard_api", "cat", "/app/a", "/etc/one") == "oldold"
    fill(yard.folder)
    assert "1 removed" in yard.succeed("destroy", "spare", "--yes")
    fill(yard.folder)
    said = yard.succeed("destroy", "--yes", "--volumes")
    assert "the engine's disk is full: stack yard is not locked until there is space again" in said
    assert "Nothing is left of stack yard" in said
    assert yard.docker("ps", "-aq") == yard.docker("volume", "ls", "-q") == ""
    assert not Path(folder).exists()


def test_without_space_sandboxes_end_and_who_has_done_it_is_told_what_is_not_noted(yard: Yard) -> None:
    fill(yard.folder)
    for verb, name, state, status in (
        ("pause", "spare", "paused", "paused"),
        ("kill", "spare", "stopped", "exited"),
        ("stop", "api", "stopped", "exited"),
    ):
        said = yard.succeed(verb, name)
        assert f"{name}: the engine's disk is full, so it is not noted that it is {state} on purpose" in said
        assert yard.docker("inspect", "-f", "{{.State.Status}}", f"yard_{name}").strip() == status
    for words in (["start", "api"], ["stop", "api", "--write"]):
        fill(yard.folder)
        refused = yard.nexusctl(*words)
        assert refused.returncode == 1
        assert "no space left" in refused.stderr
        assert "`nexusctl prune` make" in refused.stderr
    assert "state" not in (yard.folder / "nexus.yaml").read_text()
    os.truncate(yard.folder / "data" / "filler-0", 1 << 20)
    yard.succeed("stop", "api")
    assert "sandbox  api  stopped on purpose by" in yard.nexusctl("plan").stdout
    assert "spare" in yard.succeed("apply", "--yes")
    assert yard.docker("inspect", "-f", "{{.State.Status}}", "yard_api", "yard_spare").split() == ["exited", "running"]


def test_without_space_nobody_takes_a_stack_that_another_one_has(yard: Yard) -> None:
    yard.docker("volume", "create", "nexusctl_lock_yard", *THEIRS)
    fill(yard.folder)
    done = yard.nexusctl("destroy", "--yes", "--lock-timeout", "1s")
    assert done.returncode == 1
    assert "stack yard is being changed by dev@elsewhere" in done.stderr
    yard.docker("volume", "rm", "nexusctl_lock_yard")


THEIRS = [
    f"--label=dev.nexusctl.{name}={value}"
    for name, value in {
        "stack": "yard",
        "role": "lock",
        "lock.owner": "0123456789abcdef",
        "lock.user": "dev",
        "lock.host": "elsewhere",
        "lock.pid": "42",
    }.items()
]
