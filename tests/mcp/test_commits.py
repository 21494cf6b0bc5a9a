"""With --commit each change is a git commit of whoever asked for it, and of nothing else in the work tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import anyio
import pytest

from tests.mcp.client import Caller, caller, http_server, over_http, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]


def test_each_change_is_a_commit_of_its_own(folder: Path) -> None:
    _git(folder, "init", "--quiet")
    (folder / "theirs.txt").write_text("staged, and not ours to commit\n")
    _git(folder, "add", "theirs.txt")

    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        await call("sandbox_upload", sandbox_id="api", file_path="/app/x", content="one")
        await call("sandbox_create", template="base", name="bad", startup_script="exit 1")
        await call("sandbox_upload", sandbox_id="api", file_path="/app/x", content="two", plan=True)
        deleted = await call("sandbox_delete", sandbox_id="api")
        assert "warnings" not in deleted.content

    play(folder, scene, more=("--commit",))
    assert _git(folder, "log", "--format=%s").splitlines() == ["Delete api", "Upload /app/x into api", "Create api"]
    assert _git(folder, "log", "--format=", "--name-only", "-1", "HEAD~1").split() == ["files/api/app/x", "nexus.yaml"]
    assert _git(folder, "status", "--short") == "A  theirs.txt\n"


def test_the_author_is_the_owner_of_the_token(folder: Path) -> None:
    _git(folder, "init", "--quiet")
    tokens = folder.parent / "tokens"
    tokens.write_text("# who calls\nmia@example.org token-of-the-first-one\nbackend-agent token-of-the-other-one\n")

    async def scene(address: str) -> None:
        for token, name in (("token-of-the-first-one", "api"), ("token-of-the-other-one", "web")):
            async with over_http(address, token=token) as client:
                call = caller(client)
                await call("sandbox_create", template="base", name=name)
        async with over_http(address, token="token-of-the-other-one") as client:
            listed = await caller(client)("sandbox_list")
            made_by = {one["name"]: one["metadata"]["created_by"] for one in listed["sandboxes"]}
            assert made_by == {"api": "mia@example.org", "web": "backend-agent"}

    with http_server(folder, "--commit", "--tokens", str(tokens)) as address:
        anyio.run(scene, address)
    authors = _git(folder, "log", "--format=%an %ae").splitlines()
    assert authors[1] == "mia@example.org mia@example.org"
    assert authors[0].startswith("backend-agent backend-agent@")


def test_where_nothing_can_be_committed_the_change_is_made_and_the_answer_says_so(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        made = await call("sandbox_create", template="base", name="api")
        assert made["status"] == "running"
        (warning,) = made["warnings"]
        assert warning.startswith("the change is made, but not committed")

    play(folder, scene, more=("--commit",))


def _git(folder: Path, *arguments: str) -> str:
    words = ["git", "-C", str(folder), *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
