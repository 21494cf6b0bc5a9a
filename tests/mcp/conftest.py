from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp.client import nexusctl


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, stack_name: str) -> Iterator[Path]:
    """The folder of a workspace without a stack file, called like the stack; what is made of it goes in the end."""
    place = tmp_path / stack_name
    place.mkdir()
    yield place
    # A test without the mark finds no engine.
    if request.node.get_closest_marker("engine"):
        words = ("destroy", "--stack", stack_name, "--yes", "--volumes", "--ignore-missing")
        done = nexusctl(place, *words, check=False)
        # Docker may keep a network for itself; whatever else is left is the test's fault.
        assert done.returncode == 0 or "the engine has lost count" in done.stderr, done.stdout + done.stderr
    shutil.rmtree(place, ignore_errors=True)
