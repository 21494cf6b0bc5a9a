"""`nexusctl mcp check`: what it says of a set-up that works, and of each that does not."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest
import yaml

from nexusctl.api.workspace import read_schema
from tests import prestarted
from tests.mcp.client import TOKEN, environment, http_server, nexusctl, plan_of

STEPS = [
    "connect", "list the tools", "list the sandboxes", "list the templates", "make a sandbox", "upload a file",
    "run a command", "read the logs", "delete it",
]  # fmt: skip


def check(folder: Path, *words: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in environment().items() if name != "NEXUSCTL_MCP_TOKEN"}
    return prestarted.run(
        [sys.executable, "-m", "nexusctl", "mcp", "check", *words],
        cwd=folder, env={**known, **({"NEXUSCTL_MCP_TOKEN": token} if token else {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def steps(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    return [(line[:6].strip(), line[6:26].strip()) for line in done.stdout.splitlines()]


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_a_set_up_that_works(folder: Path) -> None:
    (folder / "nexus.yaml").write_text(f"name: {folder.name}\nsandboxes:\n  mine: {{template: base}}\n")
    text = (folder / "nexus.yaml").read_text()
    nexusctl(folder, "mcp", "config", "claude", "--write")
    entry = json.loads((folder / ".mcp.json").read_text())["mcpServers"]["sandboxes"]
    entry |= {"command": sys.executable, "args": ["-m", "nexusctl", *entry["args"]]}
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": {"sandboxes": entry}}))
    done = check(folder, "claude")
    assert done.returncode == 0, done.stdout + done.stderr
    assert steps(done) == [("ok", step) for step in STEPS]
    assert (folder / "nexus.yaml").read_text() == text
    # What a person declared and did not apply stays so.
    assert [change["name"] for change in plan_of(folder)["changes"] if change["kind"] == "sandbox"] == ["mine"]
    with http_server(folder) as address:
        assert steps(check(folder, "--url", address, token=TOKEN)) == [("ok", step) for step in STEPS]
        wrong = check(folder, "--url", address, token="another-token-altogether")
        assert wrong.returncode == 1
        assert "the token is refused" in wrong.stderr
    (folder / "door.yaml").write_text("tools: [sandbox_list, sandbox_create, sandbox_delete]\n")
    ways = ["ok", "ok", "ok", "ok", "-", "-", "-", "ok"]
    names = [step for step in STEPS if step != "list the templates"]
    assert steps(check(folder)) == list(zip(ways, names, strict=True))
    (folder / "door.yaml").write_text("approval: [sandbox_create]\n")
    waits = check(folder)
    assert (waits.returncode, steps(waits)[-1]) == (0, ("-", "make a sandbox")), waits.stdout + waits.stderr
    assert "nexusctl approve" in waits.stdout
    (folder / "door.yaml").write_text("max_sandbox: 2\n")
    ended = check(folder)
    assert ended.returncode == 1
    assert "the server has ended" in ended.stderr
    assert "did you mean `max_sandboxes`?" in ended.stderr


ENTRIES = {
    "there is no `.mcp.json`": None,
    "`.mcp.json` cannot be read": "{",
    "did you mean `sandboxs`?": {"mcpServers": {"sandboxs": {"command": "x"}}},
    "has neither `command` nor `url`": {"mcpServers": {"sandboxes": {"type": "http"}}},
    "there is no program `/nowhere/nexusctl`": {"mcpServers": {"sandboxes": {"command": "/nowhere/nexusctl"}}},
    "takes a token from NO_TOKEN, which is not set": {
        "mcpServers": {"sandboxes": {"url": "http://x", "headers": {"Authorization": "Bearer ${NO_TOKEN}"}}}
    },
    "nobody answers at http://127.0.0.1:1/mcp": {"mcpServers": {"sandboxes": {"url": "http://127.0.0.1:1/mcp"}}},
}


@pytest.mark.parametrize("told", ENTRIES)
def test_an_entry_that_leads_nowhere(tmp_path: Path, told: str) -> None:
    entry = ENTRIES[told]
    if entry is not None:
        (tmp_path / ".mcp.json").write_text(entry if isinstance(entry, str) else json.dumps(entry))
    done = check(tmp_path, "claude")
    assert done.returncode == 1
    assert told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_an_entry_of_codex(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(
        '[mcp_servers.sandboxes]\nurl = "http://127.0.0.1:1/mcp"\nbearer_token_env_var = "NEXUSCTL_MCP_TOKEN"\n'
    )
    assert "which is not set" in check(tmp_path, "codex").stderr
    assert "nobody answers" in check(tmp_path, "codex", token=TOKEN).stderr


def test_what_answers_and_is_no_such_server(tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = check(tmp_path, "--url", f"http://127.0.0.1:{server.server_port}/", token=TOKEN)
        server.shutdown()
    assert done.returncode == 1
    assert "is no server of tools" in done.stderr, done.stderr


def test_the_schema_of_a_policy_is_printed_and_checks_one(tmp_path: Path) -> None:
    printed = json.loads(nexusctl(tmp_path, "schema", "door").stdout)
    validator = jsonschema.Draft202012Validator(printed)
    assert validator.is_valid(yaml.safe_load("templates: [node]\nmax_sandboxes: 3\ncredits_per_hour: 10\n"))
    assert not validator.is_valid({"max_sandbox": 3})
    for example in read_schema("door.schema.json")["examples"]:
        assert validator.is_valid(example)
