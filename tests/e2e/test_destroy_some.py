"""`destroy NAME`: that sandbox, and those that cannot be without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_states import Bench

pytestmark = pytest.mark.engine


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image)
    made.sandboxes["alone"] = made.box(volumes=["data:/data"])
    write(made)
    made.run("apply", "--yes")
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def write(bench: Bench) -> None:
    document = {"name": bench.stack, "volumes": {"data": {}}, "sandboxes": bench.sandboxes}
    (bench.folder / "nexus.yaml").write_text(json.dumps(document))


def names(bench: Bench) -> list[str]:
    found = bench.docker("ps", "-a", "--filter", f"label=dev.nexusctl.stack={bench.stack}", "--format", "{{.Names}}")
    return sorted(name.removeprefix(f"{bench.stack}_") for name in found.split())


def test_it_goes_with_those_that_depend_on_it_which_are_named(bench: Bench) -> None:
    said = bench.run("destroy", "api", "--yes")
    assert "api" in said
    assert "it depends on api" in said
    assert "the next apply makes it again" in said
    assert names(bench) == ["alone", "db"]
    bench.run("apply", "--yes")
    assert names(bench) == ["alone", "api", "db", "web"]
    bench.run("destroy", "w*", "alone", "--yes", "--stack", bench.stack)
    assert names(bench) == ["api", "db"]
    assert bench.docker("volume", "ls", "-q", "--filter", f"name={bench.stack}_data") == f"{bench.stack}_data"


def test_what_cannot_be_is_told_before_anything_is_done(bench: Bench) -> None:
    assert "did you mean `api`?" in bench.run("destroy", "apl", "db", "--yes", code=1)
    assert "for a whole stack" in bench.run("destroy", "db", "--volumes", "--yes", code=2)
    bench.sandboxes["db"]["lifecycle"] = {"prevent_destroy": True}
    write(bench)
    bench.run("apply", "--yes")
    assert "db" in bench.run("destroy", "db", "--yes", code=1)
    assert names(bench) == ["alone", "api", "db", "web"]
    bench.sandboxes["db"].pop("lifecycle")
    write(bench)
    bench.run("apply", "--yes")
