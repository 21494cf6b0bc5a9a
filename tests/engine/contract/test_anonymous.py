"""The volumes that a sandbox has for itself."""

from __future__ import annotations

import pytest

from nexusctl.errors import Conflict
from nexusctl.model.engine_names import anonymous_volume_name
from nexusctl.model.stack import Mount
from tests.engine.workshop import Workshop

OWN = Mount(kind="anonymous", source="", target="/data")


def test_one_is_made_with_its_container_and_outlives_it(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(mounts=(OWN,)))
    name = anonymous_volume_name(shop.stack, "a", "/data")
    assert shop.look(container_id).volumes == {"/data": name}
    shop.engine.remove_container(container_id)
    (kept,) = shop.observe().volumes
    assert (kept.name, kept.volume, kept.sandbox, kept.target, kept.loose) == (name, "a:/data", "a", "/data", False)
    assert shop.look(shop.start(shop.sandbox(mounts=(OWN,)))).volumes == {"/data": name}


def test_two_sandboxes_have_two(shop: Workshop) -> None:
    for name in ("a", "b"):
        shop.start(shop.sandbox(name, mounts=(OWN,)))
    assert [volume.volume for volume in shop.observe().volumes] == ["a:/data", "b:/data"]


def test_one_in_use_is_not_removed(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox(mounts=(OWN,)))
    (name,) = shop.look(container_id).volumes.values()
    with pytest.raises(Conflict, match="still used by"):
        shop.engine.remove_volume(name)
    assert [volume.name for volume in shop.observe().volumes] == [name]


def test_one_may_change_whose_it_is_more_than_once(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(mounts=(OWN,)))
    (name,) = shop.look(container_id).volumes.values()
    for owner in ("b:/data", "b:/data", "c:/data"):
        shop.engine.adopt(shop.stack, "volume", owner, name)
        (kept,) = shop.observe().volumes
        assert (kept.name, kept.volume, kept.adopted) == (name, owner, "yes")
    shop.engine.remove_container(container_id)
    shop.engine.remove_volume(name)
    shop.engine.release(shop.stack, "volume", name)
    found = shop.observe()
    assert (found.volumes, found.orphans) == ((), ())


def test_what_belongs_to_another_by_now_is_left_to_it(shop: Workshop) -> None:
    name = anonymous_volume_name(shop.stack, "a", "/data")
    shop.engine.remove_container(shop.start(shop.sandbox(mounts=(OWN,))))
    shop.engine.adopt(shop.stack, "volume", "b:/data", name)
    container_id = shop.start(shop.sandbox(mounts=(OWN,)), others=frozenset({name}))
    assert shop.look(container_id).volumes == {"/data": anonymous_volume_name(shop.stack, "a", "/data", {name})}
    assert {volume.volume for volume in shop.observe().volumes} == {"a:/data", "b:/data"}


def test_volumes_are_measured_for_those_that_are_asked_about(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(mounts=(OWN,)))
    shop.start(shop.sandbox("b", mounts=(OWN,)))
    (name,) = shop.look(container_id).volumes.values()
    assert shop.engine.run_command(container_id, ("touch", "/data/x")).exit_code == 0
    found = shop.engine.overview.measure_volumes([name, "nobody-s"])
    assert list(found) == [name]
    assert 0 <= found[name] < 10_000
    assert shop.engine.overview.measure_volumes([]) == {}


def test_where_an_image_has_volumes_is_seen_where_somebody_has_to_know(shop: Workshop) -> None:
    before = shop.sandbox(mounts=(OWN,))
    shop.start(before)
    assert shop.observe(before).image_volumes == {}
    assert shop.observe(shop.sandbox()).image_volumes == {shop.image: frozenset()}
    assert shop.observe(shop.sandbox("b")).image_volumes == {shop.image: frozenset()}
