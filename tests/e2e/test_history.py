"""Who has done what to a stack, by what the engine has of it."""

from __future__ import annotations

import getpass
import json
import socket
from typing import Any

import pytest

from tests.e2e.test_run import Bench, bench

__all__ = ["bench"]

pytestmark = pytest.mark.engine


def test_who_created_changed_and_stopped_sandboxes_is_told_newest_first(bench: Bench) -> None:
    def ask(*words: str) -> list[tuple[str, str, str]]:
        found: list[dict[str, Any]] = json.loads(bench.run("history", "--json", *words)[0])["history"]
        assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
        ids = {one["Id"] for one in bench.wire.get("/containers/json", {"all": True})}
        assert {one["container"] for one in found} <= ids
        return [(one["sandbox"], one["what"], one["user"]) for one in found]

    me = f"{getpass.getuser()}@{socket.gethostname()}"
    bench.write(web=bench.box(), side=bench.box())
    assert bench.run("history")[0] == "Nothing is recorded.\n"
    bench.run("apply", "--yes")
    assert sorted(ask()) == [("side", "created", me), ("web", "created", me)]
    bench.write(web=bench.box(restart="always"), side=bench.box())
    bench.run("apply", "--yes")
    bench.run("stop", "side")
    assert set(ask("we*")) == {("web", "changed", me), ("web", "created", me)}
    assert [(name, what) for name, what, _ in ask("side", "--stack", bench.stack)] == [
        ("side", "stopped"), ("side", "created")
    ]  # fmt: skip
    assert bench.run("history", "side")[0].splitlines()[1].split()[2:4] == ["side", "stopped"]
    assert "did you mean `web`?" in bench.run("history", "wev", code=1)[1]


def test_who_stopped_one_is_told_also_when_it_was_started_again(bench: Bench) -> None:
    def ask() -> list[tuple[str, str]]:
        found: list[dict[str, Any]] = json.loads(bench.run("history", "--json", "web")[0])["history"]
        return [(one["what"], one["user"]) for one in found]

    me = getpass.getuser()
    holder = f"{me}@{socket.gethostname()}"
    bench.write(web=bench.box())
    bench.run("apply", "--yes")
    bench.run("stop", "web")
    bench.run("start", "web")
    assert ask() == [("started", holder), ("stopped", me), ("created", holder)]
    bench.run("pause", "web")
    bench.run("stop", "--write", "web")
    bench.run("start", "web")
    assert {("paused", me), ("stopped", holder)} < set(ask())
    assert ask()[0] == ("started", holder)
    bench.run("kill", "web")
    bench.run("start", "--write", "web")
    assert ("killed", holder) in ask()
    bench.run("restart", "web")
    assert ask()[0] == ("restarted", holder)
    # A newer record leaves it as it is, and it goes with the container.
    bench.write(web=bench.box(restart="always"))
    bench.run("apply", "--yes")
    assert {("stopped", me), ("stopped", holder), ("paused", me), ("killed", holder), ("restarted", holder)} < set(
        ask()
    )
    bench.write(web=bench.box(env={"A": "1"}))
    bench.run("apply", "--yes")
    assert ask() == [("created", holder)]
    bench.write()
    bench.run("destroy", "--yes")
    assert not [one for one in bench.wire.get("/volumes")["Volumes"] or [] if bench.stack in str(one["Labels"])]
