"""A short walkthrough by clients that others have made, over both transports: each step answers as it is described."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.mcp.client import TOKEN, command, environment, http_server, plan_of, table_row
from tests.mcp.foreign.installed import fastmcp_python, node_program
from tests.mcp.foreign.relays import http_relay
from tests.packaging.test_wheel import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

# They take a process for each call, and minutes together.
ALL = bool(os.environ.get("DOOR_CLIENTS"))
elsewhere = pytest.mark.skipif(not ALL, reason="`make door` plays all clients")

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
Config = dict[str, Any]
Client = Callable[[Config, Path], Any]

TEXT = 'it\'s "quoted" ünï\n$(touch x) `y` \\n\n'

STEPS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("sandbox_create", {"template": "base", "name": "api", "env_vars": {"PORT": "3000"}, "metadata": {"team": "a"}},
     {"sandbox_id": "sb_api", "status": "running", "env_vars_set": 1}),
    ("sandbox_upload", {"sandbox_id": "sb_api", "file_path": "/data/text", "content": TEXT},
     {"size_bytes": len(TEXT.encode())}),
    ("sandbox_execute", {"sandbox_id": "sb_api", "code": "cat /data/text; exit 3", "timeout": 60, "wait_s": 50},
     {"stdout": TEXT, "exit_code": 3, "status": "failed"}),
    ("sandbox_status", {"sandbox_id": "sb_api"}, {"env_vars": ["PORT"], "status": "running"}),
    ("sandbox_logs", {"sandbox_id": "sb_api", "lines": 1}, {"total": 1}),
    ("sandbox_list", {"metadata": {"team": "a"}, "status": "running"}, {"total": 1}),
    ("sandbox_stop", {"sandbox_id": "sb_api"}, {"status": "stopped"}),
    ("sandbox_delete", {"sandbox_id": "sb_api"}, {"status": "deleted", "left": []}),
]  # fmt: skip


@contextmanager
def fastmcp(config: Config, _: Path) -> Iterator[Call]:
    words = [fastmcp_python(), str(Path(__file__).parent / "foreign" / "play_fastmcp.py")]
    with subprocess.Popen(
        [*words, json.dumps({"mcpServers": {"door": config}})],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert "sandbox_create" in json.loads(process.stdout.readline())["tools"]

        def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps({"tool": tool, "arguments": arguments}) + "\n")
            process.stdin.flush()
            found: dict[str, Any] = json.loads(process.stdout.readline())["content"]
            return found

        yield call
        process.stdin.close()


@contextmanager
def inspector(config: Config, folder: Path) -> Iterator[Call]:
    file = folder.parent / "inspector.json"
    kind = {"type": "streamable-http"} if "url" in config else {"type": "stdio"}
    file.write_text(json.dumps({"mcpServers": {"door": {**kind, **config}}}))
    words = [*node_program("mcp-inspector"), "--cli", "--config", str(file), "--server", "door"]

    def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        pairs = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in arguments.items()]
        asked = ["--method", "tools/call", "--tool-name", tool]
        said = _run([*words, *asked, "--tool-arg", *pairs], refused=5)
        found: dict[str, Any] = json.loads(said)["structuredContent"]
        return found

    assert "sandbox_create" in _run([*words, "--method", "tools/list"])
    yield call


@contextmanager
def mcporter(config: Config, folder: Path) -> Iterator[Call]:
    file = folder.parent / "mcporter.json"
    file.write_text(json.dumps({"mcpServers": {"door": config}}))
    words = [*node_program("mcporter"), "--config", str(file)]

    def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        said = _run([*words, "call", f"door.{tool}", "--args", json.dumps(arguments), "--output", "json"], refused=1)
        found: dict[str, Any] = json.loads(said)
        return found.get("structuredContent", found)

    assert "sandbox_create" in _run([*words, "list", "door"])
    yield call


def _run(words: list[str], *, refused: int = 0) -> str:
    """What it prints; `refused` is how it ends where a tool answers with an error."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment(), timeout=300)
    assert done.returncode in (0, refused), f"{words[-6:]}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize(
    ("client", "transport"),
    [
        (fastmcp, "stdio"),
        pytest.param(fastmcp, "http", marks=elsewhere),
        *(pytest.param(client, way, marks=elsewhere) for client in (inspector, mcporter) for way in ("stdio", "http")),
    ],
)
def test_a_client_of_others(folder: Path, client: Client, transport: str, record_property: Any) -> None:
    begun, passed, spoken = time.monotonic(), 0, set[str]()
    try:
        with reached(folder, transport, spoken) as config, client(config, folder) as call:
            for tool, arguments, wanted in STEPS:
                answer = call(tool, arguments)
                assert {key: answer.get(key) for key in wanted} == wanted, (tool, answer)
                passed += 1
            # What is wrong comes to the client as words, and in its structured content.
            assert "did you mean `name`?" in json.dumps(call("sandbox_create", {"template": "base", "nmae": "x"}))
            passed += 1
    finally:
        took = time.monotonic() - begun
        record_property("figure", table_row(client.__name__, spoken, transport, passed, took))
    assert spoken
    assert yaml.safe_load((folder / "nexus.yaml").read_text()).get("sandboxes") in (None, {})
    assert plan_of(folder)["empty"]


@contextmanager
def reached(folder: Path, transport: str, spoken: set[str]) -> Iterator[Config]:
    """The entry of a server for a client's file; what it speaks is in `spoken` afterwards."""
    if transport == "http":
        with http_server(folder) as address, http_relay(address, TOKEN, spoken) as relay:
            yield {"url": relay, "headers": {"Authorization": f"Bearer {TOKEN}"}}
        return
    log = folder.parent / "spoken"
    words = [sys.executable, "-m", "tests.mcp.foreign.relays", str(log), *command(folder)]
    paths = {"PYTHONPATH": str(ROOT)}
    yield {"command": words[0], "args": words[1:], "env": {**environment(), **paths}}
    spoken.update(log.read_text().split())


SCENARIOS = ["server-initialize", "ping", "tools-list", "server-sse-multiple-streams", "dns-rebinding-protection"]
"""Those of the suite that ask for nothing but what this server is for; the others want tools of the suite's own."""


@elsewhere
def test_the_conformance_suite(folder: Path, tmp_path: Path, record_property: Any) -> None:
    words, spoken = node_program("conformance"), set[str]()
    with http_server(folder) as address, http_relay(address, TOKEN, spoken) as relay:
        for scenario in SCENARIOS:
            begun = time.monotonic()
            said = _run([*words, "server", "--url", relay, "--scenario", scenario, "-o", str(tmp_path / "results")])
            assert "0 failed" in said, said
            record_property("figure", f"conformance {scenario:<30} http   {time.monotonic() - begun:6.1f} s")
