"""Whose a volume is, also where no label says so."""

from __future__ import annotations

from nexusctl.model.engine_names import volume_name
from nexusctl.model.stack import Mount, Volume
from tests.engine.workshop import Workshop

MOUNTS = (Mount(kind="volume", source="data", target="/d"),)
OWN = {"data": Volume(name="data")}


def test_a_volume_that_goes_before_its_container_comes_is_the_stacks_again(shop: Workshop) -> None:
    name = volume_name(shop.stack, "data")
    shop.engine.create_volume(shop.stack, Volume(name="data"), name)
    shop.engine.remove_volume(name)
    shop.create(shop.sandbox(mounts=MOUNTS), volumes={"data": name})
    (live,) = shop.observe(volumes=OWN).volumes
    assert (live.name, live.volume, live.adopted, live.loose) == (name, "data", "", False)


def test_one_without_labels_that_was_the_stacks_when_its_container_was_made_is_so_still(
    shop: Workshop, other: Workshop
) -> None:
    name = volume_name(shop.stack, "data")
    shop.make_volume_of_nobody(name)
    container_id = shop.create(shop.sandbox(mounts=MOUNTS), volumes={"data": name})
    found = shop.observe(volumes=OWN)
    assert [(live.name, live.volume, live.loose) for live in found.volumes] == [(name, "data", True)]
    assert name not in found.taken.get("volume", {})
    # As it is external now, and while others have it, it is nobody's.
    assert shop.observe(volumes={"data": Volume(name="data", external=name)}).volumes == ()
    theirs = other.create(other.sandbox(mounts=MOUNTS), volumes={"data": name}, external=frozenset({"data"}))
    found = shop.observe(volumes=OWN)
    assert found.volumes == ()
    assert "without nexusctl's labels" in found.taken["volume"][name]
    other.engine.remove_container(theirs)
    # What has written down whose it is outlives its container.
    shop.engine.adopt(shop.stack, "volume", "data", name)
    shop.engine.remove_container(container_id)
    assert [(live.name, live.adopted) for live in shop.observe(volumes=OWN).volumes] == [(name, "yes")]


def test_one_without_labels_that_was_external_when_its_container_was_made_is_somebody_elses(shop: Workshop) -> None:
    name = volume_name(shop.stack, "data")
    shop.make_volume_of_nobody(name)
    container_id = shop.create(shop.sandbox(mounts=MOUNTS), volumes={"data": name}, external=frozenset({"data"}))
    found = shop.observe(volumes=OWN)
    assert found.volumes == ()
    assert "without nexusctl's labels" in found.taken["volume"][name]
    shop.engine.remove_container(container_id)
    shop.engine.remove_volume(name)
