"""Every tool there is, and every example of its schema played on a real engine: a call that works as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nexusctl.mcp.catalogue import LATER, TOOLS, describe_tool
from tests.mcp.client import Caller, plan_of, play

SCHEMAS = Path(__file__).parents[2] / "schemas" / "mcp"

WANTED = """
sandbox_create sandbox_configure sandbox_upload sandbox_execute sandbox_status sandbox_list sandbox_logs sandbox_stop
sandbox_start sandbox_delete template_list template_get template_deploy execution_stream_subscribe
execution_stream_status execution_files_list execution_file_get storage_upload storage_list storage_get_url
storage_delete auth_status auth_init user_register user_login user_logout user_profile user_stats check_balance
configure_auto_refill create_payment_link get_payment_history
"""

# What takes a sandbox away comes when all have looked at it.
LAST = ("sandbox_stop", "sandbox_start", "sandbox_delete")
ORDER = [*(name for name in TOOLS if name not in LAST), *LAST]


def test_every_tool_is_there_or_is_told_to_come_later() -> None:
    assert {*TOOLS, *LATER} == set(WANTED.split())


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_each_example_works_as_it_stands(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        for tool in ORDER:
            said = json.loads((SCHEMAS / f"{tool}.json").read_text())
            for example in said["examples"]:
                answer = await call(tool, **example)
                assert not answer.is_error, (tool, example, answer.text)
                jsonschema.Draft202012Validator(describe_tool(tool)["outputSchema"]).validate(answer.content)
                assert set(said["outputSchema"]["required"]) <= set(answer.content), (tool, answer.text)
                # Whatever an answer has is described.
                assert _undescribed(answer.content, describe_tool(tool)["outputSchema"]) == [], tool
        for tool in LATER:
            answer = await call(tool)
            assert answer.is_error
            assert f"this server has no `{tool}` yet" in answer.text
        assert plan_of(folder)["empty"]

    play(folder, scene)


def _undescribed(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _undescribed(item, schema.get("items", {}), f"{where}[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    missing = [f"{where}.{key}" for key in value if key not in schema["properties"]]
    known = [(key, item) for key, item in value.items() if key in schema["properties"]]
    return missing + [
        found for key, item in known for found in _undescribed(item, schema["properties"][key], f"{where}.{key}")
    ]
