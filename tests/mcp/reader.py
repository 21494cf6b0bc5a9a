"""One more agent, in a process of its own as agents are: it lists sandboxes until its stdin ends, and times each."""

from __future__ import annotations

import json
import sys
import time

import anyio
import anyio.to_thread

from tests.mcp.client import caller, over_http

PAUSE = 0.1
"""Seconds between two calls: it looks on, and is no crowd of its own."""


async def _read(address: str) -> list[float]:
    took: list[float] = []
    async with over_http(address) as client, anyio.create_task_group() as group:
        # An agent's client has read what tools there are before it calls one.
        await client.list_tools()
        call = caller(client)

        async def look() -> None:
            begun = time.monotonic()
            answer = await call("sandbox_list")
            took.append(time.monotonic() - begun)
            assert not answer.is_error, answer.text

        async def until_told() -> None:
            await anyio.to_thread.run_sync(sys.stdin.read)
            group.cancel_scope.cancel()

        await look()
        group.start_soon(until_told)
        while True:
            await anyio.sleep(PAUSE)
            await look()
    return took


if __name__ == "__main__":
    print(json.dumps(anyio.run(_read, sys.argv[1])))
