"""Run by a Python with `fastmcp`: plays the calls on stdin, a line of JSON each, and prints each answer as one."""

import asyncio
import json
import sys

from fastmcp import Client


async def main() -> None:
    config = json.loads(sys.argv[1])
    async with Client(config) as client:
        tools = await client.list_tools()
        print(json.dumps({"tools": [tool.name for tool in tools]}), flush=True)
        for line in sys.stdin:
            call = json.loads(line)
            result = await client.call_tool(call["tool"], call["arguments"], raise_on_error=False)
            print(json.dumps({"is_error": result.is_error, "content": result.structured_content}), flush=True)


asyncio.run(main())
