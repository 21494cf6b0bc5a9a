"""Joining and leaving networks where several of them have one name, which the engine's own list of them cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import ONE_NAME, Wire
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.errors import EngineError
from nexusctl.model.engine_names import network_name
from tests.engine.workshop import Workshop
from tests.ranges import make_network

pytestmark = pytest.mark.engine


@pytest.fixture
def twin(shop: Workshop, wire: Wire) -> Iterator[str]:
    """Another network with the name of the stack's own; nobody's."""
    if wire.endpoint.speaks(ONE_NAME):
        pytest.skip("this engine refuses a second network of one name")
    own = shop.join("back")
    made = make_network(wire, own.name)
    yield made
    for user in wire.get(f"/networks/{made}")["Containers"]:
        with suppress(EngineError):
            wire.post(f"/networks/{made}/disconnect", {"Container": user, "Force": True})
    wire.delete(f"/networks/{made}")


def test_a_network_is_joined_again_whose_place_in_the_list_another_of_its_name_had_taken(
    shop: Workshop, wire: Wire, twin: str
) -> None:
    own = shop.join("back")
    container_id = shop.start(shop.sandbox("a"), networks=(own,))
    wire.post(f"/networks/{twin}/connect", {"Container": container_id})
    assert shop.look(container_id).networks == {twin: own.name}
    shop.engine.disconnect(container_id, twin)
    shop.engine.connect(container_id, own, ("a",))
    assert shop.look(container_id).networks == {own.id: own.name}
    assert list(wire.get(f"/networks/{own.id}")["Containers"]) == [container_id]
    assert wire.get(f"/networks/{twin}")["Containers"] == {}


def test_a_network_that_was_joined_already_is_fine_in_whatever_state(shop: Workshop, wire: Wire) -> None:
    own = shop.join("back")
    for alive in (True, False):
        container_id = shop.start(shop.sandbox(f"a{alive}"), networks=(own,))
        if not alive:
            shop.engine.stop_container(container_id)
        shop.engine.connect(container_id, own, ("a",))
        shop.engine.start_container(container_id)
        assert container_id in wire.get(f"/networks/{own.id}")["Containers"]


class Overtaken(Wire):
    """By the time that the engine is asked for the network `key`, somebody has done `meanwhile`."""

    def __init__(self, wire: Wire, key: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(wire.endpoint)
        self._path, self._meanwhile = f"/networks/{key}", meanwhile

    def get(self, path: str, query: Any = None) -> Any:
        if path == self._path:
            self._meanwhile()
        return super().get(path, query)


def test_a_network_that_somebody_removes_after_its_removal_was_refused_is_gone(shop: Workshop, wire: Wire) -> None:
    own = shop.join("back")
    container_id = shop.start(shop.sandbox("a"), networks=(own,))

    def remove() -> None:
        wire.delete(f"/containers/{container_id}", {"force": True})
        wire.delete(f"/networks/{own.id}")

    DockerEngine(Overtaken(wire, own.id, remove)).remove_network(own.id)
    assert shop.observe().networks == ()


def test_a_name_that_somebody_gives_up_after_it_was_refused_is_taken(shop: Workshop, wire: Wire) -> None:
    name = network_name(shop.stack, "back")
    other = make_network(wire, name)
    overtaken = Workshop(DockerEngine(Overtaken(wire, name, lambda: wire.delete(f"/networks/{other}"))), shop.stack, "")
    made = overtaken.join("back")
    assert [(live.id, live.network) for live in shop.observe().networks] == [(made.id, "back")]
