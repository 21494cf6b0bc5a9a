"""An agent makes a sandbox, looks at it and lets it go; the plan is empty all the while."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.mcp.client import WAYS, Caller, command, nexusctl, plan_of, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]


@pytest.mark.parametrize(("era", "transport"), WAYS)
def test_a_sandbox_from_its_making_to_its_end(folder: Path, era: str, transport: str) -> None:
    async def scene(call: Caller) -> None:
        made = await call(
            "sandbox_create",
            template="base",
            name="api",
            env_vars={"PORT": "3000", "GREETING": "hello ${HOME} $${x}"},
            startup_script='echo "started as ${GREETING}" > /tmp/started',
            metadata={"team": "backend"},
            timeout=7200,
        )
        assert not made.is_error, made.text
        assert list(made.content)[:3] == ["sandbox_id", "name", "status"]
        assert (made["sandbox_id"], made["status"], made["template"]) == ("sb_api", "running", "base")
        assert (made["env_vars_set"], made["packages_installed"]) == (2, 0)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", made["endpoint"])
        assert plan_of(folder)["empty"]

        shown = await call("sandbox_status", sandbox_id="sb_api")
        assert shown["env_vars"] == ["GREETING", "PORT"]
        assert "hello" not in shown.text
        assert re.fullmatch(r"00:\d\d:\d\d", shown["uptime"])
        assert shown["created_at"] == made["created_at"]
        # Its main program and its startup script print nothing.
        assert (await call("sandbox_logs", sandbox_id="api", lines=10))["lines"] == []
        inside = _run(folder, "api", 'cat /tmp/started; printf "%s" "$GREETING"')
        assert inside == "started as hello ${HOME} $${x}\nhello ${HOME} $${x}"

        listed = await call("sandbox_list", status="running", metadata={"team": "backend"})
        assert [one["name"] for one in listed["sandboxes"]] == ["api"]
        assert (await call("sandbox_list", status="stopped"))["total"] == 0
        assert (await call("sandbox_list", metadata={"team": "other"}))["total"] == 0

        # What somebody ran from a terminal is an execution as those of agents are, and its lines say so.
        (ran,) = json.loads(nexusctl(folder, "executions", "api", "--json").stdout)["executions"]
        logs = await call("sandbox_logs", sandbox_id="api", lines=10)
        assert [(line["source"], line["stream"], line["text"]) for line in logs["lines"]] == [
            (ran["id"], "stdout", text) for text in inside.split("\n")
        ]

        gone = await call("sandbox_delete", sandbox_id="sb_api")
        assert (gone["status"], gone["left"]) == ("deleted", [])
        assert (await call("sandbox_list"))["total"] == 0

    play(folder, scene, era=era, transport=transport)
    assert plan_of(folder)["empty"]
    assert _containers(folder.name) == ""


def test_a_file_is_uploaded_in_place_and_kept_beside_the_stack_file(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        before = _containers(folder.name)
        for text in ("one\n", "two\n"):
            sent = await call("sandbox_upload", sandbox_id="sb_api", file_path="/app/deep/x.txt", content=text)
            assert (sent["size_bytes"], sent.is_error) == (4, False)
            assert _run(folder, "api", "cat /app/deep/x.txt") == text
        binary = await call(
            "sandbox_upload",
            sandbox_id="api",
            file_path="/app/run.sh",
            content="IyEvYmluL3NoCmVjaG8gaGkK",
            encoding="base64",
            mode="0755",
        )
        assert not binary.is_error, binary.text
        assert _run(folder, "api", "/app/run.sh") == "hi\n"
        assert _containers(folder.name) == before

    play(folder, scene)
    assert (folder / "files/api/app/deep/x.txt").read_text() == "two\n"
    assert plan_of(folder)["empty"]
    entry = yaml.safe_load((folder / "nexus.yaml").read_text())["sandboxes"]["api"]
    assert [item["target"] for item in entry["uploads"]] == ["/app/deep/x.txt", "/app/run.sh"]


def test_a_plan_changes_nothing_and_shows_no_value(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        planned = await call("sandbox_create", template="base", name="api", env_vars={"WORD": "hidden-word"}, plan=True)
        assert [
            (change["action"], change["name"])
            for change in planned["planned"]["changes"]
            if change["kind"] == "sandbox"
        ] == [("create", "api")]
        assert "hidden-word" not in planned.text
        assert not (folder / "nexus.yaml").exists()
        await call("sandbox_create", template="base", name="api", env_vars={"WORD": "hidden-word"})
        text = (folder / "nexus.yaml").read_text()
        sent = await call("sandbox_upload", sandbox_id="api", file_path="/x", content="y", plan=True)
        (change,) = sent["planned"]["changes"]
        assert (change["action"], change["differences"][0]["field"]) == ("update", "uploads./x")
        gone = await call("sandbox_delete", sandbox_id="api", plan=True)
        assert [change["action"] for change in gone["planned"]["changes"] if change["kind"] == "sandbox"] == ["remove"]
        assert (folder / "nexus.yaml").read_text() == text

    play(folder, scene)
    assert sorted(path.name for path in folder.iterdir()) == ["nexus.yaml"]


def test_what_people_wrote_stays_as_it_is(folder: Path) -> None:
    theirs = f"# ours\nname: {folder.name}   # the name\n\nsandboxes:\n  db: {{template: base}}   # data\n"
    (folder / "nexus.yaml").write_text(theirs)

    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        assert (folder / "nexus.yaml").read_text().startswith(theirs)
        # Nobody has applied what a person wrote, and an agent's call does not.
        assert _containers(folder.name).split() == [f"{folder.name}_api"]
        await call("sandbox_delete", sandbox_id="api")

    play(folder, scene)
    assert (folder / "nexus.yaml").read_text().rstrip() == theirs.rstrip()


def test_stdout_is_the_protocol_alone(folder: Path) -> None:
    """Every line that a server on stdio prints is a message, whatever its children say."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    wanted = {"template": "base", "name": "api", "startup_script": "echo noise; echo noise >&2"}
    create = {"name": "sandbox_create", "arguments": wanted}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": create},
    ]
    process = subprocess.Popen(command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
    process.stdin.flush()
    lines = [process.stdout.readline(), process.stdout.readline()]
    process.stdin.close()
    lines += process.stdout.readlines()
    process.wait(240)
    answers = {answer["id"]: answer for answer in map(json.loads, lines)}
    assert answers[2]["result"]["structuredContent"]["status"] == "running"


def _run(folder: Path, sandbox: str, script: str) -> str:
    return nexusctl(folder, "exec", sandbox, "sh", "-c", script).stdout


def _containers(stack: str) -> str:
    words = ["docker", "ps", "-a", "--filter", f"name=^{stack}_", "--format", "{{.Names}}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
