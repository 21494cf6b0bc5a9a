"""A glimpse says of sandboxes and volumes what a whole look says, however often they were started in between."""

from __future__ import annotations

from dataclasses import replace

from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Stack, Volume
from tests.engine.workshop import Workshop


def compare(shop: Workshop) -> LiveState:
    """What a glimpse has; it is what a look has, with when each run began."""
    glimpse, whole = shop.engine.glimpse(Stack(name=shop.stack)), shop.engine.observe(Stack(name=shop.stack), deep=True)
    runs = ("running", "paused", "restarting")
    wanted = tuple(
        replace(
            one,
            started_at=one.inspection.started_at if one.inspection and one.state in runs else "",
            inspection=None,
            aliases=None,
        )
        for one in whole.sandboxes
    )
    seen = tuple(
        replace(one, aliases=None, started_at=one.started_at if one.state in runs else "") for one in glimpse.sandboxes
    )
    assert seen == wanted
    assert sorted(volume.name for volume in glimpse.volumes) == sorted(volume.name for volume in whole.volumes)
    assert glimpse.expired == whole.expired
    return glimpse


def test_a_glimpse_is_as_true_as_a_look(shop: Workshop, other: Workshop) -> None:
    assert compare(shop).sandboxes == ()
    network = shop.join()
    one = shop.start(shop.sandbox(networks=("default",)), networks=(network,))
    two = shop.start(shop.sandbox("b"))
    other.start(other.sandbox())
    shop.engine.create_volume(shop.stack, Volume(name="data"), f"{shop.stack}_data")
    first = {live.id: live.started_at for live in compare(shop).sandboxes}
    assert set(first) == {one, two}
    # What has run before is known; a new run of it is not taken for the one before.
    shop.engine.restart_container(one, 0)
    assert {live.id: live.started_at for live in compare(shop).sandboxes}[two] == first[two]
    shop.engine.stop_container(one, 0)
    compare(shop)
    shop.engine.start_container(one)
    compare(shop)
    shop.engine.pause_container(two)
    compare(shop)
    shop.engine.unpause_container(two)
    compare(shop)
    shop.engine.note_hold(shop.stack, "b", two, Hold(state="stopped", user="dev", since=1_700_000_000))
    compare(shop)
    shop.engine.amend(shop.stack, replace(shop.sandbox(networks=("default",)), metadata={"a": "b"}), one)
    assert {live.id: live.record.metadata for live in compare(shop).sandboxes if live.record}[one] == {"a": "b"}
    shop.engine.remove_container(one, 0)
    assert [live.id for live in compare(shop).sandboxes] == [two]
