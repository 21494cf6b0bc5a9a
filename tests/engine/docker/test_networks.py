"""Joining and leaving networks where several of them have one name, which the engine's own list of them cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from nexusctl.engine.docker.client.client import ONE_NAME, Wire
from nexusctl.errors import EngineError
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
