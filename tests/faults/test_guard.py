"""Faults in every kind of change of secrets, a name that is handed over, and files that are kept."""

from __future__ import annotations

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.faults.sample import assert_convergence

pytestmark = pytest.mark.engine


def test_one_more_apply_converges_after_any_of_some_faults(wire: Wire, base_image: str) -> None:
    assert_convergence(wire, base_image, "guard")
