"""What holds for every test of plans that are carried out in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def without_pauses() -> Iterator[None]:
    """Nothing happens in memory while nobody acts, so that there is nothing to wait for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nexusctl.run.drain.LINGER", 0)
        patch.setattr("nexusctl.run.replace_container.SETTLE", 0)
        patch.setattr("nexusctl.run.ready.SETTLE", 0)
        patch.setattr("nexusctl.run.ready.STEADY", 0)
        patch.setattr("nexusctl.run.waits.BRIEF", 0)
        yield
