"""Clients of the agents' door, of the SDK, in both eras and over both transports, as an agent's program has them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests import prestarted

TOKEN = "a-token-of-the-tests-only"
ERAS = ("auto", "legacy")
WAYS = [(era, transport) for transport in ("stdio", "http") for era in ERAS]


class Answer(NamedTuple):
    """What a tool answered: its structured content, and whether it is an error."""

    content: dict[str, Any]
    is_error: bool
    text: str

    def __getitem__(self, key: Any) -> Any:
        return self.content[key]


Caller = Callable[..., Awaitable[Answer]]


def environment() -> dict[str, str]:
    return {**os.environ, "NEXUSCTL_MCP_TOKEN": TOKEN}


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "nexusctl", "mcp", "-f", str(folder / "nexus.yaml"), *more]


@contextmanager
def http_server(folder: Path, *more: str) -> Iterator[str]:
    """A server over HTTP in `folder`: its address."""
    log = folder.parent / f"{folder.name}-server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            command(folder, "--http", "127.0.0.1:0", *more), env=environment(), stderr=errors, stdout=subprocess.DEVNULL
        )
    try:
        yield wait_for_address(process, log)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(240)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server answers, once it says so."""
    while True:
        found = [word.rstrip(";") for word in log.read_text().split() if word.startswith("http://")]
        if found:
            return found[0]
        if process.poll() is not None:
            raise AssertionError(f"the server has ended: {log.read_text()}")
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue


@asynccontextmanager
async def over_http(address: str, era: str = "auto", token: str = TOKEN) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=300) as http,
        Client(streamable_http_client(address, http_client=http), mode=era, read_timeout_seconds=300) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(folder: Path, era: str = "auto", *more: str) -> AsyncIterator[Client]:
    words = command(folder, *more)
    server = StdioServerParameters(command=words[0], args=words[1:], env=environment())
    async with Client(server, mode=era, read_timeout_seconds=300) as client:
        yield client


def caller(client: Client) -> Caller:
    """`await call("sandbox_create", template="node")`."""

    async def call(tool: str, **arguments: Any) -> Answer:
        result = await client.call_tool(tool, arguments)
        text = "\n".join(getattr(part, "text", "") for part in result.content)
        return Answer(result.structured_content, bool(result.is_error), text)

    return call


def play(
    folder: Path,
    scene: Callable[[Caller], Awaitable[None]],
    *,
    era: str = "auto",
    transport: str = "stdio",
    more: tuple[str, ...] = (),
    spoken: set[str] | None = None,
) -> None:
    """Run `scene` with a client of that era and transport, on a server of its own.

    The version of the protocol that they agree on goes into `spoken`.
    """

    async def follow(client: Client) -> None:
        if spoken is not None:
            spoken.add(client.protocol_version or "?")
        await scene(caller(client))

    async def on_stdio() -> None:
        async with over_stdio(folder, era, *more) as client:
            await follow(client)

    async def on_http(address: str) -> None:
        async with over_http(address, era) as client:
            await follow(client)

    try:
        if transport == "stdio":
            anyio.run(on_stdio)
            return
        with http_server(folder, *more) as address:
            anyio.run(on_http, address)
    except BaseExceptionGroup as group:
        raise _innermost(group) from None


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def table_row(client: str, spoken: set[str], transport: str, steps: int, seconds: float) -> str:
    """What `make door` prints of one client: who, era, transport, steps passed, seconds."""
    return f"{client:<10} {', '.join(sorted(spoken)) or '?':<12} {transport:<6} {steps:3} steps {seconds:6.1f} s"


def nexusctl(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = prestarted.run(
        [sys.executable, "-m", "nexusctl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def plan_of(folder: Path) -> dict[str, Any]:
    """What `nexusctl plan --json` says."""
    document: dict[str, Any] = json.loads(nexusctl(folder, "plan", "--json").stdout)
    return document
