from __future__ import annotations

from collections.abc import Iterator

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.engine import DockerEngine
from tests.engine.workshop import Workshop


@pytest.fixture
def shop(wire: Wire, base_image: str, stack_name: str) -> Iterator[Workshop]:
    """A stack of one's own on the real engine; nothing of it may be left at the end."""
    made = Workshop(DockerEngine(wire), stack_name, base_image)
    yield made
    made.clear()
