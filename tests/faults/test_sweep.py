"""A seeded part of the sweep; `make faults` runs all of it."""

from __future__ import annotations

import random

import pytest

from nexusctl.engine.docker.wire import Wire
from tests.faults.driver import Driver
from tests.faults.nexus import Nexusctl

pytestmark = pytest.mark.engine

SEED = 20240229
POINTS = 40


def test_one_more_apply_converges_after_any_of_forty_faults(wire: Wire, base_image: str) -> None:
    chance = random.Random(SEED)
    tool = Nexusctl()
    chosen = tool.scenarios(base_image)
    shares = [POINTS // len(chosen) + (number < POINTS % len(chosen)) for number in range(len(chosen))]
    problems, reached = [], 0
    with Driver(wire, tool) as driver:
        for scenario, share in zip(chosen, shares, strict=True):
            rehearsal = driver.rehearse(scenario)
            for point in chance.sample(list(rehearsal.points()), share):
                verdict = driver.judge(point, rehearsal.portrait)
                reached += bool(verdict.request)
                if verdict.problem:
                    problems.append(f"{point} {verdict.request}: {verdict.problem}")
    assert not problems, "\n".join(problems)
    assert reached == POINTS
