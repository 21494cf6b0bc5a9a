"""Sandboxes whose image has no name, or none any more: it is used and watched over like any other, and stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.pending_changes import REPOSITORY, is_tag, remove_tag
from nexusctl.errors import NotFound
from tests.drift.scene import Scene, findings
from tests.engine.docker.test_courier import Outdated

pytestmark = pytest.mark.engine

STACK = """
name: STACK
sandboxes:
  api: {image: "IMAGE", command: [sleep, infinity], resources: {memory: 64m}}
"""


@pytest.fixture
def nameless(wire: Wire, base_image: str) -> Iterator[str]:
    """The id of an image without a name; what still bears its id at the end is removed."""
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"]})["Id"]
    image = str(wire.post("/commit", query={"container": made})["Id"])
    wire.delete(f"/containers/{made}")
    yield image
    wire.delete(f"/images/{image}", {"force": True})


@pytest.fixture
def make(wire: Wire, nameless: str, stack_name: str, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(wire, tmp_path / "nexus.yaml")
    yield scene
    scene.destroy()


def write(scene: Scene, stack: str, image: str, memory: str = "64m") -> None:
    scene.file.write_text(STACK.replace("STACK", stack).replace("IMAGE", image).replace("64m", memory))


def names(wire: Wire, image: str) -> list[str]:
    return [name for name in wire.get(f"/images/{image}/json")["RepoTags"] or () if not is_tag(name)]


def forget_amendment(scene: Scene) -> None:
    wanted = {"filters": {"label": [f"{labels.ROLE}=amendment", f"{labels.CONTAINER}={scene.id('api')}"]}}
    (amendment,) = scene.wire.get("/volumes", wanted)["Volumes"]
    scene.wire.delete(f"/volumes/{amendment['Name']}")


def test_an_image_that_only_its_id_names_is_used_and_stays_nameless(
    make: Scene, wire: Wire, nameless: str, stack_name: str
) -> None:
    write(make, stack_name, nameless)
    make.apply()
    for memory in ("65m", "66m"):
        write(make, stack_name, nameless, memory)
        make.apply(deep=False)
        assert findings(make.plan()) == set()
    make.destroy()
    assert wire.get(f"/images/{nameless}/json")["RepoTags"] == []


def test_a_lost_amendment_of_one_is_seen_without_a_look_inside(make: Scene, nameless: str, stack_name: str) -> None:
    write(make, stack_name, nameless)
    make.apply()
    write(make, stack_name, nameless, "65m")
    make.apply()
    forget_amendment(make)
    write(make, stack_name, nameless)
    assert findings(make.plan(deep=False)) == {("sandbox api", "update", "", "partial")}
    make.apply(deep=False)
    assert findings(make.plan()) == set()


def test_a_sandbox_whose_image_lost_its_name_still_changes_in_place(
    make: Scene, wire: Wire, nameless: str, stack_name: str, base_image: str
) -> None:
    name = f"{stack_name}/app"
    wire.post(f"/images/{nameless}/tag", query={"repo": name, "tag": "1"})
    try:
        write(make, stack_name, f"{name}:1")
        make.apply()
        write(make, stack_name, f"{name}:1", "65m")
        make.apply()
        wire.post(f"/images/{base_image}/tag", query={"repo": name, "tag": "1"})
        write(make, stack_name, f"{name}:1", "66m")
        assert make.try_apply() == []
        assert make.try_apply() == []
        forget_amendment(make)
        write(make, stack_name, f"{name}:1")
        assert findings(make.plan(deep=False)) == {("sandbox api", "update", "", "partial")}
        make.destroy()
        assert names(wire, nameless) == [], "it is there, as its owner left it"
    finally:
        wire.delete(f"/images/{name}:1")


def test_an_earlier_note_on_one_goes_though_an_image_goes_meanwhile(wire: Wire, nameless: str, stack_name: str) -> None:
    note = f"{REPOSITORY}:{stack_name}_{'0' * 16}_1"
    repository, _, tag = note.rpartition(":")
    wire.post(f"/images/{nameless}/tag", query={"repo": repository, "tag": tag})
    remove_tag(Outdated(wire.endpoint), note)
    assert wire.get(f"/images/{nameless}/json")["RepoTags"] == []
    with pytest.raises(NotFound):
        wire.get(f"/images/{note}/json")
