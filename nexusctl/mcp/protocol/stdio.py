"""The server on stdin and stdout, for one client that has started it."""

from __future__ import annotations

import anyio
from mcp.server.stdio import stdio_server

from nexusctl.mcp.door import Door
from nexusctl.mcp.protocol.server import make_server


def serve_stdio(door: Door, who: str) -> None:
    """Answer until the client closes its side. `who` is the person who runs it."""

    async def main() -> None:
        server = make_server(door, lambda _: who)
        # While it serves, stdout of this process and of its children is stderr.
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(main)
