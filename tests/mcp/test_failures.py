"""What cannot be made is taken back, and spoils nothing of what others asked for at the same time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from tests.mcp.client import Answer, Caller, nexusctl, plan_of, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]


def test_one_that_fails_is_taken_back_and_spoils_none_of_the_others(folder: Path) -> None:
    answers: dict[str, Answer] = {}

    async def scene(call: Caller) -> None:
        async def create(name: str, **more: Any) -> None:
            answers[name] = await call("sandbox_create", **{"template": "base", "name": name, **more})

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(lambda n: create(f"good-{n}"), number)
            group.start_soon(lambda: create("bad-script", startup_script="echo it went wrong >&2; exit 3"))
            group.start_soon(lambda: create("bad-package", install_packages=["there-is-no-such-package-anywhere"]))
            group.start_soon(lambda: create("bad-secret", env_vars={"KEY": "${secret.nobody_declared}"}))
            group.start_soon(lambda: create("Bad Name"))
            group.start_soon(lambda: create("bad-template", template="nod"))
        listed = await call("sandbox_list")
        assert sorted(one["name"] for one in listed["sandboxes"]) == [f"good-{number}" for number in range(6)]

    play(folder, scene)
    assert {name for name, answer in answers.items() if not answer.is_error} == {
        f"good-{number}" for number in range(6)
    }
    assert "it went wrong" in answers["bad-script"].text
    assert "mend the script; what the call has changed is taken back: call again" in answers["bad-script"].text
    # An agent has no apply.
    assert not [answer.text for answer in answers.values() if "apply" in answer.text]
    assert "there-is-no-such-package-anywhere" in answers["bad-package"].text
    assert "there is no secret `nobody_declared`" in answers["bad-secret"].text
    assert "`bad-name`" in answers["Bad Name"].text
    assert "did you mean `node`?" in answers["bad-template"].text
    for answer in answers.values():
        if answer.is_error:
            assert answer["errors"][0]["summary"]
            assert answer["errors"][0]["summary"].split("\n")[0] in answer.text
    assert sorted(yaml.safe_load((folder / "nexus.yaml").read_text())["sandboxes"]) == [f"good-{n}" for n in range(6)]
    assert plan_of(folder)["empty"]
    assert len(_containers(folder.name)) == 6


def test_a_change_that_fails_leaves_the_sandbox_as_it_was(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        await call("sandbox_upload", sandbox_id="api", file_path="/app/x", content="good")
        text, containers = (folder / "nexus.yaml").read_text(), _containers(folder.name)
        # A file cannot take the place of a folder that others are in.
        failed = await call("sandbox_upload", sandbox_id="api", file_path="/app", content="bad")
        assert failed.is_error
        assert (folder / "nexus.yaml").read_text() == text
        assert _containers(folder.name) == containers
        assert (folder / "files/api/app/x").read_text() == "good"

    play(folder, scene)
    assert plan_of(folder)["empty"]


def test_the_same_name_twice_makes_one_sandbox(folder: Path) -> None:
    answers: list[Answer] = []

    async def scene(call: Caller) -> None:
        async def create() -> None:
            answers.append(await call("sandbox_create", template="base", name="api"))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(create)

    play(folder, scene)
    assert sorted(answer.is_error for answer in answers) == [False, True, True]
    assert all("there is a sandbox api already" in answer.text for answer in answers if answer.is_error)
    assert len(_containers(folder.name)) == 1


def test_a_first_sandbox_that_fails_leaves_no_stack_file(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        answer = await call("sandbox_create", template="base", name="api", startup_script="exit 1")
        assert answer.is_error

    play(folder, scene)
    assert list(folder.iterdir()) == []
    assert _containers(folder.name) == []


@pytest.mark.parametrize("broken", ["sandboxes: [", "name: {}\n", "\x00"])
def test_a_file_that_somebody_has_broken_is_left_alone_and_the_call_says_where(folder: Path, broken: str) -> None:
    (folder / "nexus.yaml").write_text(broken)

    async def scene(call: Caller) -> None:
        answer = await call("sandbox_create", template="base", name="api")
        assert answer.is_error
        assert "nexus.yaml" in answer.text
        assert not (await call("template_list")).is_error

    play(folder, scene)
    assert (folder / "nexus.yaml").read_text() == broken


def test_a_broken_file_does_not_look_empty(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        good = (folder / "nexus.yaml").read_text()
        assert "warnings" not in (await call("sandbox_list")).content
        for broken, place in (
            (f"name: {folder.name}\nsandboxes: [oops\n", "nexus.yaml:2:12: this list is never closed"),
            (good.replace("template: base", "template: bas"), "nexus.yaml:5:15: there is no template `bas`"),
        ):
            (folder / "nexus.yaml").write_text(broken)
            # What was made is there all the same.
            for shown in (await call("sandbox_list"), await call("sandbox_status", sandbox_id="sb_api")):
                assert not shown.is_error, shown.text
                assert any(place in warning for warning in shown["warnings"]), shown["warnings"]
            assert (await call("sandbox_list"))["total"] == 1
        (folder / "nexus.yaml").write_text(f"name: {folder.name}\nsandboxes: [oops\n")
        checked = nexusctl(folder, "mcp", "check", check=False)
        assert checked.returncode == 1
        assert "sandbox_list: nexus.yaml:2:12: this list is never closed" in checked.stderr
        assert "sandbox_create: nexus.yaml:2:12: this list is never closed" in checked.stderr
        (folder / "nexus.yaml").write_text(good)
        assert "warnings" not in (await call("sandbox_status", sandbox_id="sb_api")).content

    play(folder, scene)


def test_a_mistake_of_a_person_in_another_sandbox_stops_nobody(folder: Path) -> None:
    missing = "    uploads: [{source: ./missing, target: /x}]\n"
    theirs = f"name: {folder.name}\nsandboxes:\n  theirs:\n    template: base\n{missing}"
    (folder / "nexus.yaml").write_text(theirs)

    async def scene(call: Caller) -> None:
        answer = await call("sandbox_create", template="base", name="api")
        assert not answer.is_error, answer.text
        assert (await call("sandbox_status", sandbox_id="sb_api"))["status"] == "running"
        assert not (await call("sandbox_delete", sandbox_id="sb_api")).is_error

    play(folder, scene)
    assert yaml.safe_load((folder / "nexus.yaml").read_text())["sandboxes"] == yaml.safe_load(theirs)["sandboxes"]
    assert _containers(folder.name) == []


def _containers(stack: str) -> list[str]:
    words = ["docker", "ps", "-aq", "--no-trunc", "--filter", f"name=^{stack}_"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
