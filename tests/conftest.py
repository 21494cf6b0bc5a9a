"""What every test on the real engine needs: the way to it, an image, and names that nobody else has."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.endpoint import connect
from nexusctl.engine.docker.wire import Wire
from nexusctl.errors import NotFound

BASE_IMAGE = "nexusctl-test/base:1"


@pytest.fixture(scope="session")
def wire() -> Wire:
    """The way to the engine that the tests run on; without one they fail and say what to do."""
    return connect()


@pytest.fixture(scope="session")
def base_image(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian with bash, tar and perl, made once from the distribution's packages and kept on the engine."""
    try:
        wire.get(f"/images/{BASE_IMAGE}/json")
    except NotFound:
        import_base_image(wire, tmp_path_factory.mktemp("base") / "base.tar")
    return BASE_IMAGE


@pytest.fixture
def stack_name() -> str:
    return f"test-{uuid.uuid4().hex[:10]}"


def import_base_image(wire: Wire, tar: Path) -> None:
    if not shutil.which("mmdebstrap"):
        pytest.fail("the tests' base image is made by mmdebstrap: `apt-get install mmdebstrap`")
    subprocess.run(["mmdebstrap", "--variant=minbase", "bookworm", str(tar)], check=True)
    repository, _, tag = BASE_IMAGE.rpartition(":")
    query = {"fromSrc": "-", "repo": repository, "tag": tag}
    with wire.open("POST", "/images/create", query, _read(tar), content_type="application/x-tar") as answer:
        answer.read()
    tar.unlink()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            yield data
