"""`make bench` in small: each row measures what it says, and nothing stays behind. Figures are not judged."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.endpoint import connect
from tests.faults.compose import Compose

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "run.py"

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]


@pytest.fixture
def stack() -> str:
    """What the names of all that a run makes begin with: others measure as well."""
    return f"bench-{uuid.uuid4().hex[:8]}"


def find_objects(stack: str) -> set[str]:
    wire = connect()
    containers = {name for found in wire.get("/containers/json", {"all": True}) for name in found["Names"]}
    networks = {found["Name"] for found in wire.get("/networks")}
    volumes = {found["Name"] for found in wire.get("/volumes")["Volumes"] or ()}
    return {name for name in containers | networks | volumes if stack in name}


def run_bench(stack: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--rounds", "1", "--stack", stack, *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, **environ},
    )


def read_table(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """The cells of each line of the table, without its head."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.skipif(bool(Compose().find_problem()), reason="docker compose is not installed")
def test_contestants_are_measured_side_by_side_and_leave_nothing(stack: str) -> None:
    done = run_bench(stack, "--many", "3", "--rows", "fleet,chain,upload")
    assert done.returncode == 0, done.stderr
    rows = read_table(done)
    assert [row[0] for row in rows] == ["fleet"] * 6 + ["chain", "upload"]
    assert all(float(row[4]) > 0 for row in rows)
    assert [row[3].partition(":")[0] for row in rows[:2]] == ["`up -d`", "bare engine"]
    assert "one container touched" in rows[5][1]
    assert "in the running sandbox" in rows[7][1]
    assert find_objects(stack) == set()


@pytest.mark.skipif(bool(Compose().find_problem()), reason="docker compose is not installed")
def test_what_is_done_all_day_is_measured_beside_the_tools_for_it(stack: str) -> None:
    done = run_bench(stack, "--many", "2", "--rows", "cp,status,exec")
    assert done.returncode == 0, done.stderr
    rows = read_table(done)
    assert [(row[0], row[3].partition(":")[0]) for row in rows] == [
        *[("cp", "`docker cp`"), ("cp", "`docker cp`"), ("cp", "")] * 2,
        ("status", "`docker compose ps`"),
        ("exec", "`docker exec`"),
    ]
    assert "`cp` of a file of 20 MiB in" in rows[0][1]
    assert "`cp` of 200 files out" in rows[4][1]
    assert all(float(row[2].split()[0]) > 0 for row in rows)
    assert find_objects(stack) == set()


def test_sandboxes_with_the_same_packages_install_them_once(stack: str) -> None:
    done = run_bench(stack, "--many", "4", "--rows", "sharing")
    assert done.returncode == 0, done.stderr
    (row,) = read_table(done)
    assert "4 sandboxes with the same 7 npm packages" in row[1]
    assert "installed 1 time)" in row[1]
    assert find_objects(stack) == set()


def test_a_row_that_fails_says_why_and_the_others_go_on(stack: str, tmp_path: Path) -> None:
    done = run_bench(stack, "--rows", "chain,help", PATH=str(tmp_path))
    assert done.returncode == 1
    assert [row[0] for row in read_table(done)] == ["help"]
    assert "Not measured: chain: docker compose is not installed" in done.stdout
