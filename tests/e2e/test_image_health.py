"""An image's own HEALTHCHECK counts as the health of its sandboxes, as Docker and Compose see it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.e2e.test_replace import Bench
from tests.load import allow

pytestmark = pytest.mark.engine

CHECK = {
    "Test": ["CMD-SHELL", "echo says $MOOD; test -e /tmp/well"],
    "Interval": 500_000_000,
    "Timeout": 60_000_000_000,
    "Retries": 6,
}
WELL = ["sh", "-c", "touch /tmp/well; sleep 1000"]
ILL = ["sleep", "1000"]
TESTER = ["sleep", "1000"]


@pytest.fixture
def probed(wire: Wire, base_image: str, stack_name: str) -> Iterator[str]:
    """An image with a health check of its own."""
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"]})["Id"]
    tag = f"nexusctl-test/probed:{stack_name}"
    try:
        repository, _, version = tag.partition(":")
        wire.post("/commit", {"Healthcheck": CHECK}, {"container": made, "repo": repository, "tag": version})
    finally:
        wire.delete(f"/containers/{made}")
    yield tag
    wire.delete(f"/images/{tag}", {"force": True})


@pytest.fixture
def bench(probed: str, tmp_path: Path, stack_name: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, probed, wire, networks=[])
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def need_healthy(name: str, base_image: str) -> dict[str, Any]:
    return {"image": base_image, "command": TESTER, "depends_on": {name: {"condition": "healthy"}}}


def words_of(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def test_a_dependent_waits_for_it(bench: Bench, base_image: str) -> None:
    db = {"command": ["sh", "-c", "sleep 1; touch /tmp/well; sleep 1000"]}
    bench.write({"db": db, "api": need_healthy("db", base_image)})
    bench.apply()
    well = run_inside(bench.wire, bench.container("db")["Id"], ("date", "-u", "-r", "/tmp/well", "+%FT%T.%N")).output
    assert bench.container("api")["State"]["StartedAt"] > well
    assert bench.is_empty()


def test_a_dependent_does_not_start_over_an_unhealthy_one(bench: Bench, base_image: str) -> None:
    bench.write({"db": {"command": ILL, "env": {"MOOD": "ill"}}, "api": need_healthy("db", base_image)})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1, words_of(done)
    assert "db: its health check does not pass" in done.stderr
    assert "probe: says ill" in done.stderr
    assert bench.container("api")["State"]["Status"] == "created"


def test_an_unhealthy_one_is_started_again_by_the_next_apply(bench: Bench, base_image: str) -> None:
    bench.write({"db": {"command": ILL}})
    assert bench.run("apply", "--yes").returncode == 1
    assert "it is unhealthy" in bench.run("plan").stdout
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert "db: its health check does not pass" in done.stderr


def test_an_unhealthy_new_one_does_not_come_in_the_place_of_the_old(bench: Bench) -> None:
    bench.write({"db": {"command": WELL, "env": {"V": "1"}}})
    bench.apply()
    before = bench.container("db")["Id"]
    bench.write({"db": {"command": ILL, "env": {"V": "2"}}})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1, words_of(done)
    assert "db: its health check does not pass" in done.stderr
    assert (bench.container("db")["Id"], bench.container("db")["State"]["Status"]) == (before, "running")
    bench.write({"db": {"command": WELL, "env": {"V": "3"}}})
    bench.apply()
    assert bench.container("db")["Id"] != before


def test_to_wait_for_health_without_a_check_is_an_error_of_the_plan(bench: Bench, base_image: str) -> None:
    bench.write({"db": {"image": base_image, "command": TESTER}, "api": need_healthy("db", base_image)})
    done = bench.run("plan")
    assert done.returncode == 1
    assert "api waits for db to be healthy, and neither file nor image has a health check" in done.stderr
    assert bench.containers("db") == []


def test_an_image_that_has_none_in_the_place_of_one_that_has_is_an_error_of_the_plan(
    bench: Bench, base_image: str
) -> None:
    bench.write({"db": {"command": WELL}, "api": need_healthy("db", base_image)})
    bench.apply()
    bench.write({"db": {"image": base_image, "command": TESTER}, "api": need_healthy("db", base_image)})
    done = bench.run("plan")
    assert done.returncode == 1
    assert "api waits for db to be healthy, and neither file nor image has a health check" in done.stderr


def test_to_wait_for_health_that_is_switched_off_is_an_error_of_the_file(bench: Bench, base_image: str) -> None:
    bench.write({"db": {"command": WELL, "health": "none"}, "api": need_healthy("db", base_image)})
    done = bench.run("validate")
    assert done.returncode == 1
    assert "`db` has no health probe, so it never becomes healthy" in done.stderr


def test_it_can_be_switched_off(bench: Bench) -> None:
    bench.write({"db": {"command": ILL, "health": "none"}})
    bench.apply()
    assert "Health" not in bench.container("db")["State"]
    assert bench.is_empty()
    before = bench.container("db")["Id"]
    bench.write({"db": {"command": WELL}})
    assert "health" in bench.run("plan").stdout
    bench.apply()
    assert bench.container("db")["Id"] != before
    assert bench.is_empty()


def test_what_is_switched_off_is_imported_so(bench: Bench) -> None:
    bench.write({"db": {"command": ILL, "health": "none"}})
    bench.apply()
    name = bench.container("db")["Name"].lstrip("/")
    for words in (("container", name), ("stack", bench.stack)):
        done = bench.run("import", *words, "--stdout")
        assert "health: none" in done.stdout.replace('"', ""), words_of(done)


def test_an_older_record_that_had_no_word_for_it_plans_nothing(bench: Bench, base_image: str) -> None:
    """`none` meant no probe of the file, and an image without one has nothing to switch off."""
    bench.write({"db": {"image": base_image, "command": TESTER}})
    bench.apply()
    bench.write({"db": {"image": base_image, "command": TESTER, "health": "none"}})
    assert bench.is_empty()


def test_start_timeout_ends_the_wait_with_the_words_of_the_probe(bench: Bench, base_image: str) -> None:
    probe = {"command": "echo not yet; false", "retries": 1000}
    # Within it the engine has probed at least once.
    limit = f"{allow(2):g}"
    bench.write({"db": {"image": base_image, "command": TESTER, "health": probe, "start_timeout": f"{limit}s"}})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert f"db: its health check does not pass within {limit} s" in done.stderr
    assert "probe: not yet" in done.stderr


def test_start_timeout_changes_in_place_of_the_record_alone(bench: Bench) -> None:
    bench.write({"db": {"command": WELL}})
    bench.apply()
    before = bench.container("db")["Id"]
    bench.write({"db": {"command": WELL, "start_timeout": "20m"}})
    bench.apply()
    assert bench.container("db")["Id"] == before
    assert bench.is_empty()
