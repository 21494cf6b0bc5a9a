"""A look inside comes later than the list of what is there, and knows more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.engine import DockerEngine
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine

TERMINATED = ("sh", "-c", "trap 'exit 143' TERM; touch /ready; while :; do sleep 0.1; done")


class LateWire(Wire):
    """Stops a container once it has been listed."""

    def __init__(self, wire: Wire, container_id: str) -> None:
        super().__init__(wire.endpoint)
        self._container_id = container_id

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        found = super().get(path, query)
        if path == "/containers/json":
            self.post(f"/containers/{self._container_id}/stop")
        return found


def test_a_sandbox_that_ends_between_the_list_and_the_look_inside_is_known_to_have_ended(
    shop: Workshop, wire: Wire
) -> None:
    container_id = shop.start_listening(shop.sandbox(command=TERMINATED))
    late = Workshop(DockerEngine(LateWire(wire, container_id)), shop.stack, shop.image)
    (seen,) = late.observe(deep=True).sandboxes
    assert seen.inspection
    assert seen.inspection.finished_at
    assert (seen.state, seen.exit_code) == ("exited", 143)
