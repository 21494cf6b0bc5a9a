"""A script that runs inside before a sandbox is asked to end, whatever asks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_stop import Bench, bench

__all__ = ["bench"]

pytestmark = pytest.mark.engine

MAIN = "trap 'echo term >> /out/end; exit 0' TERM; touch /out/begin; while :; do sleep 0.1; done"


def box(bench: Bench, **more: Any) -> dict[str, Any]:
    return bench.db(**{"command": MAIN, "pre_stop": "echo before >> /out/end", "stop_grace_period": "30s"} | more)


@pytest.mark.parametrize("way", ["stop", "restart", "destroy", "remove", "replace", "preserve", "reaction", "paused"])
def test_it_comes_before_the_signal(bench: Bench, way: str) -> None:
    conf = {"content": "1\n", "target": "/etc/x.conf", "on_change": "restart"}
    side = {"image": bench.image, "command": ["sleep", "infinity"], "networks": []}
    db = box(bench, uploads=[conf], **({"on_replace": "preserve"} if way == "preserve" else {}))
    bench.write(db=db, side=side)
    bench.apply()
    match way:
        case "stop" | "restart":
            bench.run(way, "db")
        case "paused":
            bench.run("pause", "db")
            bench.run("destroy", "--yes")
        case "destroy":
            bench.run("destroy", "--yes")
        case "remove":
            bench.write(side=side)
            bench.apply()
        case "reaction":
            bench.write(db={**db, "uploads": [{**conf, "content": "2\n"}]}, side=side)
            bench.apply()
        case _:
            bench.write(db={**db, "env": {"A": "1"}}, side=side)
            bench.apply()
    assert bench.words.read_text() == "before\nterm\n"


def test_a_kill_runs_none(bench: Bench) -> None:
    bench.write(db=box(bench))
    bench.apply()
    bench.run("kill", "db")
    assert not bench.words.exists()


def test_one_that_fails_or_lasts_too_long_is_told_and_keeps_nothing_from_ending(bench: Bench) -> None:
    bench.write(db=box(bench, pre_stop="echo on the way >&2; exit 3"))
    bench.apply()
    said = bench.run("stop", "db").stderr
    assert "db: its `pre_stop` script exited with code 3" in said
    assert "on the way" in said
    assert bench.words.read_text() == "term\n"
    bench.words.unlink()
    bench.write(db=box(bench, pre_stop="sleep 60", stop_grace_period="3s"))
    bench.apply("--start-stopped")
    assert "did not end within 3 s" in bench.run("stop", "db").stderr
    assert bench.words.read_text() == "term\n"


def test_another_script_is_a_matter_of_the_record_alone(bench: Bench) -> None:
    bench.write(db=box(bench, pre_stop="false"))
    bench.apply()
    before = bench.container("db")["Id"]
    bench.write(db=box(bench))
    bench.apply()
    assert bench.container("db")["Id"] == before
    assert json.loads(bench.run("plan", "--json").stdout)["empty"]
    bench.run("stop", "db")
    assert bench.words.read_text() == "before\nterm\n"


def test_a_stack_file_takes_it_as_it_stands(tmp_path: Path, bench: Bench) -> None:
    bench.write(db=box(bench, pre_stop='for x in "a b" c; do echo "$x"; done > /out/end'))
    bench.apply()
    bench.run("stop", "db")
    assert bench.words.read_text() == "a b\nc\nterm\n"
