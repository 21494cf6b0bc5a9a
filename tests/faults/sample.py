"""A seeded part of the sweep; `make faults` runs all of it."""

from __future__ import annotations

import random

from nexusctl.engine.docker.client.client import Wire
from tests.faults.driver import Driver
from tests.faults.nexus import Nexusctl

SEED = 20240229
POINTS = 1
"""Of each kind of change: with seven stacks these are thirty-four in all."""


def assert_convergence(wire: Wire, image: str, stack: str) -> None:
    """Spoil some calls of every kind of change of `stack`; after each, one more run has to put all right."""
    chance = random.Random(f"{SEED} {stack}")
    tool = Nexusctl()
    chosen = [scenario for scenario in tool.scenarios(image) if scenario.name.startswith(f"{stack}-")]
    problems, reached = [], 0
    with Driver(wire, tool) as driver:
        for scenario in chosen:
            rehearsal = driver.rehearse(scenario)
            for point in chance.sample(list(rehearsal.points()), POINTS):
                verdict = driver.judge(point, rehearsal.portrait)
                reached += bool(verdict.request)
                if verdict.problem:
                    problems.append(f"{point} {verdict.request}: {verdict.problem}")
    assert not problems, "\n".join(problems)
    assert reached == POINTS * len(chosen)
