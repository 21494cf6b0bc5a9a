"""Images on an engine of one's own, without a copy of each: its layers are links to those that were kept.

An engine never writes into a layer once it is there. To send it one as `docker save` and `docker load` do takes the
processor six seconds for a Debian, and some thirty engines of tests need one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import negotiate
from tests.alone import alone
from tests.daemon.test_engine_daemon import Second, clear


def lay_images(wire: Wire, data_root: Path, *images: str) -> None:
    """Give an engine that has not been started yet, and is to have its data there, `images` of the one at `wire`."""
    with alone("layers"):
        kept = _keep(wire, images)
        data_root.mkdir(parents=True, exist_ok=True)
        for folder in kept.iterdir():
            alike = folder.stat().st_dev == data_root.stat().st_dev
            subprocess.run(["cp", "--archive", *(["--link"] if alike else []), folder, data_root], check=True)


def _keep(wire: Wire, images: tuple[str, ...]) -> Path:
    """The folder with the layers of `images` as an engine keeps them; made where these images are new."""
    ids = " ".join(wire.get(f"/images/{image}/json")["Id"] for image in images)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = home / "nexusctl-tests" / "layers" / "+".join(image.replace("/", "-").partition(":")[0] for image in images)
    kept = place / hashlib.sha256(ids.encode()).hexdigest()[:16]
    if not kept.exists():
        # Those of images that were made anew since.
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        _make(wire, images, kept)
    return kept


def _make(wire: Wire, images: tuple[str, ...], kept: Path) -> None:
    # A socket's path may have 107 bytes.
    engine = Second(Path(tempfile.mkdtemp(prefix="layers-")))
    try:
        started = engine.start()
        assert started.returncode == 0, started.stderr
        other = Wire(negotiate(Endpoint(url=engine.url, source="test")))
        for image in images:
            copy_image(wire, other, image)
        driver = other.get("/info")["Driver"]
        engine.stop()
        half = kept.with_suffix(".half")
        half.mkdir()
        for name in ("image", driver):
            subprocess.run(["cp", "--archive", engine.folder / "data" / name, half], check=True)
        half.rename(kept)
    finally:
        clear(engine)


def copy_image(wire: Wire, other: Wire, image: str) -> None:
    """As `docker save` and `docker load` do it, to an engine that runs."""
    with wire.open("GET", f"/images/{image}/get") as answer:
        tape = iter(lambda: answer.read(1 << 20), b"")
        other.open("POST", "/images/load", data=tape, content_type="application/x-tar").read()
