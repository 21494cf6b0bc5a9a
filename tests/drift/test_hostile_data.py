"""What is read back from an engine may be anything: a command says what it cannot read, and goes on with the rest."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.engine_names import lock_name
from tests import prestarted
from tests.drift.scene import Scene, lay_out

engine = pytest.mark.engine

STACK = """
name: NAME
sandboxes:
  sound:
    image: IMAGE
    command: [sleep, infinity]
    networks: []
    uploads: [{source: ./src, target: /srv/app, owner: games}]
"""

NESTED = "[" * 20_000
RECORDS = {
    "nested": NESTED,
    "empty": "{}",
    "list": "[]",
    "version": '{"version": "1", "sandbox": {}}',
    "texts": json.dumps({"version": 1, "sandbox": dict.fromkeys(("name", "group", "image", "env", "uploads"), "x")}),
    "numbers": json.dumps(
        {"version": 1, "sandbox": {"name": "n", "group": "g", "image": "i", "ports": [{"container": 1e308}]}}
    ),
    "upwards": json.dumps(
        {
            "version": 1,
            "sandbox": {
                "name": "n",
                "group": "g",
                "image": "i",
                "uploads": [{"target": "/srv", "files": [{"path": "../../x", "mode": 493, "digest": ""}]}],
            },
        }
    ),
    "mounts": json.dumps({"version": 1, "sandbox": {"name": "n", "group": "g", "image": "i", "mounts": [None, 7]}}),
}


@pytest.fixture
def scene(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Scene]:
    lay_out(tmp_path, {"src/a": "a\n"})
    (tmp_path / "nexus.yaml").write_text(
        STACK.replace("NAME", f"forged-{uuid4().hex[:8]}").replace("IMAGE", base_image)
    )
    made = Scene(wire, tmp_path / "nexus.yaml")
    name = made.stack.name
    made.apply()
    try:
        yield made
    finally:
        for key in RECORDS:
            made.remove_container(f"{name}_{key}")
        made.engine.unlock(name)
        made.destroy()


def run(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return prestarted.run(
        [sys.executable, "-m", "nexusctl", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environ},
    )


@engine
def test_a_record_that_is_none_breaks_no_command_and_hides_no_other_sandbox(scene: Scene, base_image: str) -> None:
    name, folder = scene.stack.name, scene.file.parent
    for key, record in RECORDS.items():
        marks = {labels.STACK: name, labels.ROLE: "sandbox", labels.SANDBOX: key, labels.RECORD: record}
        body = {"Image": base_image, "Cmd": ["sleep", "1000"], "Labels": marks}
        made = scene.wire.post("/containers/create", body, {"name": f"{name}_{key}"})["Id"]
        scene.wire.post(f"/containers/{made}/start")
    scene.inside("sound", "echo changed >/srv/app/a; sed -i '/^games/d' /etc/passwd; echo games:x:zz:qq >>/etc/passwd")
    codes = {}
    for words in (
        ("plan",),
        ("plan", "--deep", "--json"),
        ("drift",),
        ("drift", "--stack", name),
        ("status",),
        ("status", "--stack", name),
        ("logs", "nested"),
        ("exec", "texts", "true"),
        ("import", "stack", name, "--stdout"),
        ("unlock", name),
    ):
        done = run(folder, *words)
        codes[" ".join(words)] = done.returncode
        assert "bug" not in done.stderr, (words, done.stderr)
        if words == ("drift",):
            assert "/srv/app/a" in done.stdout, "the sound one is looked at"
    assert 70 not in codes.values(), codes
    owner = run(folder, "apply", "--deep", "--yes")
    assert "gives the owner `games` the number 'zz'" in owner.stdout + owner.stderr
    assert run(folder, "destroy", "--yes").returncode == 0


@engine
@pytest.mark.parametrize("since", ["nan", "1e300", "-inf", "x" * 70_000, "²"])
def test_a_lock_of_no_time_is_a_lock(scene: Scene, since: str) -> None:
    name = scene.stack.name
    words = {"owner": "o", "user": "dev", "host": "there", "pid": "²", "command": "apply", "since": since}
    marks = {labels.STACK: name, labels.ROLE: "lock", **{labels.LOCK + key: text for key, text in words.items()}}
    scene.wire.post("/volumes/create", {"Name": lock_name(name), "Labels": marks})
    held = run(scene.file.parent, "apply", "--yes", "--lock-timeout", "0s")
    assert (held.returncode, "dev@there" in held.stderr) == (1, True), held.stderr
    assert run(scene.file.parent, "plan").returncode == 0
    assert run(scene.file.parent, "unlock", name, "--yes").returncode == 0


@pytest.mark.parametrize(
    "host",
    [
        "tcp://:99999",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:x",
        "tcp://[::1",
        "tcp://" + "a" * 300,
        "tcp://" + "a" * 70 + ".example",
        "unix://" + "/x" * 200,
        "unix://",
        "tcp://",
        "://",
        "http://exa mple:1",
    ],
)
def test_a_host_that_is_none_is_named(host: str, tmp_path: Path) -> None:
    done = run(tmp_path, "status", "--stack", "demo", DOCKER_HOST=host)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: ")


class Liar(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    body = b""


class _Answer(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline()
        body = b"OK" if b"_ping" in line else self.server.body  # type: ignore[attr-defined]
        head = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.wfile.write(head + body)


@pytest.mark.parametrize(
    "body", [b"<html>a portal</html>", b"null", b"[]", b"{}", b"7", b"", NESTED.encode(), b'[{"Id": 7}]', b"\xff"]
)
def test_what_is_no_engine_is_named_by_its_address(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "liar.sock"
    with Liar(str(path), _Answer) as server:
        server.body = body
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            done = run(tmp_path, "status", "--stack", "demo", DOCKER_HOST=f"unix://{path}")
        finally:
            server.shutdown()
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(f"error: what the engine at unix://{path} answers to GET /"), done.stderr
