"""The volumes that a sandbox has for itself stay its own when it is called otherwise; their labels cannot change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import STACK
from tests.e2e.test_anonymous import Bench, image

__all__ = ["image"]

pytestmark = pytest.mark.engine

MOVED = [{"from": "db", "to": "store"}]


class Moving(Bench):
    def apply_moved(self, moved: list[dict[str, str]] | None = None, **sandboxes: Any) -> str:
        """With the entries of `moved` in the file."""
        text = {"name": self.stack, "moved": moved or [], "sandboxes": sandboxes}
        (self.folder / "nexus.yaml").write_text(json.dumps(text))
        return self.run("apply", "--yes")

    def start_moved(self) -> str:
        """A sandbox `store` that was `db`; returns the volume that it has had since."""
        self.apply_moved(db=self.db())
        self.inside("echo mine > /data/mine")
        volume = self.volume()
        self.apply_moved(MOVED, store=self.db())
        return volume

    def moved(self) -> dict[str, Any]:
        """Its container, by the name that it has now."""
        found: dict[str, Any] = self.wire.get(f"/containers/{self.stack}_store/json")
        return found

    def content(self) -> tuple[str, str]:
        """The volume of `store`, and what is in its file."""
        container = self.moved()["Id"]
        return self.volume(container=container), self.inside("cat /data/mine", container)


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, image: str, wire: Wire) -> Iterator[Moving]:
    made = Moving(tmp_path, stack_name, image, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name, "--ignore-missing")
    left = wire.get("/volumes", {"filters": {"label": [f"{STACK}={stack_name}"]}})["Volumes"]
    assert not left, "what bears the stack's label outlives `destroy --volumes`"


def test_a_moved_and_replaced_sandbox_has_them_and_destroy_with_volumes_leaves_nothing(bench: Moving) -> None:
    volume = bench.start_moved()
    said = bench.apply_moved(MOVED, store=bench.db(env={"A": "1"}))
    assert "its volume at /data passes on to the new container" in said
    assert bench.content() == (volume, "mine")
    assert bench.is_empty()
    said = bench.run("destroy", "--yes", "--volumes")
    assert "store:/data" in said
    assert not bench.has(volume)
    assert said.splitlines()[-1] == f"Nothing is left of stack {bench.stack}."


@pytest.mark.parametrize("replaced", [False, True])
def test_a_moved_sandbox_that_was_destroyed_gets_them_again(bench: Moving, replaced: bool) -> None:
    volume = bench.start_moved()
    if replaced:
        bench.apply_moved(store=bench.db(env={"A": "1"}))
    bench.run("destroy", "--yes")
    said = bench.apply_moved(store=bench.db())
    assert f"it gets its volume at /data again, which was kept as {volume}" in said
    assert bench.content() == (volume, "mine")
    assert bench.is_empty()


def test_a_moved_sandbox_whose_container_others_removed_gets_them_again(bench: Moving) -> None:
    volume = bench.start_moved()
    bench.docker("rm", "-f", bench.moved()["Id"])
    bench.apply_moved(store=bench.db())
    assert bench.content() == (volume, "mine")


def test_another_one_of_the_former_name_gets_volumes_of_its_own(bench: Moving) -> None:
    volume = bench.start_moved()
    bench.apply_moved(store=bench.db(), db=bench.db())
    assert bench.content() == (volume, "mine")
    assert bench.is_empty()
    other = bench.volume(container=bench.docker("inspect", "-f", "{{.Id}}", f"{bench.stack}_db"))
    assert other != volume
    bench.run("destroy", "--yes")
    bench.apply_moved(store=bench.db(), db=bench.db())
    assert bench.content() == (volume, "mine")
    assert bench.volume(container=f"{bench.stack}_db") == other


def test_they_follow_more_than_one_move(bench: Moving) -> None:
    volume = bench.start_moved()
    bench.apply_moved([{"from": "store", "to": "base"}], base=bench.db())
    bench.run("destroy", "--yes")
    bench.apply_moved(base=bench.db())
    assert bench.volume(container=f"{bench.stack}_base") == volume
    bench.run("destroy", "--yes", "--volumes")
    assert not bench.has(volume)


def test_a_group_that_grows_from_one_keeps_them(bench: Moving) -> None:
    bench.apply_moved(store=bench.db())
    bench.inside("echo mine > /data/mine", bench.moved()["Id"])
    volume, _ = bench.content()
    bench.apply_moved(store=bench.db(replicas=2))
    assert bench.volume(container=f"{bench.stack}_store-1") == volume
    bench.run("destroy", "--yes")
    bench.apply_moved(store=bench.db(replicas=2))
    assert bench.volume(container=f"{bench.stack}_store-1") == volume
    bench.apply_moved(store=bench.db())
    assert bench.content() == (volume, "mine")
