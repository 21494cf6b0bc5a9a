"""A requirements.txt that takes folders and archives beside it, with pip and the real index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.config.test_requirements import lay
from tests.e2e.test_replace import Bench

pytestmark = pytest.mark.engine

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "local-thing"
version = "1.0"
[tool.setuptools]
py-modules = ["thing"]
"""


@pytest.fixture
def bench(python_image: str, tmp_path: Path, stack_name: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, "", wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def say(bench: Bench) -> str:
    code = "import own, thing; print(thing.WORD)"
    return run_inside(bench.wire, bench.container("box")["Id"], ("python3", "-c", code)).output.strip()


def test_they_go_along_are_installed_and_follow_a_change_in_place(bench: Bench) -> None:
    lay(bench.folder, "in UTF-16", "-r more/other.txt\n./thing")
    (bench.folder / "thing").mkdir()
    (bench.folder / "thing" / "pyproject.toml").write_text(PROJECT)
    (bench.folder / "thing" / "thing.py").write_text("WORD = 'first'\n")
    text = "name: {}\nsandboxes:\n  box: {{template: python, packages: {{pip: {{from: requirements.txt}}}}}}\n"
    (bench.folder / "nexus.yaml").write_text(text.format(bench.stack))
    bench.apply()
    assert say(bench) == "first"
    assert bench.is_empty()
    assert bench.run("drift").returncode == 0
    (bench.folder / "thing" / "thing.py").write_text("WORD = 'second'\n")
    bench.apply()
    assert say(bench) == "second"
    assert bench.is_empty()
