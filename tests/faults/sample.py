"""A seeded part of the sweep; `make faults` runs all of it."""

from __future__ import annotations

import random

from nexusctl.engine.docker.client.client import Wire
from tests.faults.driver import Driver
from tests.faults.nexus import Nexusctl
from tests.faults.scenario import Scenario

SEED = 20240229
CHANGES = 3
"""The kinds of change of each stack that are played: each takes eight runs of a tool on the whole stack."""


def choose(scenarios: list[Scenario], stack: str) -> list[Scenario]:
    """Those of `stack` that are played; with seven stacks each kind of change is among them."""
    own = [scenario for scenario in scenarios if scenario.name.startswith(f"{stack}-")]
    return random.Random(f"{SEED} {stack} changes").sample(own, CHANGES)


def assert_convergence(wire: Wire, image: str, stack: str) -> None:
    """Spoil a call of some kinds of change of `stack`; after each, one more run has to put all right."""
    chance = random.Random(f"{SEED} {stack}")
    tool = Nexusctl()
    chosen = choose(tool.scenarios(image), stack)
    problems, reached = [], 0
    with Driver(wire, tool) as driver:
        for scenario in chosen:
            rehearsal = driver.rehearse(scenario)
            point = chance.choice(list(rehearsal.points()))
            verdict = driver.judge(point, rehearsal.portrait)
            reached += bool(verdict.request)
            if verdict.problem:
                problems.append(f"{point} {verdict.request}: {verdict.problem}")
    assert not problems, "\n".join(problems)
    assert reached == CHANGES
