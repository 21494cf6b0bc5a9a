"""A few rounds of several nexusctl at once; `make rivals` plays a hundred."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.rivals import play_round

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rivals_write_one_at_a_time_and_leave_no_duplicate(
    seed: int, wire: Wire, base_image: str, tmp_path: Path
) -> None:
    assert play_round(wire, base_image, tmp_path, random.Random(seed)).problems == ()
