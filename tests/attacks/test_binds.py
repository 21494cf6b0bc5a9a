"""A sandbox that can write to a folder of this machine does not get another one by way of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.labels import STACK
from tests import prestarted

pytestmark = pytest.mark.engine


def nexusctl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return prestarted.run(
        [sys.executable, "-m", "nexusctl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def containers_of(wire: Wire, stack: str) -> list[str]:
    found = wire.get("/containers/json", {"all": True, "filters": {"label": [f"{STACK}={stack}"]}})
    return [str(entry["Id"]) for entry in found]


@pytest.fixture
def stacks(tmp_path: Path, stack_name: str) -> Iterator[tuple[Path, str]]:
    """A folder, and a name with which the names of its stacks begin; they are destroyed afterwards."""
    yield tmp_path, stack_name
    for suffix in ("a", "b"):
        nexusctl(tmp_path, "destroy", "--yes", "--stack", f"{stack_name}{suffix}")


def write(folder: Path, name: str, image: str, volumes: str) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(f"""
name: {name}
sandboxes:
  box: {{image: "{image}", command: [sleep, infinity], networks: [], restart: always, volumes: {volumes}}}
""")
    return file


def test_a_bind_inside_of_a_writable_one_is_refused_before_anything_is_made(
    stacks: tuple[Path, str], base_image: str, wire: Wire
) -> None:
    folder, name = stacks
    (folder / "code" / "out").mkdir(parents=True)
    file = write(folder, f"{name}a", base_image, '["./code:/code", "./code/out:/out"]')
    done = nexusctl(folder, "apply", "--yes", "-f", str(file))
    assert done.returncode == 1
    assert "`./code/out` lies inside of `./code`" in done.stderr
    assert containers_of(wire, f"{name}a") == []


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [("code", "code/out", "which the stack {}a can write to"), ("code/out", "code", "which the stack {}a mounts")],
)
def test_nor_is_one_mounted_that_another_stack_could_replace_by_a_link(
    stacks: tuple[Path, str], base_image: str, wire: Wire, mine: str, theirs: str, words: str
) -> None:
    folder, name = stacks
    (folder / "code" / "out").mkdir(parents=True)
    first = write(folder, f"{name}a", base_image, f'["./{mine}:/mine"]')
    assert nexusctl(folder, "apply", "--yes", "-f", str(first)).returncode == 0
    second = write(folder, f"{name}b", base_image, f'["./{theirs}:/theirs"]')
    for verb in (["plan"], ["apply", "--yes"]):
        done = nexusctl(folder, *verb, "-f", str(second))
        assert done.returncode == 1
        assert words.format(name) in done.stderr
    assert containers_of(wire, f"{name}b") == []
    beside = write(folder, f"{name}b", base_image, f'["./{mine}:/same"]')
    assert nexusctl(folder, "apply", "--yes", "-f", str(beside)).returncode == 0
    assert nexusctl(folder, "plan", "--detailed-exitcode", "-f", str(first)).returncode == 0


def test_a_link_is_followed_once_and_not_again_when_the_engine_starts_the_container(
    stacks: tuple[Path, str], base_image: str, wire: Wire
) -> None:
    folder, name = stacks
    (folder / "real").mkdir()
    (folder / "real" / "mine").write_text("mine")
    (folder / "alias").symlink_to("real")
    file = write(folder, f"{name}a", base_image, '["./alias:/box"]')
    assert nexusctl(folder, "apply", "--yes", "-f", str(file)).returncode == 0
    container = containers_of(wire, f"{name}a")[0]
    (folder / "alias").unlink()
    (folder / "alias").symlink_to("/etc")
    pid = wire.get(f"/containers/{container}/json")["State"]["Pid"]
    os.kill(pid, 9)
    while (now := wire.get(f"/containers/{container}/json")["State"]) and (now["Pid"] in (0, pid) or now["Restarting"]):
        time.sleep(0.1)
    assert run_inside(wire, container, ["ls", "/box"]).output.split() == ["mine"]


def test_a_link_that_a_sandbox_could_turn_elsewhere_is_no_way_to_a_folder(
    stacks: tuple[Path, str], base_image: str, wire: Wire
) -> None:
    """Where it leads now is outside of what the sandbox writes to; where it leads at the next start, it decides."""
    folder, name = stacks
    (folder / "code").mkdir()
    (folder / "mine").mkdir()
    (folder / "code" / "out").symlink_to("../mine")
    both = write(folder, f"{name}a", base_image, '["./code:/code", "./code/out:/out"]')
    done = nexusctl(folder, "apply", "--yes", "-f", str(both))
    assert "`./code/out` lies inside of `./code`" in done.stderr
    first = write(folder, f"{name}a", base_image, '["./code:/code"]')
    assert nexusctl(folder, "apply", "--yes", "-f", str(first)).returncode == 0
    second = write(folder, f"{name}b", base_image, '["./code/out:/out"]')
    done = nexusctl(folder, "apply", "--yes", "-f", str(second))
    assert f"which the stack {name}a can write to" in done.stderr
    assert containers_of(wire, f"{name}b") == []
