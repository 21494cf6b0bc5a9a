"""The tools: what each is called, what it takes and answers, by its file in `schemas/mcp/`, and the function it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from nexusctl.api import workspace
from nexusctl.mcp.door import Tool
from nexusctl.mcp.tools.configure import configure
from nexusctl.mcp.tools.create import create
from nexusctl.mcp.tools.deploy import deploy
from nexusctl.mcp.tools.execute import execute
from nexusctl.mcp.tools.files import get_file, list_files
from nexusctl.mcp.tools.lifecycle import delete, start, stop
from nexusctl.mcp.tools.logs import logs
from nexusctl.mcp.tools.show import show, show_all
from nexusctl.mcp.tools.streams import read_on, subscribe
from nexusctl.mcp.tools.templates import get_template, list_templates
from nexusctl.mcp.tools.upload import upload

TOOLS: Mapping[str, Tool] = {
    "sandbox_create": create,
    "sandbox_configure": configure,
    "sandbox_upload": upload,
    "sandbox_execute": execute,
    "sandbox_status": show,
    "sandbox_list": show_all,
    "sandbox_logs": logs,
    "sandbox_stop": stop,
    "sandbox_start": start,
    "sandbox_delete": delete,
    "template_list": list_templates,
    "template_get": get_template,
    "template_deploy": deploy,
    "execution_stream_subscribe": subscribe,
    "execution_stream_status": read_on,
    "execution_files_list": list_files,
    "execution_file_get": get_file,
}
"""Those that are listed, in this order."""

LATER = (
    "auth_init", "auth_status", "check_balance", "configure_auto_refill", "create_payment_link", "get_payment_history",
    "storage_delete", "storage_get_url", "storage_list", "storage_upload", "user_login", "user_logout", "user_profile",
    "user_register", "user_stats",
)  # fmt: skip
"""Tools of accounts, the ledger and buckets, which this server has not got."""


@cache
def describe_tool(name: str) -> dict[str, Any]:
    """The tool as the protocol lists it, with its own schemas whole."""
    common = workspace.read_tool("common")["$defs"]
    tool: dict[str, Any] = _settle(workspace.read_tool(name), common)
    output = tool["outputSchema"]
    ways = [{"required": output.pop("required")}, {"required": ["errors"]}]
    ways += [{"required": ["approval"]}]
    more = {part: common[part] for part in ("errors", "warnings", "approval")}
    if tool["changes"]:
        tool["inputSchema"]["properties"]["plan"] = common["plan"]
        more |= {"planned": common["planned"]}
        ways += [{"required": ["planned"]}]
    output["properties"] |= more
    output["anyOf"] = ways
    return tool


def portable(schema: Any) -> Any:
    """The same schema for clients that know one `type` of a value alone: each of several is a branch of its own."""
    if isinstance(schema, list):
        return [portable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    types = schema.get("type")
    rest = {key: portable(item) for key, item in schema.items() if key != "type" or not isinstance(types, list)}
    return {**rest, "anyOf": [{"type": one} for one in types]} if isinstance(types, list) else rest


def _settle(value: Any, common: Mapping[str, Any]) -> Any:
    """`value` with the parts of others in the places of the references to them."""
    if isinstance(value, list):
        return [_settle(item, common) for item in value]
    if not isinstance(value, dict):
        return value
    if reference := value.get("$ref"):
        return _settle(common[reference.rpartition("/")[2]], common)
    return {key: _settle(item, common) for key, item in value.items()}
