from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.run import early_exit
from tests.plan.conftest import without_pauses
from tests.saved.workbench import THREE, Workbench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    # On the engine in memory a service has failed at once or not at all.
    monkeypatch.setattr(early_exit, "SETTLE", 0.0)
    made = Workbench(folder=tmp_path)
    made.write(THREE)
    return made


__all__ = ["without_pauses"]
