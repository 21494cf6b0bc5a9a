"""Many agents at once on one workspace: nothing is lost or doubled, and every answer is true at the engine."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from tests.mcp.client import Caller, caller, http_server, over_http, plan_of

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

AGENTS, CALLS = (int(word) for word in os.environ.get("DOOR_CROWD", "6x6").split("x"))
SEED = int(os.environ.get("DOOR_SEED", "1"))


class Agent:
    """Makes sandboxes of its own, and believes what it is told."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.random = random.Random(SEED * 1000 + number)
        self.has: dict[str, dict[str, str]] = {}
        self.reads: list[float] = []
        self.made = 0

    async def act(self, call: Caller) -> None:
        for _ in range(CALLS):
            deeds = [self.create, self.look, self.look]
            if self.has:
                deeds += [self.upload, self.upload, self.execute, self.execute, self.delete]
            await self.random.choice(deeds)(call)

    async def create(self, call: Caller) -> None:
        name = f"a{self.number}-{self.made}"
        self.made += 1
        bad = self.random.random() < 0.15
        more = {"startup_script": "exit 4"} if bad else {}
        answer = await call("sandbox_create", template="base", name=name, metadata={"agent": str(self.number)}, **more)
        assert answer.is_error == bad, answer.text
        if not bad:
            self.has[name] = {}

    async def upload(self, call: Caller) -> None:
        name = self.random.choice(sorted(self.has))
        path, text = f"/data/{self.random.randrange(3)}", f"{self.number} {self.random.random()}\n"
        answer = await call("sandbox_upload", sandbox_id=f"sb_{name}", file_path=path, content=text)
        assert not answer.is_error, answer.text
        self.has[name][path] = text

    async def execute(self, call: Caller) -> None:
        name = self.random.choice(sorted(self.has))
        answer = await call(
            "sandbox_execute", sandbox_id=f"sb_{name}", code=f"echo {name}; cat /data/* 2>/dev/null; true"
        )
        assert not answer.is_error, answer.text
        wanted = name + "\n" + "".join(text for _, text in sorted(self.has[name].items()))
        assert (answer["stdout"], answer["exit_code"]) == (wanted, 0), answer.text

    async def delete(self, call: Caller) -> None:
        name = self.random.choice(sorted(self.has))
        answer = await call("sandbox_delete", sandbox_id=f"sb_{name}")
        assert not answer.is_error, answer.text
        del self.has[name]

    async def look(self, call: Caller) -> None:
        begun = time.monotonic()
        answer = await call("sandbox_list", metadata={"agent": str(self.number)})
        self.reads.append(time.monotonic() - begun)
        assert sorted(one["name"] for one in answer["sandboxes"]) == sorted(self.has)
        assert {one["status"] for one in answer["sandboxes"]} <= {"running"}


def test_many_agents_at_once(folder: Path, record_property: Any) -> None:
    agents = [Agent(number) for number in range(AGENTS)]
    broken: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            try:
                yaml.safe_load((folder / "nexus.yaml").read_text())
            except FileNotFoundError:
                continue
            except yaml.YAMLError as error:
                broken.append(str(error))

    async def all_of_them(address: str) -> None:
        async def one(agent: Agent) -> None:
            async with over_http(address, "auto" if agent.number % 2 else "legacy") as client:
                # An agent's client has read what tools there are before it calls one.
                await client.list_tools()
                await agent.act(caller(client))

        async with anyio.create_task_group() as group:
            for agent in agents:
                group.start_soon(one, agent)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    try:
        with http_server(folder) as address, reader(address) as reads:
            anyio.run(all_of_them, address)
    finally:
        stop.set()
        watcher.join()
    took = time.monotonic() - begun
    assert broken == []
    wanted = {name for agent in agents for name in agent.has}
    declared = yaml.safe_load((folder / "nexus.yaml").read_text()).get("sandboxes") or {}
    assert set(declared) == wanted
    assert sorted(_containers(folder.name)) == sorted(f"{folder.name}_{name}" for name in wanted)
    assert plan_of(folder)["empty"]
    for agent in agents:
        for name, files in agent.has.items():
            for path, text in files.items():
                assert (folder / "files" / name / path.lstrip("/")).read_text() == text
    crowd = [read for agent in agents for read in agent.reads]
    record_property(
        "figure",
        f"{AGENTS} agents, {CALLS} calls each: {took:.1f} s; sandbox_list of one more agent {_middle(reads)}, "
        f"of all those that share one process {_middle(crowd)}",
    )


@contextmanager
def reader(address: str) -> Iterator[list[float]]:
    """An agent in a process of its own that lists sandboxes for as long as this lasts: the seconds of its calls.

    Those of the crowd share an event loop here, and what they wait for is for the most part each other.
    """
    words = [sys.executable, "-m", "tests.mcp.reader", address]
    reads: list[float] = []
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield reads
        finally:
            said, _ = process.communicate()
    assert process.returncode == 0
    reads += json.loads(said)
    assert reads


def _middle(reads: list[float]) -> str:
    middle, late = (sorted(reads)[int(len(reads) * part)] * 1000 for part in (0.5, 0.95)) if reads else (0.0, 0.0)
    return f"{len(reads)} times, p50 {middle:.0f} ms, p95 {late:.0f} ms"


def _containers(stack: str) -> list[str]:
    words = ["docker", "ps", "-a", "--format", "{{.Names}}", "--filter", f"name=^{stack}_"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
