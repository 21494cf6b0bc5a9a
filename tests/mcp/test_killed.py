"""A server that is killed at any point: the file is whole, one apply makes it so, and the next server carries on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.mcp.client import Caller, command, environment, nexusctl, plan_of, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

KILLS = int(os.environ.get("DOOR_KILLS", "5"))
SEED = int(os.environ.get("DOOR_SEED", "1"))

TOGETHER = 10
"""Kills of one stack: what they leave adds up, and each look at it costs more than the one before."""


@pytest.mark.parametrize("first", range(0, KILLS, TOGETHER))
def test_a_server_that_is_killed_leaves_what_one_apply_makes_whole(folder: Path, first: int) -> None:
    chance = random.Random(SEED * 1000 + first)
    for number in range(min(TOGETHER, KILLS - first)):
        # What can never be applied is for the next server to take back.
        bad = bool(number % 2)
        _kill_in_the_midst(folder, number, chance.uniform(0.0, 3.0), bad=bad)
        if bad:
            _carry_on(folder)
        if not (folder / "nexus.yaml").exists():
            continue
        yaml.safe_load((folder / "nexus.yaml").read_text())
        if not bad:
            nexusctl(folder, "apply", "--yes")
        assert plan_of(folder)["empty"], (number, nexusctl(folder, "plan").stdout)

    async def scene(call: Caller) -> None:
        listed = await call("sandbox_list")
        declared = yaml.safe_load((folder / "nexus.yaml").read_text()).get("sandboxes") or {}
        assert [one["name"] for one in listed["sandboxes"]] == sorted(declared)
        assert {one["status"] for one in listed["sandboxes"]} <= {"running"}
        made = await call("sandbox_create", template="base", name="after")
        assert made["status"] == "running"

    play(folder, scene)
    assert plan_of(folder)["empty"]
    _carry_on(folder)
    left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    assert left == []


def test_an_execution_goes_on_when_its_server_is_killed(folder: Path) -> None:
    found: list[str] = []

    async def begin(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        code = "echo 1; until test -e /tmp/go; do sleep 0.05; done; echo 2"
        run = await call("sandbox_execute", sandbox_id="api", code=code, wait_s=0)
        assert run["status"] == "running"
        found.append(run["execution_id"])

    async def go_on(call: Caller) -> None:
        news = await call("execution_stream_status", stream_id=f"stream_{found[0]}", **{"from": 0})
        assert news["status"] == "running"
        await call("sandbox_execute", sandbox_id="api", code="touch /tmp/go")
        data, offset, status = "", 0, "running"
        while status == "running":
            news = await call("execution_stream_status", stream_id=f"stream_{found[0]}", wait_s=10, **{"from": offset})
            assert not news.is_error, news.text
            data, offset, status = data + news["data"], news["next_offset"], news["status"]
        assert (data, news["exit_code"]) == ("1\n2\n", 0)

    play(folder, begin)
    play(folder, go_on)


def _carry_on(folder: Path) -> None:
    """The next server, until it has finished what the one before it has left."""

    async def scene(call: Caller) -> None:
        while list(folder.glob(".nexus.yaml.door-*")):
            assert not (await call("sandbox_list")).is_error

    play(folder, scene)


def _kill_in_the_midst(folder: Path, number: int, after: float, *, bad: bool) -> None:
    process = subprocess.Popen(command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    assert process.stdin
    assert process.stdout
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    calls = [
        ("sandbox_create", {"template": "base", "name": f"k{number}"}),
        *(
            [("sandbox_create", {"template": "base", "name": f"bad{number}", "startup_script": "exit 1"})]
            if bad
            else ()
        ),
        ("sandbox_upload", {"sandbox_id": f"k{number - 1}", "file_path": "/data/x", "content": str(number)}),
        ("sandbox_delete", {"sandbox_id": f"k{number - 2}"}),
    ]
    messages = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        *(
            {"jsonrpc": "2.0", "id": at, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
            for at, (tool, arguments) in enumerate(calls, 1)
        ),
    ]
    process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
    process.stdin.flush()
    # It answers once it has started.
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
