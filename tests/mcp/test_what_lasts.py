"""What goes on after a stop and a start, and what a client hears of a call that takes long."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import anyio
import pytest
from mcp import Client

from tests.mcp.client import WAYS, Caller, http_server, over_http, over_stdio, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]


def test_the_main_program_of_a_template_serves_again_after_a_start_and_an_execution_does_not(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        made = await call("sandbox_create", template="vanilla", name="web")
        assert not made.is_error, made.text
        await call("sandbox_upload", sandbox_id="sb_web", file_path="/app/index.html", content="our page\n")
        own = "cd /tmp; echo theirs > index.html; exec python3 -u -m http.server 9000"
        run = await call("sandbox_execute", sandbox_id="sb_web", code=own, timeout=600, wait_s=5)
        assert run["status"] == "running"
        assert _page(made["endpoint"]) == "our page\n"
        assert not (await call("sandbox_stop", sandbox_id="sb_web")).is_error
        again = await call("sandbox_start", sandbox_id="sb_web")
        assert again["status"] == "running"
        assert _page(again["endpoint"]) == "our page\n"
        asks = "python3 -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:9000')\""
        asked = await call("sandbox_execute", sandbox_id="sb_web", code=asks)
        assert "Connection refused" in asked["stderr"]

    play(folder, scene)


@pytest.mark.parametrize(("era", "transport"), WAYS)
def test_a_client_hears_of_a_call_that_takes_long(folder: Path, era: str, transport: str) -> None:
    heard: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    async def follow(client: Client) -> None:
        await client.call_tool("sandbox_create", {"template": "base", "name": "api"})
        heard.clear()
        slow = {"sandbox_id": "sb_api", "code": "sleep 12", "wait_s": 50}
        result = await client.call_tool("sandbox_execute", slow, progress_callback=hear)
        assert result.structured_content
        assert result.structured_content["status"] == "completed"

    async def main() -> None:
        if transport == "stdio":
            async with over_stdio(folder, era) as client:
                await follow(client)
            return
        with http_server(folder) as address:
            async with over_http(address, era) as client:
                await follow(client)

    anyio.run(main)
    assert heard[:2] == [(seconds, f"sandbox_execute is at work for {seconds} s") for seconds in (5, 10)]


def _page(endpoint: str) -> str:
    with urllib.request.urlopen(endpoint, timeout=60) as answer:
        text: str = answer.read().decode()
    return text
