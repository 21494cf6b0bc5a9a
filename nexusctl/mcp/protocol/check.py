"""A short walkthrough through a server, as an agent's client takes it: each step with what is wrong with it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TextIO
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from nexusctl.errors import Diagnostic
from nexusctl.mcp.clients import TOKEN, Server
from nexusctl.model.endpoint import bracketed
from nexusctl.model.values.frozen import dataclass

PATIENCE = 120.0
"""Seconds that one call may take; an image may have to be made before the first sandbox."""

SHOWN = 5
"""Lines of what a server said before it ended."""

PATH, TEXT = "/tmp/nexusctl-check", "hello from nexusctl mcp check\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStep:
    """One step: how long it took, in seconds, what was found, and what is wrong with it, if anything is.

    `skipped` says why it was not taken.
    """

    name: str
    seconds: float = 0.0
    found: str = ""
    problem: Diagnostic | None = None
    skipped: str = ""


Report = Callable[[CheckedStep], None]


class _Waits(Exception):
    """A call that somebody has to approve, as the policy has it."""


class _Wrong(Exception):
    def __init__(self, problem: Diagnostic) -> None:
        super().__init__(problem.summary)
        self.problem = problem


def check_server(server: Server, report: Report) -> tuple[Diagnostic, ...]:
    """Play the walkthrough, and tell each step as it is done; returns what is wrong.

    It makes a sandbox of its own and deletes it, so that the stack is afterwards what it was.
    """
    found: list[Diagnostic] = []

    def tell(step: CheckedStep) -> None:
        found.extend([step.problem] if step.problem else [])
        report(step)

    statuses: list[int] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        begun = time.monotonic()
        try:
            anyio.run(_play, server, said, statuses, tell)
        except BaseException as error:
            cause = _innermost(error)
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            problem = cause.problem if isinstance(cause, _Wrong) else _explain(server, cause, said, statuses)
            tell(CheckedStep(name="connect", seconds=time.monotonic() - begun, problem=problem))
    return tuple(found)


async def _play(server: Server, said: TextIO, statuses: list[int], tell: Report) -> None:
    begun = time.monotonic()
    async with _connected(server, said, statuses) as client:
        name = client.server_info.name if client.server_info else "a server"
        found = f"{name}, protocol {client.protocol_version}"
        tell(CheckedStep(name="connect", seconds=time.monotonic() - begun, found=found))
        await _Walk(client, tell).take()


class _Walk:
    def __init__(self, client: Client, tell: Report) -> None:
        self._client = client
        self._tell = tell
        self._tools: frozenset[str] = frozenset()

    async def take(self) -> None:
        if not await self._step("list the tools", self._list):
            return
        await self._ask("list the sandboxes", "sandbox_list", _count_sandboxes)
        template = await self._choose()
        if template is None:
            return
        made = await self._ask(
            "make a sandbox", "sandbox_create", lambda answer: f"{answer['sandbox_id']}, {answer['status']}",
            template=template, name=f"check-{os.urandom(3).hex()}", timeout=600,
        )  # fmt: skip
        if made is None or "sandbox_id" not in made:
            return
        own = {"sandbox_id": made["sandbox_id"]}
        try:
            await self._ask(
                "upload a file", "sandbox_upload", lambda answer: f"{answer['size_bytes']} bytes", **own,
                file_path=PATH, content=TEXT,
            )  # fmt: skip
            await self._ask("run a command", "sandbox_execute", _said_hello, **own, code=f"cat {PATH}", wait_s=30)
            await self._ask("read the logs", "sandbox_logs", lambda answer: f"{answer['total']} lines", **own)
        finally:
            with anyio.CancelScope(shield=True):
                await self._ask("delete it", "sandbox_delete", lambda answer: str(answer["status"]), **own)

    async def _list(self) -> str:
        self._tools = frozenset(tool.name for tool in (await self._client.list_tools()).tools)
        if "sandbox_create" in self._tools or "sandbox_list" in self._tools:
            return f"{len(self._tools)} tools"
        hint = "the entry leads to another server, or `tools` of door.yaml allow too little"
        raise _Wrong(Diagnostic("the server has no tools for sandboxes", hint=hint))

    async def _choose(self) -> str | None:
        """The template that costs least, of those that may be used."""
        if "template_list" not in self._tools:
            return "base"
        listed = await self._ask("list the templates", "template_list", lambda answer: f"{answer['total']} there")
        names = [one["name"] for one in (listed or {}).get("templates", ()) if one.get("kind") != "deployment"]
        return next((name for name in ("base", *names) if name in names), None)

    async def _ask(
        self, step: str, tool: str, read: Callable[[Mapping[str, Any]], str], **arguments: Any
    ) -> Mapping[str, Any] | None:
        """The answer of a tool; None where there is none, which is told."""
        if tool not in self._tools:
            self._tell(CheckedStep(name=step, skipped=f"`{tool}` is not allowed here"))
            return None
        answers: list[Mapping[str, Any]] = []

        async def call() -> str:
            result = await self._client.call_tool(tool, arguments)
            content = result.structured_content or {}
            if result.is_error or content.get("errors"):
                first: Mapping[str, Any] = next(iter(content.get("errors", ())), {})
                summary = str(first.get("summary") or "the server says nothing of why")
                raise _Wrong(Diagnostic(f"{tool}: {_place(first)}{summary}", hint=first.get("hint")))
            if waiting := content.get("approval"):
                raise _Waits(f"it waits for a person: `{waiting['command']}`")
            answers.append(content)
            return read(content)

        await self._step(step, call)
        return answers[0] if answers else None

    async def _step(self, name: str, work: Callable[[], Awaitable[str]]) -> bool:
        begun, found, problem, skipped = time.monotonic(), "", None, ""
        try:
            with anyio.fail_after(PATIENCE):
                found = await work()
        except _Wrong as wrong:
            problem = wrong.problem
        except _Waits as waits:
            skipped = str(waits)
        except TimeoutError:
            problem = Diagnostic(f"no answer in {PATIENCE:.0f} s", hint="look at the server's own messages")
        seconds = time.monotonic() - begun
        self._tell(CheckedStep(name=name, seconds=seconds, found=found, problem=problem, skipped=skipped))
        return problem is None


def _place(error: Mapping[str, Any]) -> str:
    """Where in a file of the server an error is, as far as it says so."""
    match error.get("location"):
        case {"file": str(file), "line": int(line), "column": int(column)}:
            return f"{file}:{line}:{column}: "
    return ""


def _count_sandboxes(answer: Mapping[str, Any]) -> str:
    for warning in answer.get("warnings", ()):
        hint = "mend the stack file, as long as it is wrong agents can do little"
        raise _Wrong(Diagnostic(f"sandbox_list: {warning}", hint=hint))
    return f"{answer['total']} there"


def _said_hello(answer: Mapping[str, Any]) -> str:
    if answer.get("stdout") != TEXT:
        hint = "look at `sandbox_logs`; the sandbox may have no /tmp that can be written"
        raise _Wrong(Diagnostic("the file that was uploaded is not what the sandbox reads", hint=hint))
    return "it reads the file"


@asynccontextmanager
async def _connected(server: Server, said: TextIO, statuses: list[int]) -> AsyncIterator[Client]:
    if server.url is None:
        words = server.command
        if shutil.which(words[0]) is None:
            hint = "name it by its whole path in the entry; `nexusctl mcp config` does"
            raise _Wrong(Diagnostic(f"there is no program `{words[0]}`", hint=hint))
        parameters = StdioServerParameters(command=words[0], args=list(words[1:]), env={**os.environ, **server.env})
        async with Client(stdio_client(parameters, errlog=said), read_timeout_seconds=PATIENCE) as client:
            yield client
        return

    async def note(response: httpx2.Response) -> None:
        statuses.append(response.status_code)

    async with (
        httpx2.AsyncClient(headers=dict(server.headers), timeout=PATIENCE, event_hooks={"response": [note]}) as http,
        Client(streamable_http_client(server.url, http_client=http), read_timeout_seconds=PATIENCE) as client,
    ):
        yield client


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _explain(server: Server, error: BaseException, said: TextIO, statuses: list[int]) -> Diagnostic:
    said.seek(0)
    output = tuple(line for line in said.read().splitlines() if line.strip())[-SHOWN:]
    if server.url is None:
        hint = "run the command of the entry by itself; it says what is wrong"
        return Diagnostic(f"the server has ended: {' '.join(server.command)[:200]}", hint=hint, output=output)
    if 401 in statuses:
        if not any(name.lower() == "authorization" for name in server.headers):
            hint = f"`export {TOKEN}=...`, with the token that the server has said or was given"
            return Diagnostic(f"a token is needed at {server.url}, and none was given", hint=hint)
        hint = f"give the client the token of the server; the entry takes it from {TOKEN}"
        return Diagnostic(f"the token is refused at {server.url}", hint=hint)
    found = urlsplit(server.url)
    if 421 in statuses:
        name = bracketed(found.hostname or "")
        hint = f"start it with `--allow-host {name}` beside `--http`"
        return Diagnostic(f"the server at {server.url} does not answer to the name `{name}`", hint=hint)
    if isinstance(error, httpx2.ConnectError):
        hint = f"start it: `nexusctl mcp --http {bracketed(found.hostname or '')}:{found.port or 8765}`"
        return Diagnostic(f"nobody answers at {server.url}", hint=hint)
    hint = "is it the address that `nexusctl mcp --http` has said, with `/mcp` at its end?"
    how = f"HTTP {statuses[-1]}" if statuses else str(error)
    return Diagnostic(f"what answers at {server.url} is no server of tools: {how}"[:300], hint=hint)
