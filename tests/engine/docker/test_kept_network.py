"""A network that the engine holds on to although nobody is in it, because it has lost count of who came and went.

That takes dozens of containers that end at once, and happens now and then. So the engine's refusal is repeated here in
its own words, at the call that it refuses; all else is the engine's own.
"""

from __future__ import annotations

from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.host.checks import diagnose
from nexusctl.engine.docker.host.facts import find_empty_networks
from nexusctl.errors import Conflict, EngineError
from tests.daemon.test_doctor import engine
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine


@pytest.fixture
def kept(shop: Workshop, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a network of the stack, which the engine does not remove."""
    network, delete = shop.join(), Wire.delete

    def refuse(self: Wire, path: str, *more: Any, **named: Any) -> Any:
        if path == f"/networks/{network.id}":
            said = f"error while removing network: network {network.name} id {network.id} has active endpoints"
            raise EngineError(said, status=403)
        return delete(self, path, *more, **named)

    monkeypatch.setattr(Wire, "delete", refuse)
    return network.id


def test_it_is_told_what_becomes_of_it_and_the_next_stack_of_that_name_takes_it_again(
    shop: Workshop, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Conflict, match="has no container in it and the engine holds on to it") as caught:
        shop.engine.remove_network(kept)
    hint = caught.value.diagnostics[0].hint
    assert "an apply of its stack uses it again" in hint
    assert "a restart of the engine frees it" in hint
    again = shop.join()
    assert again.id == kept
    container_id = shop.start(shop.sandbox(networks=("default",)), networks=(again,))
    assert shop.look(container_id).networks == {kept: again.name}
    assert len(shop.observe().networks) == 1
    monkeypatch.undo()


def test_doctor_lists_it_with_what_can_be_done(
    shop: Workshop, kept: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = find_empty_networks(wire, wire.get("/networks"))
    assert empty[f"{shop.stack}_default"] == shop.stack
    (told,) = (check for check in diagnose(engine(empty_networks=empty)) if check.name == "leftovers")
    assert f"network {shop.stack}_default of stack {shop.stack}, which has no containers" in told.finding
    assert f"nexusctl destroy --stack {shop.stack}" in told.advice
    assert "restart it, or apply the stack again" in told.advice
    monkeypatch.undo()
