"""Podman speaks Docker's API, and is refused with words before anything rests on its answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.endpoint import connect, find_endpoint
from nexusctl.errors import EngineUnreachable, UnsupportedEngine
from tests import prestarted

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("podman"), reason="no Podman for root here: `apt-get install podman`"
)

STACK = "name: x\nsandboxes: {a: {image: debian:12}}\n"


@pytest.fixture(scope="module")
def podman() -> Iterator[Path]:
    """The socket of a Podman with storage of its own, in a folder with a short name: it takes 50 characters of one."""
    folder = Path(tempfile.mkdtemp(prefix="nexusctl-podman-"))
    path = folder / "podman" / "podman.sock"
    path.parent.mkdir()
    storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
    service = subprocess.Popen(
        ["podman", *storage, "system", "service", "--time=0", f"unix://{path}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not path.exists():
            assert service.poll() is None, "podman has ended"
            time.sleep(0.1)
        yield path
    finally:
        service.terminate()
        service.wait()
        shutil.rmtree(folder)


@pytest.mark.parametrize("verb", ["plan", "apply --yes", "status", "destroy --yes", "drift", "engine start"])
def test_each_verb_names_it_and_the_way_out(podman: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "nexus.yaml").write_text(STACK)
    done = prestarted.run(
        [sys.executable, "-m", "nexusctl", *verb.split()],
        cwd=tmp_path,
        env={**os.environ, "DOCKER_HOST": f"unix://{podman}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "(named by DOCKER_HOST) is Podman " in done.stderr
    assert "help: name a Docker Engine with DOCKER_HOST" in done.stderr


def test_one_at_a_usual_socket_is_passed_over_by_name(podman: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexusctl.engine.docker.client.endpoint.usual_sockets", lambda environ: (str(podman),))
    with pytest.raises(EngineUnreachable, match=r"podman\.sock: Podman [0-9.]+, which nexusctl cannot use"):
        find_endpoint({"HOME": "/nowhere"})


def test_it_is_an_engine_that_is_not_supported(podman: Path) -> None:
    with pytest.raises(UnsupportedEngine):
        connect({"DOCKER_HOST": f"unix://{podman}"})
