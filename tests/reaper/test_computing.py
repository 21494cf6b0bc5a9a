"""What computes on a machine that gives it next to nothing is not idle."""

from __future__ import annotations

import pytest

from nexusctl.api import execution, planning
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import EngineError
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.reaper import lookout
from nexusctl.reaper.sightings import Moment
from nexusctl.run.interrupt import Interrupt


class Starved(MemoryEngine):
    """Its containers use no time of a processor; `wants` tells whether they would."""

    wants: bool | None = True

    def is_computing(self, container_id: str) -> bool:
        if self.wants is None:
            raise EngineError("it does not say")
        return self.wants


@pytest.mark.parametrize(("wants", "idle"), [(True, []), (False, ["a"]), (None, [])])
def test_it_is_asked_for_once_more_before_it_ends(
    wants: bool | None, idle: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Starved(images=["base:1"])
    engine.wants = wants
    box = Sandbox(name="a", group="a", image="base:1", networks=(), idle_timeout=6)
    list(execution.apply(engine, planning.plan(engine, Stack(name="shop", sandboxes={"a": box})), Interrupt()))
    (found,) = engine.survey()
    (sandbox,) = found.sandboxes
    watching = lookout.Lookout()
    for uptime in (100.0, 105.0, 110.0):
        moment = Moment(boot="b", uptime=uptime, wall=uptime)
        monkeypatch.setattr(lookout, "read_clocks", lambda moment=moment: moment)
        watching.look(engine)
    assert watching.weigh(found)[1] == {sandbox.id: 10.0}
    assert [name for name in ("a",) if sandbox.id in watching.weigh_again(found)[1]] == idle
