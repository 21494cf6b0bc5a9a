"""An engine on another machine, reached by TCP: secrets get there as on this one, and nothing of them stays here.

The other machine is a second daemon with a /dev/shm of its own, behind a port of this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import negotiate
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH, read_listener
from tests.daemon.layers import lay_images
from tests.daemon.test_engine_daemon import Second, second
from tests.relay import open_relay
from tests.secrets.canaries import hatch
from tests.secrets.test_canary import KEPT, SOURCES, Trail, Watch, hold_inside, leaks, read_inside, source_of
from tests.secrets.vault_server import serve_vault

__all__ = ["second"]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]

BEFORE, AFTER = 4, 5
"""Generations of canaries that no other test puts into the memory of this machine meanwhile."""

APART = 'mount -t tmpfs none /dev/shm && exec "$@"'


class Far(Trail):
    """A trail of commands that reach the engine by TCP."""

    def run(self, *arguments: str, code: int | None = 0, program: str = "", **environ: str) -> bytes:
        return super().run(*arguments, code=code, program=program, DOCKER_HOST=self.wire.endpoint.url, **environ)


@pytest.fixture
def address(second: Second, wire: Wire, base_image: str) -> Iterator[str]:
    """Where the engine of the other machine listens."""
    lay_images(wire, second.folder / "data", base_image)
    start = [str(Path(sys.executable).parent / "nexusctl"), "engine", "start", "--host", second.url]
    start += ["--data-root", str(second.folder / "data")]
    apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c", APART, "sh", *start]
    subprocess.run(apart, check=True, stdin=subprocess.DEVNULL, timeout=300)
    with open_relay(str(second.socket)) as url:
        yield url


def test_secrets_reach_it_and_nothing_of_them_stays_here(
    second: Second, address: str, wire: Wire, base_image: str, tmp_path: Path
) -> None:
    far = Wire(negotiate(Endpoint(url=address, source="test")))
    daemon = read_listener(str(second.socket))
    memory = Path(f"/proc/{daemon}/root/dev/shm/nexusctl")
    with serve_vault() as vault:
        trail = Far(tmp_path / "trail", "far", far, vault)
        trail.folder.mkdir()
        trail.lay_out(base_image, BEFORE)
        watch = Watch(trail)
        watch.start()
        try:
            trail.run("plan", "--out", "first.plan")
            trail.run("apply", "first.plan")
            hold_each(trail, BEFORE)
            far.post("/containers/far_files/restart", query={"t": 0})
            hold_each(trail, BEFORE)
            trail.run("apply", "--yes", "-f", "failing.yaml", code=1)
            trail.lay_out(base_image, AFTER)
            trail.run("apply", "--yes", "--json")
            hold_each(trail, AFTER)
            assert trail.run("plan", "--deep").startswith(b"No changes")
            trail.inspect("applied")
            assert list(memory.iterdir()), "the files lie in the memory of the other machine"
        finally:
            watch.over.set()
            watch.join()
            trail.run("destroy", "--stack", "far", "--yes", "--volumes")
    assert list(memory.iterdir()) == []
    trail.canaries = [*hatch(BEFORE), *hatch(AFTER)]
    for places in (trail.said, trail.engine, trail.files(), memory_of_this_machine()):
        assert leaks(trail, places) == {}
    assert leaks(trail, {"processes": b"\n".join(trail.processes)}) == {}


def hold_each(trail: Trail, generation: int) -> None:
    """Of every source one is where it was meant to be, and only the user of the sandbox can read its file."""
    for canary in hatch(generation)[: len(SOURCES)]:
        hold_inside(trail, canary)
        if source_of(canary) in KEPT:
            assert read_inside(trail, "files", f"stat -c '%a %U' /run/secrets/{canary.name}") == b"400 daemon\n"


def memory_of_this_machine() -> dict[str, bytes]:
    """What lies in this machine's own memory; whatever goes meanwhile is another's."""
    found = {}
    for path in Path("/dev/shm").rglob("*"):
        with suppress(OSError):
            found |= {str(path): path.read_bytes()} if path.is_file() else {}
    return found
