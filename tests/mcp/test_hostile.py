"""Clients that are wrong, rude or in a hurry: an error that says what to type instead, and nothing else happens."""

from __future__ import annotations

import json
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from tests.mcp.client import (
    TOKEN,
    Caller,
    caller,
    command,
    environment,
    http_server,
    nexusctl,
    over_http,
    plan_of,
    play,
)

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

BAD_PATHS = [
    "/app/../../etc/passwd",
    "/..",
    "/",
    "/app/",
    "/a/\x00b",
    "/.git/hooks/post-checkout",
    "/a/.GIT/config",
    "/" + "x" * 300,
]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_what_is_wrong_is_refused_in_words_and_changes_nothing(folder: Path, transport: str) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        text = (folder / "nexus.yaml").read_text()
        wrong: list[tuple[str, dict[str, Any], str]] = [
            ("sandbox_creat", {}, "did you mean `sandbox_create`?"),
            ("user_login", {"email": "a@b.c", "password": "x"}, "this server has no `user_login` yet"),
            (
                "sandbox_create",
                {"template": "base", "name": "$(touch /tmp/door-was-here)"},
                "such as `touch-tmp-door-was-here`",
            ),
            ("sandbox_create", {"template": "base", "name": "../x"}, "such as `x`"),
            ("sandbox_create", {"template": "/etc/passwd"}, "there is no template"),
            ("sandbox_create", {"template": "../templates/x.yaml"}, "there is no template"),
            ("sandbox_create", {"template": "base", "api_key": "sk-ant-REAL-KEY"}, "has to be a reference to a secret"),
            ("sandbox_create", {"template": "base", "privileged": True}, "there is no parameter `privileged`"),
            ("sandbox_create", {"template": "base", "env_vars": {"A": "x\x00y"}}, "NUL"),
            ("sandbox_status", {"sandbox_id": "sb_nobody"}, "there is no sandbox sb_nobody"),
            ("sandbox_status", {"sandbox_id": "sb_ap"}, "did you mean `sb_api`?"),
            ("sandbox_delete", {"sandbox_id": "sb_api; rm -rf /"}, "take an id from `sandbox_list`"),
            ("sandbox_upload", {"sandbox_id": "sb_api", "file_path": "x", "content": ""}, "write an absolute path"),
            (
                "sandbox_upload",
                {"sandbox_id": "sb_api", "file_path": "/x", "content": "%%%", "encoding": "base64"},
                "is no base64",
            ),
            (
                "sandbox_upload",
                {"sandbox_id": "sb_api", "file_path": "/x", "content": "x" * 10_000_000},
                "send at most 5 MB",
            ),
            *(("sandbox_upload", {"sandbox_id": "sb_api", "file_path": path, "content": ""}, "") for path in BAD_PATHS),
            ("execution_file_get", {"sandbox_id": "sb_api", "path": "/data/../etc/shadow"}, "without `..`"),
            ("execution_files_list", {"sandbox_id": "sb_api", "path": "/data/.."}, "without `..`"),
        ]
        for tool, arguments, words in wrong:
            answer = await call(tool, **arguments)
            assert answer.is_error, (tool, arguments)
            assert words in answer.text, answer.text[:500]
            assert "REAL-KEY" not in answer.text
            assert answer["errors"][0]["summary"]
            assert len(answer.text) < 2_000
        assert (folder / "nexus.yaml").read_text() == text
        assert not (folder / "files").exists()
        assert not Path("/tmp/door-was-here").exists()

    play(folder, scene, transport=transport)
    assert plan_of(folder)["empty"]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_sandbox_of_another_stack_is_unknown(folder: Path, tmp_path: Path, transport: str) -> None:
    other = f"{folder.name}-other"
    place = tmp_path / other
    place.mkdir()
    (place / "nexus.yaml").write_text(f"name: {other}\nsandboxes: {{theirs: {{template: base}}}}\n")
    nexusctl(place, "apply", "--yes")
    theirs = nexusctl(place, "exec", "--detach", "theirs", "echo", "secret").stdout.split()[0]
    try:

        async def scene(call: Caller) -> None:
            for tool in ("sandbox_status", "sandbox_logs", "sandbox_stop", "sandbox_delete"):
                answer = await call(tool, sandbox_id="sb_theirs")
                assert answer.is_error
                assert "there is no sandbox sb_theirs" in answer.text
            assert (await call("sandbox_list"))["total"] == 0
            await call("sandbox_create", template="base", name="ours")
            for tool, arguments in (
                ("sandbox_logs", {"sandbox_id": "sb_ours", "execution_id": theirs}),
                ("execution_stream_subscribe", {"execution_id": theirs}),
                ("execution_stream_status", {"stream_id": f"stream_{theirs}"}),
            ):
                answer = await call(tool, **arguments)
                assert answer.is_error
                assert f"there is no execution `{theirs}`" in answer.text
                assert "secret" not in answer.text

        play(folder, scene, transport=transport)
        assert plan_of(place)["empty"]
    finally:
        nexusctl(place, "destroy", "--yes")


