"""What needs an engine says so: CI plays such a test once more where it failed, and `-m "not engine"` leaves it out."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.errors import EngineUnreachable
from tests.packaging.test_wheel import ROOT

WAY = "wire"
"""The fixture that every other one which leads to the engine stands on."""


def find_unmarked(items: list[pytest.Item]) -> list[str]:
    return [
        item.nodeid
        for item in items
        if isinstance(item, pytest.Function) and WAY in item.fixturenames and not item.get_closest_marker("engine")
    ]


def test_whatever_asks_for_the_engine_is_marked(request: pytest.FixtureRequest) -> None:
    """Of the tests that were collected beside this one; `make test` collects all."""
    assert find_unmarked(request.session.items) == []


def test_one_without_a_mark_that_looks_for_the_engine_itself_finds_none() -> None:
    with pytest.raises(EngineUnreachable):
        connect()


MADE = """
import pytest

@pytest.fixture
def wire(): ...

@pytest.fixture
def shop(wire): ...

def test_without(shop): ...

@pytest.mark.engine
def test_with(shop): ...

def test_of_nothing(): ...
"""


def test_one_that_asks_by_way_of_another_fixture_and_has_no_mark_is_found(tmp_path: Path) -> None:
    class Found:
        items: ClassVar[list[pytest.Item]] = []

        def pytest_collection_finish(self, session: pytest.Session) -> None:
            self.items.extend(session.items)

    (tmp_path / "test_made.py").write_text(MADE)
    words = ["--collect-only", "--quiet", "--noconftest", "-p", "no:cacheprovider"]
    pytest.main([*words, "-c", str(ROOT / "pyproject.toml"), str(tmp_path)], plugins=[Found()])
    assert [name.rpartition("::")[2] for name in find_unmarked(Found.items)] == ["test_without"]
