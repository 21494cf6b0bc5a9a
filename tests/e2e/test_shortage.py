"""A plan says that a limit on memory is below what a sandbox uses now, and asks the engine only where one sinks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.test_replace import Bench

pytestmark = pytest.mark.engine

FULL = "head -c 67108864 /dev/zero > /dev/shm/full; echo ready > /tmp/ready; exec sleep infinity"


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def box(limit: str) -> dict[str, dict[str, object]]:
    health = {"command": ["test", "-e", "/tmp/ready"], "interval": "200ms"}
    return {"box": {"command": ["sh", "-c", FULL], "resources": {"memory": limit}, "health": health}}


def test_what_the_plan_says_is_what_the_apply_then_says(bench: Bench) -> None:
    bench.write(box("256m"))
    bench.apply()
    bench.write(box("32m"))
    said = bench.run("plan").stdout
    assert " MiB of memory now, more than the limit: this fails unless its program is restarted first" in said
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert "memory: 32 MiB is less than the" in done.stderr + done.stdout
    bench.write(box("128m"))
    assert "of memory now" not in bench.run("plan").stdout
    bench.apply()
    assert bench.is_empty()
