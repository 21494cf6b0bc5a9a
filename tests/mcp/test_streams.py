"""Streams of executions: an offset means the same byte for ever, and what is no stream is told with what to type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.mcp.client import Answer, Caller, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

UNTIL = "until test -e /tmp/{0}; do sleep 0.05; done"


def test_whatever_runs_at_once_each_byte_is_told_once_and_in_order(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        code = f"echo one; {UNTIL.format('a')}; echo two; {UNTIL.format('b')}; echo three"
        first = await call("sandbox_execute", sandbox_id="api", code=code, wait_s=0)
        second = await call("sandbox_execute", sandbox_id="api", code=f"echo four; {UNTIL.format('b')}; echo five")
        data, offset, rounds = "", 0, 0

        async def read_on(wait_s: int = 0) -> Answer:
            nonlocal data, offset
            news = await call("execution_stream_status", stream_id="stream_sb_api", wait_s=wait_s, **{"from": offset})
            data, offset = data + news["data"], news["next_offset"]
            return news

        while data != "one\n":
            waiting = await read_on(wait_s=5)
        assert [one["status"] for one in waiting["executions"]] == ["running", "running"]
        assert (waiting["held_back"], waiting["truncated"]) == ([second["execution_id"]], False)
        own = await call("execution_stream_status", stream_id=f"stream_{second['execution_id']}", wait_s=5)
        assert (own["data"], own["held_back"]) == ("four\n", [])
        for name in ("a", "b"):
            await call("sandbox_execute", sandbox_id="api", code=f"touch /tmp/{name}")
        whole = "one\ntwo\nthree\nfour\nfive\n"
        while data != whole and rounds < 30:
            assert whole.startswith(data)
            await read_on(wait_s=1)
            rounds += 1
        assert data == whole
        ended = await read_on()
        while ended["status"] == "running":
            await anyio.sleep(0.1)
            ended = await read_on()
        assert (ended["data"], ended["status"], ended["held_back"], ended["truncated"]) == ("", "ended", [], False)
        alone = await call("execution_stream_subscribe", execution_id=first["execution_id"], sandbox_id="sb_api")
        assert (alone["status"], alone["sandbox_id"]) == ("ended", "sb_api")

    play(folder, scene)


def test_what_ran_out_of_its_time_is_told_as_such_by_whoever_reads_on(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        late = await call("sandbox_execute", sandbox_id="api", code="sleep 60", timeout=1, wait_s=50)
        own = await call("sandbox_execute", sandbox_id="api", code="exit 124", timeout=50)
        assert (late["status"], own["status"]) == ("timeout", "failed")
        for named in ({"sandbox_id": "sb_api"}, {"stream_id": "stream_api"}):
            both = await call("execution_stream_status", **named)
            assert [one["status"] for one in both["executions"]] == ["timeout", "failed"], both.text
        alone = await call("execution_stream_status", stream_id=f"stream_{late['execution_id']}")
        assert ([one["status"] for one in alone["executions"]], alone["exit_code"]) == (["timeout"], 124)

    play(folder, scene)


def test_what_is_no_stream_is_an_error_that_says_what_to_type(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        for name in ("api", "web"):
            await call("sandbox_create", template="base", name=name)
        ran = await call("sandbox_execute", sandbox_id="api", code="echo 1234")
        status, subscribe = "execution_stream_status", "execution_stream_subscribe"
        execution = ran["execution_id"]
        wrong: list[tuple[str, dict[str, Any], str, str]] = [
            (status, {"stream_id": "nonsense"}, "there is no stream `nonsense`", "`execution_stream_subscribe` with a"),
            (status, {"stream_id": ""}, "there is no stream ``", "`execution_stream_subscribe` with a"),
            (
                status,
                {"stream_id": "stream_sb_ap"},
                "there is no stream `stream_sb_ap`",
                "`execution_stream_subscribe`",
            ),
            (status, {"stream_id": "stream_exec_12"}, "there is no execution `exec_12`", "`sandbox_execute` gave"),
            (status, {"sandbox_id": "sb_ap"}, "there is no sandbox sb_ap", "sb_api"),
            (status, {}, "neither `stream_id` nor `sandbox_id`", "give the cursor"),
            (
                status,
                {"stream_id": "stream_sb_api", "sandbox_id": "web"},
                "is a stream of sb_api",
                "sandbox_id: sb_api",
            ),
            (
                status,
                {"stream_id": f"stream_{execution}", "sandbox_id": "web"},
                "is an execution of sb_api",
                "`sandbox_id: sb_api`",
            ),
            (status, {"sandbox_id": "api", "from": 6}, "nothing was printed at 6 yet: there are 5 bytes", "`5`"),
            (status, {"sandbox_id": "web", "from": 6}, "nothing was printed at 6 yet: there are 0 bytes", "`0`"),
            (status, {"stream_id": f"stream_{execution}", "from": 900}, "nothing was printed at 900", "read on from"),
            (subscribe, {"sandbox_id": "ap"}, "there is no sandbox sb_ap", "sb_api"),
            (subscribe, {"execution_id": "exec_12"}, "there is no execution `exec_12`", "`sandbox_execute` gave"),
            (subscribe, {"execution_id": execution, "sandbox_id": "web"}, "is an execution of sb_api", "sb_api"),
            (subscribe, {}, "neither `sandbox_id` nor `execution_id`", "`sandbox_list`"),
        ]
        for tool, arguments, summary, hint in wrong:
            answer = await call(tool, **arguments)
            assert answer.is_error, (arguments, answer.text)
            (problem,) = answer.content["errors"]
            assert summary in problem["summary"], (arguments, answer.text)
            assert hint in problem["hint"], (arguments, answer.text)
        end = await call(status, sandbox_id="sb_api", **{"from": 5})
        assert (end["data"], end["next_offset"], end["status"]) == ("", 5, "ended")

    play(folder, scene)
