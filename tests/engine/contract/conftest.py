from __future__ import annotations

from collections.abc import Iterator

import pytest

from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.memory import MemoryEngine
from tests.engine.workshop import Workshop, answer_as_told, behave_as_told, linger_as_told

UNREACHABLE = "localhost:1/nowhere/image:1"


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.engine)])
def shop(request: pytest.FixtureRequest, stack_name: str) -> Iterator[Workshop]:
    """A stack of one's own on each engine; nothing of it may be left at the end."""
    if request.param == "memory":
        engine = MemoryEngine(
            images=["base:1"],
            unreachable=[UNREACHABLE],
            behave=behave_as_told,
            linger=linger_as_told,
            answer=answer_as_told,
        )
        made = Workshop(engine, stack_name, "base:1")
    else:
        wire = request.getfixturevalue("wire")
        made = Workshop(DockerEngine(wire), stack_name, request.getfixturevalue("base_image"))
    yield made
    made.clear()


@pytest.fixture
def other(shop: Workshop) -> Iterator[Workshop]:
    """Another stack on the same engine."""
    made = Workshop(shop.engine, f"{shop.stack}-other", shop.image)
    yield made
    made.clear()
