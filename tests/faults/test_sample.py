"""The part of the sweep that `make test` plays leaves no kind of change out."""

from __future__ import annotations

from pathlib import Path

from tests.faults.nexus import Nexusctl
from tests.faults.sample import choose
from tests.faults.scenario import CHANGES


def test_each_kind_of_change_is_played_on_some_stack() -> None:
    files = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    scenarios = Nexusctl().scenarios("image")
    stacks = {scenario.name.partition("-")[0] for scenario in scenarios}
    played = [stack for stack in stacks if any(f'base_image, "{stack}")' in text for text in files)]
    assert len(played) == 7
    assert {scenario.change for stack in played for scenario in choose(scenarios, stack)} == set(CHANGES)
