from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp.client import nexusctl


@pytest.fixture
def folder(tmp_path: Path, stack_name: str) -> Iterator[Path]:
    """The folder of a workspace without a stack file, called like the stack; what is made of it goes in the end."""
    place = tmp_path / stack_name
    place.mkdir()
    yield place
    nexusctl(place, "destroy", "--stack", stack_name, "--yes", "--volumes", check=False)
    shutil.rmtree(place, ignore_errors=True)
