"""What a policy bounds, and what waits for a person."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from nexusctl.errors import InputError
from nexusctl.mcp.catalogue import TOOLS
from nexusctl.mcp.policy import Policy, read_policy
from tests.mcp.client import Caller, nexusctl, plan_of, play


def test_a_policy_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "door.yaml"
    path.write_text("templates: node\nmax_sandbox: 3\nresources: {cpus: 0}\n")
    with pytest.raises(InputError) as caught:
        read_policy(path, TOOLS, ["node"])
    assert [(str(problem.location), problem.summary) for problem in caught.value.diagnostics] == [
        (f"{path}:1:12", "`templates` has to be a list, not the text `node`"),
        (f"{path}:2:1", "unknown key `max_sandbox` at the top of the file"),
        (f"{path}:3:19", "`resources.cpus` has to be at least 0.01, not `0`"),
    ]
    assert caught.value.diagnostics[1].hint == "did you mean `max_sandboxes`?"
    path.write_text("templates: [node]\nmax_sandboxes: 3\n")
    assert read_policy(path, TOOLS, ["node"]) == Policy(templates=("node",), max_sandboxes=3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("approval: [sandbox_delet]", ("1:12", "`sandbox_delet` is no tool", "did you mean `sandbox_delete`?")),
        ("# ours\ntools: [sandbox_lst]", ("2:9", "`sandbox_lst` is no tool", "did you mean `sandbox_list`?")),
        ("tools: ['storage_*']", ("1:9", "`storage_*` fits no tool", "tools: ")),
        ("templates: [node, pyton]", ("1:19", "there is no template `pyton`", "did you mean `python`?")),
        ("tools: []", ("1:1", "this leaves agents no tool at all", "name some, such as")),
        ("- approval", ("1:1", "the policy is not a mapping", "begin it with what agents may do")),
        ("approval", ("1:1", "the policy is not a mapping", "begin it with what agents may do")),
        ("resources: {memory: lots}", ("1:21", "`resources.memory` cannot be `lots`", "write a size such as")),
        ("resources: {memory: 1k}", ("1:21", "a sandbox needs at least", "")),
        ("approval: [a\n", ("1:11", "this list is never closed", "")),
        ("tools: [sandbox_list]\ntools: ['*']", ("2:1", "the key `tools` stands twice in this mapping", "keep one")),
    ],
)
def test_a_policy_that_would_not_bound_what_it_says_is_refused(
    tmp_path: Path, text: str, told: tuple[str, str, str]
) -> None:
    path = tmp_path / "door.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_policy(path, TOOLS, ["node", "python"])
    (problem,) = caught.value.diagnostics
    place, summary, hint = told
    assert str(problem.location) == f"{path}:{place}"
    assert problem.summary.startswith(summary)
    assert (problem.hint or "").startswith(hint)


def test_a_server_with_such_a_policy_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "door.yaml").write_text("templates: [node, pyton]\n")
    refused = nexusctl(tmp_path, "mcp", check=False)
    assert refused.returncode == 1
    assert "--> door.yaml:1:19" in refused.stderr
    # One of a team's own counts, and what a glob is for may come later; an empty file bounds nothing.
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "pyton.yaml").write_text("name: pyton\ndescription: Ours.\nextends: base\n")
    for text in ("templates: [node, pyton, 'team-*']\n", "# nothing yet\n"):
        (tmp_path / "door.yaml").write_text(text)
        assert nexusctl(tmp_path, "mcp", check=False).returncode == 0


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_what_agents_may_ask_for_is_bounded(folder: Path) -> None:
    policy = {
        "templates": ["bas*"],
        "max_sandboxes": 2,
        "max_timeout": 600,
        "resources": {"memory": "128m", "cpus": 0.5},
        "secrets": ["npm_*"],
        "tools": ["sandbox_*", "template_list"],
        "credits_per_hour": 360_000,
    }
    (folder / "door.yaml").write_text(yaml.safe_dump(policy))

    async def scene(call: Caller) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"template": "node"}, "the template node may not be used here"),
            ({"template": "base", "timeout": 601}, "a lifetime of 601 s is too long here"),
            (
                {"template": "base", "env_vars": {"A": "x${secret.db_password}"}},
                "the secret db_password may not be used",
            ),
            ({"template": "base", "api_key": "${ENCRYPTED:other}"}, "the secret other may not"),
        ]
        for arguments, words in wrong:
            answer = await call("sandbox_create", **arguments)
            assert answer.is_error
            assert words in answer.text, answer.text
        assert [one["name"] for one in (await call("template_list"))["templates"]] == ["base"]
        assert "may not be used here" in (await call("template_get", template_name="base")).text
        answers = []

        async def create(number: int) -> None:
            answers.append(await call("sandbox_create", template="base", name=f"s{number}"))

        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(create, number)
        assert sorted(answer.is_error for answer in answers) == [False, False, True, True]
        assert all("at most 2 are allowed" in answer.text for answer in answers if answer.is_error)
        one = next(answer["sandbox_id"] for answer in answers if not answer.is_error)
        limit = await call("sandbox_execute", sandbox_id=one, code="true")
        assert limit["exit_code"] == 0
        # A hundred credits a second: what it costs is told by how long it runs.
        shown = await call("sandbox_status", sandbox_id=one)
        hours, minutes, seconds = (int(part) for part in shown["uptime"].split(":"))
        spent = 100 * (hours * 3600 + minutes * 60 + seconds)
        assert shown["cost"] == {"credits_per_hour": 360_000, "credits": spent}
        await call("sandbox_stop", sandbox_id=shown["sandbox_id"])
        listed = await call("sandbox_list", status="stopped")
        assert [one["cost"]["credits"] for one in listed["sandboxes"]] == [0]

    play(folder, scene)
    listing = ["docker", "ps", "-q", "--filter", f"name=^{folder.name}_"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True)
    for container in names.stdout.split():
        words = ["docker", "inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}", container]
        found = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert found.split()[0] == str(128 * 1024 * 1024)
    assert plan_of(folder)["empty"]


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_a_call_waits_for_a_person(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (folder / "door.yaml").write_text("approval: [sandbox_delete, sandbox_execute]\n")

    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        for tool, arguments in (
            ("sandbox_execute", {"sandbox_id": "sb_api", "code": "touch /tmp/ran; ls /tmp"}),
            ("sandbox_delete", {"sandbox_id": "sb_api"}),
        ):
            held = await call(tool, **arguments)
            assert not held.is_error
            code = held["approval"]["code"]
            assert held["approval"]["command"] == f"nexusctl approve {code}"
            assert held.text.startswith(f"Nothing was done yet: a person has to approve {tool} here.")
            assert f"`nexusctl approve {code}`" in held.text.splitlines()[0]
            (waits,) = json.loads(nexusctl(folder, "approve", "--json").stdout)["waiting"]
            assert (waits["code"], waits["tool"], waits["file"]) == (code, tool, str(folder / "nexus.yaml"))
            assert nexusctl(folder, "approve").stdout.startswith(f"{code}  {tool} ")
            unasked = nexusctl(folder, "approve", code, check=False)
            assert unasked.returncode == 1
            assert f"asks for {tool} in {folder / 'nexus.yaml'}" in unasked.stderr
            assert (await call("sandbox_list"))["total"] == 1
            assert (await call("sandbox_list"))["total"] == 1
            # Another call is another matter.
            assert "approval" in (await call(tool, **{**arguments, "sandbox_id": "api"})).content
            assert len(nexusctl(folder, "approve").stdout.splitlines()) == 2
            nexusctl(
                folder, "approve", (await call(tool, **{**arguments, "sandbox_id": "api"}))["approval"]["code"], "--yes"
            )
            refused = nexusctl(folder, "approve", "0" * 8, "--yes", check=False)
            assert "nothing waits for approval" in refused.stderr
            said = nexusctl(folder, "approve", code.lower(), "--yes").stderr
            assert f"asks for {tool}" in said
            done = await call(tool, **arguments)
            assert "approval" not in done.content
            assert not done.is_error, done.text
        assert (await call("sandbox_list"))["total"] == 0

    play(folder, scene)
    assert plan_of(folder)["empty"]
    nothing = nexusctl(folder, "approve")
    assert (nothing.stdout, nothing.stderr) == ("", "No call waits for approval.\n")


@pytest.mark.parametrize("client", ["claude", "codex", "vscode", "cursor"])
def test_the_entry_of_a_client_starts_the_server(folder: Path, client: str) -> None:
    import tomllib  # noqa: PLC0415

    written = nexusctl(folder, "mcp", "-f", "some file.yaml", "config", client, "--write").stderr
    (path,) = [path for path in folder.rglob("*") if path.is_file()]
    assert str(path.relative_to(folder)) in written
    text = path.read_text()
    document = tomllib.loads(text) if client == "codex" else json.loads(text)
    (section,) = document.values()
    entry = section["sandboxes"]
    assert entry["args"] == ["mcp", "-f", str(folder / "some file.yaml")]
    # Once more it stays as it is, beside what others have written.
    nexusctl(folder, "mcp", "-f", "some file.yaml", "config", client, "--write")
    nexusctl(folder, "mcp", "config", client, "--write", "--name", "other", "--url", "http://127.0.0.1:1/mcp")
    text = path.read_text()
    document = tomllib.loads(text) if client == "codex" else json.loads(text)
    (section,) = document.values()
    assert set(section) == {"sandboxes", "other"}
    assert "NEXUSCTL_MCP_TOKEN" in json.dumps(section["other"])

    async def scene() -> None:
        from mcp import Client  # noqa: PLC0415
        from mcp.client.stdio import StdioServerParameters  # noqa: PLC0415

        words = ["-m", "nexusctl", *entry["args"]]
        server = StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ))
        async with Client(server) as found:
            assert (await found.list_tools()).tools

    if client == "claude":
        anyio.run(scene)
