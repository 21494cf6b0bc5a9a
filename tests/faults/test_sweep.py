"""A seeded part of the sweep; `make faults` runs all of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from uuid import uuid4

import pytest

from nexusctl.engine.docker.wire import Wire
from tests.faults.driver import Driver
from tests.faults.scenario import scenarios

pytestmark = pytest.mark.engine

SEED = 20240229
POINTS = 40


@pytest.fixture
def driver(wire: Wire) -> Iterator[Driver]:
    with Driver(wire, wire.endpoint.url.removeprefix("unix://"), f"faults-{uuid4().hex[:6]}") as driver:
        yield driver


def test_one_more_apply_converges_after_any_of_forty_faults(driver: Driver, base_image: str) -> None:
    chance = random.Random(SEED)
    chosen = scenarios(base_image)
    shares = [POINTS // len(chosen) + (number < POINTS % len(chosen)) for number in range(len(chosen))]
    problems, count = [], 0
    for scenario, share in zip(chosen, shares, strict=True):
        calls, expected = driver.rehearse(scenario)
        for point in chance.sample(list(driver.points(scenario, calls)), share):
            verdict = driver.judge(point, expected)
            count += 1
            if verdict.problem:
                problems.append(f"{point} {verdict.request}: {verdict.problem}")
    assert count == POINTS
    assert not problems, "\n".join(problems)
