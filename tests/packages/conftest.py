"""Images to install into, and an image registry on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from tests.ports import free_port
from tests.templates.recipes import make_image

REGISTRY_CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture(scope="session")
def node_image(wire: Wire) -> str:
    return make_image(wire, "node")


@pytest.fixture(scope="session")
def python_image(wire: Wire) -> str:
    return make_image(wire, "python")


@pytest.fixture
def tag(wire: Wire) -> Iterator[str]:
    """A tag that nobody else has; its image is removed at the end."""
    reference = f"nexusctl-test/env:{uuid.uuid4().hex[:12]}"
    yield reference
    remove_image(wire, reference)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Debian's own registry, with a port and a folder of its own."""
    folder = tmp_path_factory.mktemp("registry")
    port = free_port()
    (folder / "config.yml").write_text(REGISTRY_CONFIG.format(folder=folder / "data", port=port))
    command = [find_registry(), "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        await_answer(f"http://127.0.0.1:{port}/v2/", process)
        yield f"127.0.0.1:{port}"
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait()


def find_registry() -> str:
    if not shutil.which("docker-registry") and os.geteuid() == 0:
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "-qq", "-y", "docker-registry"], env=environ, check=True)
    found = shutil.which("docker-registry")
    if not found:
        pytest.fail("the tests of pulling need Debian's registry: `apt-get install docker-registry`")
    return found


def await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(2400):
        assert process.poll() is None, "the registry did not start"
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the registry does not answer")


def remove_image(wire: Wire, reference: str) -> None:
    with contextlib.suppress(NotFound):
        wire.delete(f"/images/{reference}", {"force": True})


def write_stack(folder: Path, text: str) -> Path:
    path = folder / "nexus.yaml"
    path.write_text(text)
    return path
