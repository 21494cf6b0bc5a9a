"""Which tests are played again, and how often."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

PLAYED = []

@pytest.fixture
def counted():
    PLAYED.append("set up")
    yield
    if PLAYED.count("set up") == 2:
        raise AssertionError("not destroyed: the engine has lost count: an apply of its stack uses it again")

@pytest.mark.engine
def test_recovers(counted):
    if PLAYED.count("set up") == 1:
        raise AssertionError("not destroyed: the engine has lost count: an apply of its stack uses it again")

@pytest.mark.engine
def test_has_begun_anew_each_time():
    assert PLAYED.count("set up") == 3

@pytest.mark.engine
def test_never_recovers():
    raise AssertionError("the engine has lost count")

@pytest.mark.engine
def test_is_wrong():
    PLAYED.append("wrong")
    assert len(PLAYED) > 4

def test_is_of_no_engine():
    raise AssertionError("the engine has lost count")
"""


def test_those_are_that_met_an_engine_which_has_lost_count_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    words = ["-p", "tests.miscounted", "-p", "no:cacheprovider", "-o", "markers=engine", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", *words, str(tmp_path)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line.partition(" - ")[0].split() for line in done.stdout.splitlines() if "::test_" in line]
    told = {(line[0], line[1].rpartition("::test_")[2]) for line in lines if len(line) == 2}
    assert {("PASSED", name) for name in ("recovers", "has_begun_anew_each_time")} <= told, done.stdout
    assert {("FAILED", name) for name in ("never_recovers", "is_wrong", "is_of_no_engine")} <= told, done.stdout
