"""A stack's volume is known by its labels, also where the engine had to make it again with a container."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nexusctl.model.engine_names import volume_name
from nexusctl.model.stack import Mount, Stack, Volume
from tests import prestarted
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine


def test_an_external_volume_that_goes_before_its_container_comes_is_nobodys(shop: Workshop, stack_name: str) -> None:
    name = f"{stack_name}-theirs"
    shop.create(shop.sandbox(mounts=(Mount(kind="volume", source="data", target="/d"),)), volumes={"data": name})
    try:
        assert shop.observe().volumes == ()
    finally:
        shop.clear()
        subprocess.run(["docker", "volume", "rm", name], check=True, capture_output=True)


def test_one_without_labels_that_only_a_container_of_the_stack_names_is_taken_along_and_destroyed(
    shop: Workshop, tmp_path: Path
) -> None:
    name = volume_name(shop.stack, "data")
    _docker("volume", "create", name)
    mounts = (Mount(kind="volume", source="data", target="/d"),)
    shop.start(shop.sandbox(mounts=mounts), volumes={"data": name})
    own = Stack(name=shop.stack, volumes={"data": Volume(name="data")})
    found = shop.engine.observe(own)
    assert [(live.name, live.volume, live.loose) for live in found.volumes] == [(name, "data", True)]
    assert name not in found.taken.get("volume", {})
    theirs = Stack(name=shop.stack, volumes={"data": Volume(name="data", external=name)})
    assert shop.engine.observe(theirs).volumes == ()
    other = _docker("run", "-d", "-v", f"{name}:/x", shop.image, "sleep", "1000").strip()
    try:
        found = shop.engine.observe(own)
        assert found.volumes == ()
        assert name in found.taken["volume"]
    finally:
        _docker("rm", "-f", other)
    file = tmp_path / "nexus.yaml"
    sandbox = f"{{image: {shop.image}, command: [sleep, '999'], networks: [], volumes: ['data:/d']}}"
    file.write_text(f"name: {shop.stack}\nvolumes: {{data: {{}}}}\nsandboxes:\n  a: {sandbox}\n")
    for _ in range(2):
        # The container that told whose it is goes with the first.
        _nexusctl("apply", "--yes", "-f", str(file))
    (live,) = shop.engine.observe(own).volumes
    assert (live.name, live.volume, live.adopted) == (name, "data", "yes")
    assert "Nothing is left" in _nexusctl("destroy", "--yes", "--volumes", "-f", str(file))
    assert _docker("volume", "ls", "-q", "--filter", f"name={name}") == ""


def test_one_of_somebody_elses_that_the_file_calls_its_own_later_is_his_until_somebody_adopts_it(
    shop: Workshop, tmp_path: Path
) -> None:
    name = volume_name(shop.stack, "data")
    _docker("volume", "create", name)
    try:
        file = tmp_path / "nexus.yaml"
        sandbox = f"{{image: {shop.image}, command: [sleep, '999'], networks: [], volumes: ['data:/d']}}"

        def write(volume: str) -> None:
            file.write_text(f"name: {shop.stack}\nvolumes: {{data: {volume}}}\nsandboxes:\n  a: {sandbox}\n")

        write(f"{{external: {name}}}")
        _nexusctl("apply", "--yes", "-f", str(file))
        _docker("exec", f"{shop.stack}_a", "sh", "-c", "echo theirs > /d/file")
        write("{}")
        refused = _run("plan", "-f", str(file))
        assert refused.returncode == 1
        assert f"the volume name {name} is taken by a volume without nexusctl's labels" in refused.stderr
        assert "--adopt" in refused.stderr
        _nexusctl("destroy", "--yes", "--volumes", "-f", str(file))
        shown = ["run", "--rm", "-v", f"{name}:/d", shop.image, "cat", "/d/file"]
        assert _docker(*shown) == "theirs\n"
        # Adopted it is the stack's, and goes with it.
        _nexusctl("apply", "--yes", "--adopt", "-f", str(file))
        _nexusctl("destroy", "--yes", "--volumes", "-f", str(file))
        assert _docker("volume", "ls", "-q", "--filter", f"name={name}") == ""
    finally:
        _run("destroy", "--yes", "--ignore-missing", "--stack", shop.stack)
        subprocess.run(["docker", "volume", "rm", "-f", name], check=True, capture_output=True)


def test_an_external_volume_with_a_name_of_the_stacks_that_goes_before_its_container_comes_is_nobodys(
    shop: Workshop,
) -> None:
    name = volume_name(shop.stack, "data")
    mounts = (Mount(kind="volume", source="data", target="/d"),)
    shop.create(shop.sandbox(mounts=mounts), volumes={"data": name}, external=frozenset({"data"}))
    try:
        assert shop.observe(volumes={"data": Volume(name="data")}).volumes == ()
    finally:
        shop.clear()
        _docker("volume", "rm", name)


def test_whoever_asks_for_sizes_while_the_engine_adds_them_up_for_others_is_told_them(shop: Workshop) -> None:
    name = volume_name(shop.stack, "data")
    shop.engine.create_volume(shop.stack, Volume(name="data"), name)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: dict(shop.engine.overview.measure_volumes([name])), range(8)))
    assert [list(one) for one in found] == [[name]] * 8


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def _nexusctl(*words: str) -> str:
    done = _run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return prestarted.run([sys.executable, "-m", "nexusctl", *words], capture_output=True, text=True, check=False)
