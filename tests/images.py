"""The images that tests on the real engine run."""

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


BUSYBOX_IMAGE = "nexusctl-test/busybox:1"

_LINK_TOOLS = """
for name in $("$1/bin/busybox" --list); do [ -e "$1/bin/$name" ] || ln -s busybox "$1/bin/$name"; done
mkdir -p "$1/tmp"
"""
_BUSYBOX = ("--variant=extract", "--include=busybox-static", f"--extract-hook={_LINK_TOOLS}")


def require_base_image(wire: Wire) -> str:
    """A Debian with bash, tar and perl, made once from the distribution's packages and kept on the engine."""
    return _require(wire, BASE_IMAGE, ("--variant=minbase",))


def require_busybox_image(wire: Wire) -> str:
    """Nothing but busybox, whose shell is no bash and whose tools are not those of GNU, made as the other one is."""
    return _require(wire, BUSYBOX_IMAGE, _BUSYBOX)


def _require(wire: Wire, image: str, options: tuple[str, ...]) -> str:
    with alone(image.rpartition("/")[2].replace(":", "-")):
        try:
            wire.get(f"/images/{image}/json")
        except NotFound:
            with tempfile.TemporaryDirectory() as folder:
                _import(wire, Path(folder) / "image.tar", image, options)
    return image


def _import(wire: Wire, tar: Path, image: str, options: tuple[str, ...]) -> None:
    if not shutil.which("mmdebstrap"):
        raise AssertionError("the tests' images are made by mmdebstrap: `apt-get install mmdebstrap`")
    subprocess.run(["mmdebstrap", *options, "bookworm", str(tar)], check=True)
    repository, _, tag = image.rpartition(":")
    query = {"fromSrc": "-", "repo": repository, "tag": tag}
    with wire.open("POST", "/images/create", query, _read(tar), content_type="application/x-tar") as answer:
        answer.read()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            yield data
