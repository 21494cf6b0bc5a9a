"""A stack's volume is known by its labels, also where the engine had to make it again with a container."""

from __future__ import annotations

import subprocess

import pytest

from nexusctl.model.engine_names import volume_name
from nexusctl.model.stack import Mount, Volume
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine


def test_a_volume_that_goes_before_its_container_comes_is_the_stacks_again(shop: Workshop) -> None:
    name = volume_name(shop.stack, "data")
    shop.engine.create_volume(shop.stack, Volume(name="data"), name)
    subprocess.run(["docker", "volume", "rm", name], check=True, capture_output=True)
    shop.create(shop.sandbox(mounts=(Mount(kind="volume", source="data", target="/d"),)), volumes={"data": name})
    (live,) = shop.observe().volumes
    assert (live.name, live.volume, live.adopted) == (name, "data", "")


def test_an_external_volume_that_goes_before_its_container_comes_is_nobodys(shop: Workshop, stack_name: str) -> None:
    name = f"{stack_name}-theirs"
    shop.create(shop.sandbox(mounts=(Mount(kind="volume", source="data", target="/d"),)), volumes={"data": name})
    try:
        assert shop.observe().volumes == ()
    finally:
        shop.clear()
        subprocess.run(["docker", "volume", "rm", name], check=True, capture_output=True)