def test_lines_that_are_no_messages_end_nothing(folder: Path) -> None:
    """Wrong UTF-8, no JSON, a megabyte of nothing: the next message is answered."""
    process = subprocess.Popen(command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    assert process.stdin
    assert process.stdout
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    process.stdin.write(
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}).encode() + b"\n"
    )
    process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
    process.stdin.write(
        b"\xff\xfe\x00broken\n" + b"x" * 1_000_000 + b"\n" + b'{"jsonrpc": "2.0", "id": 7, "method": \n'
    )
    process.stdin.write(b'{"jsonrpc": "2.0", "id": 2, "method": "tools/list"}\n')
    process.stdin.flush()
    found: dict[str, Any] = {}
    while found.get("id") != 2:
        found = json.loads(process.stdout.readline())
    assert len(found["result"]["tools"]) > 9
    process.stdin.close()
    process.stdout.read()
    assert process.wait(240) == 0


def test_a_client_that_leaves_does_not_end_the_work(folder: Path) -> None:
    process = subprocess.Popen(command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    assert process.stdin
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    create = {"name": "sandbox_create", "arguments": {"template": "base", "name": "api", "startup_script": "sleep 2"}}
    for message in (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": create},
    ):
        process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()
    while not (folder / "nexus.yaml").exists():
        time.sleep(0.05)
    process.stdin.close()
    assert process.wait(240) == 0
    assert plan_of(folder)["empty"]
    assert "api" in nexusctl(folder, "status").stdout


def let_go_on(stack: str) -> None:
    """Make the file that the startup script of its only sandbox waits for, once there is one."""
    listed = ["docker", "ps", "--quiet", "--filter", f"label=dev.nexusctl.stack={stack}"]
    while not (found := subprocess.run(listed, capture_output=True, text=True, check=True).stdout.strip()):
        time.sleep(0.1)
    subprocess.run(["docker", "exec", found, "touch", "/tmp/go"], check=True)


def test_over_http_nobody_gets_in_without_a_token_or_from_a_foreign_page(folder: Path) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accepts = {"Accept": "application/json, text/event-stream"}
    good = {**accepts, "Authorization": f"Bearer {TOKEN}"}
    with http_server(folder) as address, httpx2.Client(timeout=60) as http:
        port = httpx2.URL(address).port
        assert http.post(address, json=ping, headers=accepts).status_code == 401
        assert http.post(address, json=ping, headers={**accepts, "Authorization": "Bearer wrong"}).status_code == 401
        assert http.post(address, json=ping, headers={**good, "Origin": "https://evil.example"}).status_code == 403
        assert http.post(address, json=ping, headers={**good, "Host": f"evil.example:{port}"}).status_code == 421
        assert (
            http.post(
                address, content=b"x" * 40_000_000, headers={**good, "Content-Type": "application/json"}
            ).status_code
            == 413
        )
        assert http.post(address, json=ping, headers={**good, "Origin": f"http://127.0.0.1:{port}"}).status_code < 403


def test_over_http_what_is_no_message_ends_nothing_and_who_leaves_does_not_end_the_work(folder: Path) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    good = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
    }

    async def leave(address: str) -> None:
        async with over_http(address) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(create, client)
            while not (folder / "nexus.yaml").exists():
                await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()

    async def create(client: Client) -> None:
        script = "until test -e /tmp/go; do sleep 0.05; done"
        await caller(client)("sandbox_create", template="base", name="api", startup_script=script)
        raise AssertionError("it was done before anybody could leave")

    async def look(address: str) -> None:
        async with over_http(address) as client:
            while (await caller(client)("sandbox_list", status="running"))["total"] == 0:
                await anyio.sleep(0.2)

    with http_server(folder) as address:
        with httpx2.Client(timeout=60) as http:
            for content in (b"\xff\xfe\x00broken", b"x" * 10_000_000, b'{"jsonrpc": "2.0", "id": 7, "method": ', b""):
                assert 400 <= http.post(address, content=content, headers=good).status_code < 500
            assert http.post(address, json=ping, headers=good).status_code < 403
        # Whoever thinks for a while finds the connection as it was.
        url = httpx2.URL(address)
        kept = HTTPConnection(url.host, url.port or 0, timeout=60)
        for wait in (0, 7):
            time.sleep(wait)
            kept.request("POST", url.path, json.dumps(ping), good)
            answer = kept.getresponse()
            assert answer.read() is not None
            assert answer.status < 500
        kept.close()
        anyio.run(leave, address)
        let_go_on(folder.name)
        anyio.run(look, address)
    assert plan_of(folder)["empty"]
