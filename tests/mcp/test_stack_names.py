"""Two folders of one name: neither's agents touch what the other's have made."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexusctl.mcp.edits.batches import Batches, Request
from nexusctl.mcp.edits.draft import StackDraft
from nexusctl.mcp.edits.stack_name import find_free
from nexusctl.mcp.edits.workspace import Workspace, Written
from tests.mcp.client import Caller, nexusctl, plan_of, play


@pytest.fixture
def second(folder: Path) -> Iterator[Path]:
    """Another folder of the same name."""
    place = folder.parent / "elsewhere" / folder.name
    place.mkdir(parents=True)
    yield place
    nexusctl(place, "destroy", "--stack", f"{folder.name}-2", "--yes", "--volumes", check=False)


@pytest.mark.parametrize(
    ("wanted", "taken", "free"),
    [
        ("shop", (), "shop"),
        ("shop", ("shop", "shop-2", "shop-4"), "shop-3"),
        ("a" * 40, ("a" * 40,), "a" * 38 + "-2"),
        ("a" * 37 + "-aa", ("a" * 37 + "-aa",), "a" * 37 + "-2"),
    ],
)
def test_a_name_that_is_free(wanted: str, taken: tuple[str, ...], free: str) -> None:
    assert find_free(wanted, frozenset(taken)) == free


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_a_second_folder_of_one_name_takes_another(folder: Path, second: Path) -> None:
    async def first(call: Caller) -> None:
        made = await call("sandbox_create", template="base", name="hello", env_vars={"PORT": "3000"})
        assert "warnings" not in made.content

    async def other(call: Caller) -> None:
        # Nothing of the other is seen, and nothing planned for it.
        assert (await call("sandbox_list"))["total"] == 0
        assert (await call("sandbox_status", sandbox_id="sb_hello")).is_error
        planned = await call("sandbox_create", template="base", name="hello", plan=True)
        assert [one["action"] for one in planned.content["planned"]["changes"] if one["kind"] == "sandbox"] == [
            "create"
        ]
        made = await call("sandbox_create", template="base", name="hello")
        assert not made.is_error, made.text
        (warning,) = made.content["warnings"]
        assert f"this stack is called {folder.name}-2" in warning
        assert (await call("sandbox_list"))["total"] == 1
        again = await call("sandbox_create", template="base", name="more")
        assert "warnings" not in again.content

    play(folder, first)
    before = _containers(folder.name)
    play(second, other)
    assert _containers(folder.name) == before
    assert len(_containers(f"{folder.name}-2")) == 2
    text = (second / "nexus.yaml").read_text()
    assert f"# Another file has made a stack {folder.name} on the engine, so this is {folder.name}-2." in text
    assert yaml.safe_load(text)["name"] == f"{folder.name}-2"
    assert plan_of(folder)["empty"]
    assert plan_of(second)["empty"]


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_a_folder_whose_file_is_gone_begins_another_stack(folder: Path, second: Path) -> None:
    async def make(call: Caller) -> None:
        assert not (await call("sandbox_create", template="base", name="hello")).is_error

    play(folder, make)
    before = _containers(folder.name)
    (folder / "nexus.yaml").unlink()
    play(folder, make)
    assert _containers(folder.name) == before
    assert yaml.safe_load((folder / "nexus.yaml").read_text())["name"] == f"{second.name}-2"


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_a_first_one_that_fails_leaves_the_name_free_and_nothing_of_the_other_goes(folder: Path, second: Path) -> None:
    async def make(call: Caller) -> None:
        assert not (await call("sandbox_create", template="base", name="hello")).is_error

    async def fail(call: Caller) -> None:
        assert (await call("sandbox_create", template="base", name="hello", startup_script="exit 1")).is_error
        assert list(second.iterdir()) == []
        assert not (await call("sandbox_create", template="base", name="hello")).is_error

    play(folder, make)
    before = _containers(folder.name)
    play(second, fail)
    assert _containers(folder.name) == before
    assert len(_containers(f"{folder.name}-2")) == 1


class _Overtaken(Workspace):
    """One whose name somebody else takes between the writing of the file and its apply."""

    def __init__(self, path: Path, name: str, rival: Any) -> None:
        super().__init__(path, name)
        self._rivals = [rival]

    def write(self, *arguments: Any) -> Written:
        written = super().write(*arguments)
        while self._rivals:
            self._rivals.pop()()
        return written


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
@pytest.mark.parametrize("same", [True, False])
def test_who_loses_the_race_for_a_name_takes_another(folder: Path, second: Path, same: bool) -> None:
    entry = {"template": "base", "metadata": {"created_by": "me"}}
    theirs = entry if same else {**entry, "env": {"A": "b"}}

    def rival() -> None:
        text = yaml.safe_dump({"name": folder.name, "sandboxes": {"hello": theirs}})
        (folder / "nexus.yaml").write_text(text)
        nexusctl(folder, "apply", "--yes")

    batches = Batches(_Overtaken(second / "nexus.yaml", folder.name, rival))

    def edit(draft: StackDraft) -> StackDraft:
        return draft.add("hello", entry)

    try:
        done = batches.submit(Request(sandboxes=("hello",), edit=edit, who="me", title="Create hello")).result()
    finally:
        batches.close()
    assert [warning.summary.partition(":")[0] for warning in done.warnings] == [f"this stack is called {folder.name}-2"]
    assert plan_of(folder)["empty"]
    assert plan_of(second)["empty"]
    assert len(_containers(folder.name)) == len(_containers(f"{folder.name}-2")) == 1
    assert sorted(path.name for path in second.iterdir()) == ["nexus.yaml"]


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_two_servers_at_once_have_two_stacks(folder: Path, second: Path) -> None:
    async def make(call: Caller) -> None:
        made = await call("sandbox_create", template="base", name="hello")
        assert not made.is_error, made.text

    threads = [threading.Thread(target=play, args=(place, make)) for place in (folder, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = sorted(yaml.safe_load((place / "nexus.yaml").read_text())["name"] for place in (folder, second))
    assert names == [folder.name, f"{folder.name}-2"]
    assert [len(_containers(name)) for name in names] == [1, 1]


def _containers(stack: str) -> list[str]:
    words = ["docker", "ps", "-aq", "--no-trunc", "--filter", f"name=^{stack}_"]
    return sorted(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())
