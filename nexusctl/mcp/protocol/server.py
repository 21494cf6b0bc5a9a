"""One server for both eras of the protocol: it lists the tools, checks arguments, and runs each call in a thread."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import anyio
import anyio.to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
    ToolAnnotations,
)

from nexusctl import __version__
from nexusctl.errors import Diagnostic, NexusError
from nexusctl.mcp.arguments import find_mistakes
from nexusctl.mcp.catalogue import LATER, TOOLS, describe_tool, portable
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.policy import matches
from nexusctl.mcp.protocol.results import error_of, result_of
from nexusctl.model.values.did_you_mean import suggest

Context = ServerRequestContext[Any, Any]

AT_ONCE = 1_000
"""Calls that are worked on at the same time; more of them wait."""

PROGRESS = 5.0
"""Seconds between two words to a caller that waits."""

PROMPT = ("sandbox_list",)
"""Tools that need nothing but what is at hand where something is."""

SHOWN = 2_000
"""Characters of a call that a person is shown who has to approve it."""

INSTRUCTIONS = (
    "Sandboxes are containers that a stack file declares; every change is an edit of that file, which people review. "
    "Begin with `template_list`, then `sandbox_create`. Ids such as `sb_api` are good from every client. "
    "Every changing tool takes `plan: true`, which changes nothing and says what would change."
)

_log = logging.getLogger(__name__)


def make_server(door: Door, who: Callable[[Context], str]) -> Server[Any]:
    """The server of `door`; `who` tells whose a request is."""
    limit: list[anyio.CapacityLimiter] = []

    def find_schema(tool: str) -> Mapping[str, Any] | None:
        # The SDK asks before each call over HTTP, and without it would have all tools listed to find this one.
        return describe_tool(tool)["inputSchema"] if tool in allowed(door) else None

    async def list_tools(_: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_listed(name) for name in allowed(door)])

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        limit[:] = limit or [anyio.CapacityLimiter(AT_ONCE)]
        caller = who(context)
        if params.name in PROMPT and (prompt := door.prompt()):
            # On a busy machine each change of the thread takes longer than the work.
            return run_tool(prompt, params.name, params.arguments or {}, caller)

        def work() -> CallToolResult:
            return run_tool(door, params.name, params.arguments or {}, caller)

        async with anyio.create_task_group() as group:
            group.start_soon(_tell_progress, context, params.name)
            # Whoever leaves does not end the work.
            result = await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limit[0])
            group.cancel_scope.cancel()
        return result

    return Server(
        "nexusctl",
        version=__version__,
        title="nexusctl",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=find_schema,
    )


async def _tell_progress(context: Context, tool: str) -> None:
    """Tell a caller that wants to know it that the call is still at work: clients give up on one that is silent."""
    for number in itertools.count(1):
        await anyio.sleep(PROGRESS)
        seconds = number * PROGRESS
        await context.session.report_progress(seconds, message=f"{tool} is at work for {seconds:.0f} s")


def run_tool(door: Door, name: str, arguments: Mapping[str, Any], who: str) -> CallToolResult:
    """Run a tool; whatever is wrong becomes an error result that says what to do."""
    try:
        if name not in allowed(door):
            return error_of([_unknown(name, allowed(door))])
        tool = describe_tool(name)
        if mistakes := find_mistakes(dict(arguments), tool["inputSchema"]):
            return error_of(mistakes)
        call = Call(tool=name, arguments=arguments, who=who)
        waiting = None if tool["changes"] else door.hold(call, f"Call {name} with {json.dumps(arguments)[:SHOWN]}")
        return result_of(waiting or _carry_out(door, call, changes=tool["changes"]))
    except NexusError as error:
        return error_of(error.diagnostics)
    except Exception:
        _log.exception("a bug in the tool %s", name)
        summary = f"nexusctl met a bug of its own in {name}"
        return error_of(
            [Diagnostic(summary, hint="look with `sandbox_list` whether it had an effect; its log says more")]
        )


def _carry_out(door: Door, call: Call, *, changes: bool) -> Answer:
    try:
        return TOOLS[call.tool](door, call)
    finally:
        if changes:
            door.tell()


def allowed(door: Door) -> tuple[str, ...]:
    """The tools that the policy lets agents have."""
    return tuple(name for name in TOOLS if matches(name, door.policy.tools))


def _unknown(name: str, known: Iterable[str]) -> Diagnostic:
    if name in TOOLS:
        return Diagnostic(
            f"`{name}` may not be used here", hint="the policy of this server does not allow it; ask a person"
        )
    if name in LATER:
        return Diagnostic(f"this server has no `{name}` yet", hint="go on without it; sandboxes need no account here")
    return Diagnostic(f"there is no tool `{name[:60]}`", hint=suggest(name, known, "tools"))


@cache
def _listed(name: str) -> Tool:
    tool = describe_tool(name)
    annotations = ToolAnnotations.model_validate(tool["annotations"])
    return Tool(
        name=name,
        title=tool["title"],
        description=tool["description"],
        input_schema=portable(tool["inputSchema"]),
        output_schema=portable(tool["outputSchema"]),
        annotations=annotations,
    )
