from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.endpoint import connect
from tests.stacks.stack_copy import StackCopy, copy_stack


@pytest.fixture
def stack_copy(request: pytest.FixtureRequest, template_images: None, tmp_path: Path) -> Iterator[StackCopy]:
    """The stack that the test names as its parameter, not applied."""
    with copy_stack(request.param, tmp_path, connect()) as copy:
        yield copy
