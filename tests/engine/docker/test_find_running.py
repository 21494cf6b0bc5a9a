"""Whoever copies what a sandbox says of itself is not taken for it; see the contract's tests of the same name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.stack import Stack
from tests.engine.workshop import Workshop, find_plain

pytestmark = pytest.mark.engine


@pytest.fixture
def foreign(wire: Wire) -> Iterator[Any]:
    """Makes and starts a container that nexusctl has not made."""
    made: list[str] = []

    def make(name: str, image: str, marks: dict[str, str], **more: Any) -> str:
        body = {"Image": image, "Cmd": ["sleep", "infinity"], "Labels": marks, **more}
        made.append(wire.post("/containers/create", body, {"name": name})["Id"])
        wire.post(f"/containers/{made[-1]}/start")
        return made[-1]

    yield make
    for container_id in made:
        with suppress(NotFound):
            wire.delete(f"/containers/{container_id}", {"force": True})


def labels_of(wire: Wire, container_id: str) -> dict[str, str]:
    found: dict[str, str] = wire.get(f"/containers/{container_id}/json")["Config"]["Labels"]
    return found


def test_labels_that_were_copied_take_a_look_at_the_whole(shop: Workshop, wire: Wire, foreign: Any) -> None:
    own = shop.start(shop.sandbox())
    copied = labels_of(wire, own)
    foreign(f"{shop.stack}-copy", shop.image, copied)
    assert find_plain(shop, "a") == ""
    [live] = shop.observe().sandboxes
    assert live.id == own
    # Where the copy is all that runs, or has taken the name, too.
    shop.engine.stop_container(own, 0)
    assert find_plain(shop, "a") == ""
    shop.engine.rename_container(own, f"{shop.stack}_b")
    foreign(f"{shop.stack}_a", shop.image, copied)
    assert find_plain(shop, "a") == ""


def test_copies_of_the_same_second_are_none(shop: Workshop, wire: Wire) -> None:
    """A list tells whole seconds, and ids are drawn by lot: of eight one comes before in nearly every run."""
    own = shop.create(shop.sandbox())
    copied = labels_of(wire, own)
    body = {"Image": shop.image, "Cmd": ["true"], "Labels": copied}
    copies = [wire.post("/containers/create", body, {"name": f"{shop.stack}-{n}"})["Id"] for n in range(8)]
    try:
        assert [live.id for live in shop.observe().sandboxes] == [own]
        assert [live.id for live in shop.engine.glimpse(Stack(name=shop.stack)).sandboxes] == [own]
    finally:
        for container_id in copies:
            wire.delete(f"/containers/{container_id}", {"force": True})


def test_a_copy_that_is_left_alone_is_none(shop: Workshop, wire: Wire, foreign: Any) -> None:
    own = shop.start(shop.sandbox())
    foreign(f"{shop.stack}-copy", shop.image, labels_of(wire, own))
    shop.engine.remove_container(own, 0)
    assert find_plain(shop, "a") == ""


def test_labels_of_another_role_are_none(shop: Workshop, wire: Wire, foreign: Any) -> None:
    own = shop.start(shop.sandbox())
    marks = labels_of(wire, own) | {labels.ROLE: "builder"}
    shop.engine.remove_container(own, 0)
    foreign(f"{shop.stack}_a", shop.image, marks)
    assert find_plain(shop, "a") == ""


def test_what_was_made_of_a_sandboxs_image_is_nobodys(shop: Workshop, wire: Wire, foreign: Any) -> None:
    own = shop.start(shop.sandbox())
    image = f"{shop.stack}-taken:1"
    wire.post("/commit", {}, {"container": own, "repo": f"{shop.stack}-taken", "tag": "1"})
    try:
        shop.engine.remove_container(own, 0)
        copy = foreign(f"{shop.stack}_a", image, {})
        assert labels_of(wire, copy)[labels.SANDBOX] == "a", "the engine hands the labels on"
        assert find_plain(shop, "a") == ""
        wire.delete(f"/containers/{copy}", {"force": True})
        # A sandbox that is made of that image is one, for all that.
        made = shop.start(shop.sandbox(image=image))
        assert find_plain(shop, "a") == made
        shop.engine.remove_container(made, 0)
    finally:
        wire.delete(f"/images/{image}", {"force": True})


def test_links_give_names_that_are_not_its_own(shop: Workshop, wire: Wire, foreign: Any) -> None:
    own = shop.start(shop.sandbox(networks=("default",)), networks=(shop.join(),))
    network = f"{shop.stack}_default"
    links = {"HostConfig": {"NetworkMode": network, "Links": [f"{shop.stack}_a:friend"]}}
    linked = foreign(f"{shop.stack}-linked", shop.image, {}, **links)
    assert find_plain(shop, "a") == own
    wire.delete(f"/containers/{linked}", {"force": True})


def test_one_that_the_engine_starts_again_and_again_takes_a_look_at_the_whole(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(command=("sh", "-c", "sleep 1; exit 1"), restart="always"))
    shop.await_condition(container_id, lambda condition: condition.restarts > 0)
    for _ in range(40):
        assert find_plain(shop, "a") == ""
        time.sleep(0.05)
