"""The image that tests on the real engine run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from tests.alone import alone

BASE_IMAGE = "nexusctl-test/base:1"


def require_base_image(wire: Wire) -> str:
    """A Debian with bash, tar and perl, made once from the distribution's packages and kept on the engine."""
    with alone("base-image"):
        try:
            wire.get(f"/images/{BASE_IMAGE}/json")
        except NotFound:
            with tempfile.TemporaryDirectory() as folder:
                _import(wire, Path(folder) / "base.tar")
    return BASE_IMAGE


def _import(wire: Wire, tar: Path) -> None:
    if not shutil.which("mmdebstrap"):
        raise AssertionError("the tests' base image is made by mmdebstrap: `apt-get install mmdebstrap`")
    subprocess.run(["mmdebstrap", "--variant=minbase", "bookworm", str(tar)], check=True)
    repository, _, tag = BASE_IMAGE.rpartition(":")
    query = {"fromSrc": "-", "repo": repository, "tag": tag}
    with wire.open("POST", "/images/create", query, _read(tar), content_type="application/x-tar") as answer:
        answer.read()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            yield data
