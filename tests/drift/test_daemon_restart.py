"""After the engine was restarted, what came back by itself is no drift."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import negotiate
from nexusctl.engine.docker.exec.exec import run
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH, read_listener
from tests.daemon.layers import lay_images
from tests.daemon.test_engine_daemon import Second, second
from tests.drift.scene import Scene, findings, lay_out

__all__ = ["second"]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]

PIN = "7\u00fc$x\n"

STACK = """
name: restarted
volumes: {data: {}}
networks: {back: {internal: true}}
secrets: {pin: {file: ./pin.txt, trim: false}}
sandboxes:
  files:
    image: IMAGE
    command: [sleep, infinity]
    uploads:
      - {source: ./src, target: /srv/app}
      - {content: "x", target: /etc/x.conf, owner: "33:33", mode: "0600"}
    volumes: ["data:/srv/app/data"]
    restart: always
  limits:
    image: IMAGE
    command: [sleep, infinity]
    resources: {memory: 64m, cpus: 0.5, pids: 50}
    networks: [back, default]
    ports: [8080]
    restart: unless-stopped
  probed:
    image: IMAGE
    command: [sleep, infinity]
    health: {command: [test, -e, /etc/passwd], interval: 1s}
    startup: touch /run/started
    restart: always
  alone:
    image: IMAGE
    command: [sleep, infinity]
    networks: []
    restart: always
  secret:
    image: IMAGE
    command: [sleep, infinity]
    user: daemon
    secrets: [pin]
    restart: always
  task:
    image: IMAGE
    kind: task
    command: ["true"]
"""


def test_a_restart_of_the_engine_is_no_drift(second: Second, wire: Wire, base_image: str, tmp_path: Path) -> None:
    lay_images(wire, second.folder / "data", base_image)
    assert second.start().returncode == 0
    other = Wire(negotiate(Endpoint(url=second.url, source="test")))
    stack = STACK.replace("IMAGE", base_image)
    lay_out(tmp_path, {"src/a.txt": "a\n", "src/b/c.txt": "c\n", "pin.txt": PIN, "nexus.yaml": stack})
    scene = Scene(other, tmp_path / "nexus.yaml")
    try:
        scene.apply()
        scene.file.write_text(scene.file.read_text().replace("64m", "96m"))
        scene.apply()
        assert findings(scene.plan()) == set()
        restart(second, scene)
        assert findings(scene.plan()) == set()
        assert findings(scene.drift()) == set()
        assert read_secret(scene) == PIN
        other.post("/containers/restarted_secret/restart", query={"t": 0})
        assert read_secret(scene) == PIN
        assert findings(scene.plan()) == set()
    finally:
        scene.destroy()


def read_secret(scene: Scene) -> str:
    """What the user of the sandbox reads in the file, which is for nobody else."""
    said = bytearray()
    script = 'stat -c "%a %U" /run/secrets/pin; cat /run/secrets/pin'
    run(scene.wire, "restarted_secret", ("sh", "-c", script), user="daemon", on_output=said.extend)
    mode, _, text = said.decode().partition("\n")
    assert mode == "400 daemon"
    return text


def restart(second: Second, scene: Scene) -> None:
    """Stop the engine in the ordinary way, start it, and wait for what it starts by itself."""
    before = read_listener(str(second.socket))
    assert second.stop().returncode == 0
    assert second.start().returncode == 0
    assert read_listener(str(second.socket)) != before
    for _ in range(4800):
        live = scene.engine.observe(scene.stack)
        if all(found.state == "running" or found.sandbox == "task" for found in live.sandboxes):
            return
        time.sleep(0.1)
    pytest.fail(f"not all came back: {[(found.sandbox, found.state) for found in live.sandboxes]}")
