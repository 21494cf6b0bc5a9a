"""Secrets that went with the memory of their host, as a reboot lets them: what is started by hand gets them again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from tests.e2e.test_run import Bench

pytestmark = pytest.mark.engine


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    (tmp_path / "token.txt").write_text("first\n")
    made.write(
        more={"secrets": {"token": {"file": "token.txt"}}},
        box=made.box(secrets=["token"]),
        plain=made.box(depends_on=["box"]),
    )
    made.run("apply", "--yes")
    yield made
    made.run("destroy", "--yes", "--stack", stack_name)


def reboot(bench: Bench) -> None:
    """As far as the secrets of a stopped stack are concerned."""
    bench.run("stop", "--all")
    marks = bench.wire.get(f"/containers/{bench.stack}_box/json")["Config"]["Labels"]
    shutil.rmtree(Path("/dev/shm/nexusctl") / marks[labels.SECRETS])


def test_a_start_writes_them_anew_and_nothing_is_left_to_do(bench: Bench) -> None:
    reboot(bench)
    bench.run("start", "plain")
    assert bench.run("exec", "box", "cat", "/run/secrets/token")[0] == "first"
    bench.run("plan", "--deep", "--detailed-exitcode")


def test_one_that_changed_meanwhile_is_the_next_plans_matter(bench: Bench) -> None:
    reboot(bench)
    (bench.folder / "token.txt").write_text("second\n")
    bench.run("start", "--all")
    assert bench.run("exec", "box", "cat", "/run/secrets/token")[0] == "second"
    assert "box: updating" in bench.run("apply", "--yes")[1]
    bench.run("plan", "--deep", "--detailed-exitcode")


def test_who_cannot_read_them_is_told_so_and_nothing_is_started(bench: Bench) -> None:
    reboot(bench)
    said = bench.run("start", "box", "--stack", bench.stack, code=1)[1]
    assert "the secret token was lost with the host's memory" in said
    (bench.folder / "token.txt").unlink()
    assert "token.txt" in bench.run("start", "plain", code=1)[1]
    assert bench.wire.get(f"/containers/{bench.stack}_box/json")["State"]["Status"] == "exited"
