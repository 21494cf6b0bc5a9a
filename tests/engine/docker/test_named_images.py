"""The images of a stack are asked for by name: an engine lists all that it has for as long as there are many."""

from __future__ import annotations

import io
import os
import re
import sys
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.named_images import AskedImages, read_images, read_named
from nexusctl.model.engine_names import image_reference
from nexusctl.model.stack import Sandbox, Stack
from tests import prestarted
from tests.engine.workshop import Workshop
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.engine

NEXUSCTL = [sys.executable, "-m", "nexusctl"]


@pytest.fixture
def image(wire: Wire) -> Iterator[tuple[str, str]]:
    """An image of its own: its repository at Docker Hub, by the short name, and its id."""
    name = f"named-{uuid.uuid4().hex[:10]}"
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as tar:
        info = tarfile.TarInfo(name)
        tar.addfile(info)
    data = tape.getvalue()
    query = {"fromSrc": "-", "repo": name, "tag": "1"}
    with wire.open("POST", "/images/create", query, data, content_type="application/x-tar") as answer:
        answer.read()
    yield name, wire.get(f"/images/{name}:1/json")["Id"]
    wire.delete(f"/images/{name}:1", {"force": True})


def test_what_is_asked_for_is_what_a_list_tells(image: tuple[str, str], shop: Workshop, wire: Wire) -> None:
    name, image_id = image
    shop.start(shop.sandbox())
    written = (f"{name}:1", f"docker.io/library/{name}:1", image_id, f"{name}:none", shop.image, "Not A Name")
    sandboxes = {f"s{number}": Sandbox(name=f"s{number}", group="", image=text) for number, text in enumerate(written)}
    stack = Stack(name=shop.stack, sandboxes=sandboxes)
    live = shop.observe().sandboxes
    named = read_named(AskedImages(wire), stack, live)
    listed = read_images(wire.get("/images/json"), stack)
    assert {key: listed[key] for key in named} == named
    wanted = {image_reference(text) for text in written}
    assert wanted & named.keys() == wanted & listed.keys()
    assert {image.id for image in named.values()} >= {found.image_id for found in live}
    assert [named[key].id for key in (f"{name}:1", f"docker.io/library/{name}:1", image_id)] == [image_id] * 3


def test_an_image_without_a_name_is_known_by_its_id_alone(image: tuple[str, str], wire: Wire, shop: Workshop) -> None:
    name, image_id = image
    wire.post(f"/images/{shop.image}/tag", query={"repo": name, "tag": "1"})
    try:
        stack = Stack(
            name="x",
            sandboxes={"a": Sandbox(name="a", group="", image=image_id), "b": Sandbox(name="b", group="", image=name)},
        )
        assert list(read_named(AskedImages(wire), stack, ())) == [image_id]
    finally:
        wire.delete(f"/images/{image_id}")


def test_only_what_removes_all_lists_images(wire: Wire, base_image: str, stack_name: str, tmp_path: Path) -> None:
    text = f"name: {stack_name}\nsandboxes:\n  a:\n    image: {base_image}\n    command: [sleep, infinity]\n"
    (tmp_path / "nexus.yaml").write_text(text)
    with Proxy(tmp_path / "engine.sock", wire.endpoint.url.removeprefix("unix://")) as proxy:
        proxy.holds = lambda request: re.match(r"GET [^ ]*/images/json", request) is not None
        environ = {**os.environ, "DOCKER_HOST": f"unix://{proxy.path}", "DOCKER_CLIENT_TIMEOUT": "20"}
        try:
            looks = ("plan", "apply --yes", "plan", "plan --deep", "status", "drift", "apply --replace a --yes")
            named = ("stop a", "status", "start a", "drift", "kill a")
            for words in (*looks, *(f"{words} --stack {stack_name}" for words in named), "destroy a --yes"):
                command = [*NEXUSCTL, *words.split()]
                done = prestarted.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr
        finally:
            prestarted.run([*NEXUSCTL, "destroy", "--yes"], cwd=tmp_path, check=True, capture_output=True)
