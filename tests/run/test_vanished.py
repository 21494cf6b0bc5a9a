"""What vanishes between two calls is gone, and no error."""

from __future__ import annotations

import pytest

from nexusctl.api import execution, inspection, planning
from nexusctl.engine.command import Outcome
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import Conflict, EngineError, NotFound
from nexusctl.model.stack import Health, Sandbox, Stack
from nexusctl.run.interrupt import Interrupt

WEB = Sandbox(name="web", group="web", image="base:1", networks=(), health=Health(http_port=80))


class Fleeting(MemoryEngine):
    """Its containers vanish, or end, when somebody probes them."""

    failure: EngineError | None = None

    def probe(self, container_id: str, health: Health) -> Outcome:
        if self.failure:
            raise self.failure
        return super().probe(container_id, health)


@pytest.mark.parametrize("failure", [NotFound("No such container: x", status=404), Conflict("not running", status=409)])
def test_status_of_a_sandbox_that_goes_while_it_is_probed(
    failure: EngineError, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, stack = Fleeting(images=["base:1"]), Stack(name="shop", sandboxes={"web": WEB})
    list(execution.apply(engine, planning.plan(engine, stack), Interrupt()))
    monkeypatch.setattr("nexusctl.engine.memory.observe._health", lambda *_: "starting")
    (passing,) = inspection.status(engine, stack)
    assert passing.health == "healthy"
    engine.failure = failure
    (found,) = inspection.status(engine, stack)
    assert (found.state, found.health) == ("running", "starting")
