"""How often `nexusctl reap` looks at an engine."""

from __future__ import annotations

import pytest

from nexusctl.api import connection, execution, planning
from nexusctl.cli.commands import reap as verb
from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.run.interrupt import Interrupt


class Counting(MemoryEngine):
    looks = 0

    def survey(self) -> tuple[LiveState, ...]:
        self.looks += 1
        return super().survey()


@pytest.mark.parametrize(("timeout", "left"), [(1, "exited"), (3600, "running")])
def test_it_looks_once_whatever_it_warns_of_and_ends(
    timeout: int, left: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Counting(images=["base:1"])
    box = Sandbox(name="a", group="a", image="base:1", networks=(), idle_timeout=60, timeout=timeout)
    list(execution.apply(engine, planning.plan(engine, Stack(name="shop", sandboxes={"a": box})), Interrupt()))
    engine.now += 30
    monkeypatch.setattr(connection, "connect", lambda: engine)
    monkeypatch.setattr(verb, "obey_sigterm", lambda: None)
    assert verb.reap.main([], standalone_mode=False) == 0
    assert [found.state for found in engine.observe(Stack(name="shop")).sandboxes] == [left]
    assert "idle_timeout" in capsys.readouterr().err
    assert engine.looks == 1


@pytest.mark.parametrize("forward", [0, 100_000])
def test_one_look_ends_nothing_early_by_a_clock_that_was_set(forward: int, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = MemoryEngine(images=["base:1"])
    boxes = {
        name: Sandbox(name=name, group=name, image="base:1", networks=(), timeout=timeout)
        for name, timeout in (("brief", 30), ("long", 3600))
    }
    list(execution.apply(engine, planning.plan(engine, Stack(name="shop", sandboxes=boxes)), Interrupt()))
    monkeypatch.setattr(connection, "connect", lambda: engine)
    monkeypatch.setattr(verb, "obey_sigterm", lambda: None)

    def look() -> dict[str, str]:
        assert verb.reap.main([], standalone_mode=False) == 0
        return {found.sandbox: found.state for found in engine.observe(Stack(name="shop")).sandboxes}

    engine.now += 20 + forward
    engine.jumped = forward
    assert look() == {"brief": "running", "long": "running"}
    engine.now += 11
    assert look() == {"brief": "exited", "long": "running"}
