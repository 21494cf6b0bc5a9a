"""An engine behind TCP with TLS: a real daemon that wants to see certificates, and the words for all that may be wrong.

The daemon has a network namespace of its own, so that it leaves the firewall and the bridge of this machine alone.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nexusctl.engine.command import Command
from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import FOREVER, Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.docker.exec.exec import TIMED_OUT
from nexusctl.engine.docker.exec.streams import execute
from nexusctl.engine.docker.host.decide import Target
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from nexusctl.engine.docker.host.process import compose_command, compose_config, forget, state_folder
from nexusctl.errors import EngineError, EngineUnreachable
from tests.daemon.layers import lay_images
from tests.daemon.test_engine_daemon import unmount_below
from tests.engine.docker.authority import Authority

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
pytestmark = needs_openssl

PORT = 2376

# The socket that it accepts on is one of this machine, those that it opens are in the daemon's network namespace.
FORWARD = """
import socket, sys, threading
server = socket.socket(fileno=int(sys.argv[1]))
def pump(one, other):
    try:
        while data := one.recv(1 << 16):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass
while True:
    near, _ = server.accept()
    far = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""

STACK = """
name: far
volumes: {data: }
secrets: {pin: {env: PIN}}
sandboxes:
  db:
    image: IMAGE
    command: [sleep, infinity]
    networks: [default]
    uploads: [{source: ./src, target: /srv}]
    volumes: ["data:/data"]
    secrets: [pin]
    health: {command: [test, -e, /srv/a.txt], interval: 1s}
  web: {image: IMAGE, command: [sh, -c, "echo hello; exec sleep infinity"], depends_on: [db]}
"""


class Far:
    """The daemon, and the folders of whoever may and may not speak to it."""

    def __init__(self, folder: Path, authority: Authority, port: int) -> None:
        self.folder, self.authority = folder, authority
        self.url = f"tcp://127.0.0.1:{port}"
        self.mine = authority.issue(folder / "mine")

    def environ(self, folder: Path, url: str = "") -> dict[str, str]:
        return {"DOCKER_HOST": url or self.url, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(folder)}

    def refusal(self, folder: Path, url: str = "") -> EngineUnreachable:
        """How a call with the certificates in `folder` ends."""
        with pytest.raises(EngineUnreachable) as caught:
            connect(self.environ(folder, url))
        return caught.value


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory, wire: Wire, base_image: str) -> Iterator[Far]:
    if os.geteuid() != 0 or not (dockerd := shutil.which("dockerd", path=DAEMON_PATH)):
        pytest.skip("starting a daemon takes root and a dockerd")
    folder = tmp_path_factory.mktemp("t")
    authority = Authority(folder / "authority")
    own = authority.issue(folder / "engine", server="IP:127.0.0.1,DNS:engine.test")
    target = Target(socket=str(folder / "engine.sock"), data_root=str(folder / "data"))
    lay_images(wire, folder / "data", base_image)
    state_folder(target).mkdir(parents=True, exist_ok=True, mode=0o700)
    certificates = {"tlscacert": "ca.pem", "tlscert": "cert.pem", "tlskey": "key.pem"}
    config = {
        **compose_config(target),
        "hosts": [target.url, f"tcp://127.0.0.1:{PORT}"],
        "tlsverify": True,
        **{option: str(own / name) for option, name in certificates.items()},
    }
    (state_folder(target) / "daemon.json").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log, socket.create_server(("127.0.0.1", 0)) as server:
        daemon = subprocess.Popen(
            compose_command(dockerd, target, beside=True),
            env={**os.environ, "PATH": DAEMON_PATH},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        forward = ["nsenter", f"--net=/proc/{daemon.pid}/ns/net", sys.executable, "-c", FORWARD]
        try:
            while not Path(target.socket).exists():
                assert daemon.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            forwarder = subprocess.Popen([*forward, str(server.fileno()), str(PORT)], pass_fds=[server.fileno()])
            place = Far(folder, authority, server.getsockname()[1])
            try:
                wait_for(place)
                yield place
            finally:
                forwarder.kill()
                forwarder.wait()
        finally:
            daemon.terminate()
            daemon.wait(240)
            unmount_below(folder)
            forget(target)


def wait_for(place: Far) -> None:
    for _ in range(2400):
        with suppress(EngineUnreachable):
            connect(place.environ(place.mine))
            return
        time.sleep(0.1)
    raise AssertionError((place.folder / "log").read_text())


@pytest.mark.engine
def test_a_whole_stack_is_made_looked_at_and_removed_over_tls(far: Far, base_image: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.txt").write_bytes(os.urandom(3 << 20))
    (tmp_path / "nexus.yaml").write_text(STACK.replace("IMAGE", base_image))

    def nexusctl(*words: str, code: int = 0, given: bytes = b"") -> bytes:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "nexusctl"), *words],
            cwd=tmp_path,
            env={**os.environ, **far.environ(far.mine), "PIN": "4711"},
            input=given,
            capture_output=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    try:
        nexusctl("apply", "--yes")
        nexusctl("plan", "--deep", "--detailed-exitcode")
        assert nexusctl("exec", "db", "cat", "/run/secrets/pin") == b"4711"
        assert nexusctl("exec", "db", "sh", "-c", "cat /srv/a.txt") == (tmp_path / "src" / "a.txt").read_bytes()
        assert nexusctl("logs", "web").endswith(b"hello\n")
        given = os.urandom(5 << 20)
        assert nexusctl("exec", "db", "cat", given=given) == given
        (tmp_path / "src" / "a.txt").write_text("another\n")
        nexusctl("apply", "--yes")
        assert nexusctl("exec", "db", "cat", "/srv/a.txt") == b"another\n"
    finally:
        nexusctl("destroy", "--yes", "--volumes")


@pytest.mark.engine
def test_what_is_wrong_with_the_certificates_is_said_with_what_to_do(far: Far, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    untrusting = stranger.issue(tmp_path / "untrusting")
    refused = far.refusal(untrusting)
    assert f"signed by nobody in `{untrusting}/ca.pem`" in refused.summary
    assert refused.diagnostics[0].hint == "put the ca.pem of this engine there"

    (untrusting / "ca.pem").write_bytes(far.authority.certificate.read_bytes())
    refused = far.refusal(shutil.copytree(untrusting, tmp_path / "foreign"))
    assert f"it does not take `{tmp_path}/foreign/cert.pem`" in refused.summary

    refused = far.refusal(far.authority.issue(tmp_path / "over", until="20210101000000Z"))
    assert f"`{tmp_path}/over/cert.pem`" in refused.summary
    assert refused.diagnostics[0].hint

    port = far.url.rpartition(":")[2]
    refused = far.refusal(far.mine, f"tcp://localhost:{port}")
    assert "its certificate is not for `localhost`" in refused.summary
    assert "subjectAltName" in str(refused.diagnostics[0].hint)

    nobody = tmp_path / "nobody"
    nobody.mkdir()
    assert f"there is no file `{nobody}/ca.pem`" in far.refusal(nobody).summary
    (nobody / "ca.pem").write_bytes(far.authority.certificate.read_bytes())
    refused = far.refusal(shutil.copytree(nobody, tmp_path / "nameless"))
    assert "it wants to see a certificate of yours, and there is none" in refused.summary
    assert f"put cert.pem and key.pem into `{tmp_path}/nameless`" in str(refused.diagnostics[0].hint)


@pytest.mark.engine
def test_a_daemon_with_tls_that_is_spoken_to_without_says_so(far: Far) -> None:
    with pytest.raises(EngineUnreachable) as caught:
        connect({"DOCKER_HOST": far.url, "HOME": str(far.folder)})
    assert "HTTPS server" in caught.value.summary
    assert "DOCKER_CERT_PATH" in str(caught.value.diagnostics[0].hint)


@pytest.mark.engine
def test_input_and_output_go_both_ways_at_once_and_are_cut_in_time(far: Far, base_image: str) -> None:
    there = connect(far.environ(far.mine))
    made = there.post("/containers/create", {"Image": base_image, "Cmd": ["sleep", "infinity"]}, {"name": "both"})
    there.post("/containers/both/start")
    try:
        given, taken = os.urandom(8 << 20), io.BytesIO()
        command = Command(argv=("cat",), stdin=io.BytesIO(given), stdout=taken, stderr=io.BytesIO())
        assert execute(there, made["Id"], command) == 0
        assert taken.getvalue() == given
        silent = Command(argv=("sleep", "1000"), stdout=io.BytesIO(), stderr=io.BytesIO(), timeout=1.0)
        assert execute(there, made["Id"], silent) == TIMED_OUT
    finally:
        there.delete("/containers/both", {"force": True})


@pytest.mark.parametrize(
    ("since", "until", "server", "said"),
    [
        ("20200101000000Z", "20210101000000Z", "IP:127.0.0.1", "its certificate has expired"),
        ("20480101000000Z", "", "IP:127.0.0.1", "its certificate is not valid yet"),
        ("20200101000000Z", "", "DNS:elsewhere.test", "its certificate is not for `127.0.0.1`"),
    ],
)
def test_a_certificate_that_is_not_right_is_refused_and_told(
    since: str, until: str, server: str, said: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "authority")
    theirs = authority.issue(tmp_path / "theirs", server=server, since=since, until=until)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs / "cert.pem", theirs / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=shake_hands, args=(listener, context), daemon=True).start()
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(EngineError) as caught:
            connect({"DOCKER_HOST": url, "DOCKER_CERT_PATH": str(authority.issue(tmp_path / "mine"))})
    assert said in caught.value.summary
    assert caught.value.diagnostics[0].hint


@pytest.mark.engine
def test_an_engine_of_this_machine_needs_nothing_of_it(wire: Wire) -> None:
    look = "connect().get('/info'); print(*sys.modules)"
    ask = f"import sys; from nexusctl.engine.docker.client.endpoint import connect; {look}"
    done = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True)
    assert "nexusctl.engine.docker.client.client" in done.stdout.split()
    assert not {"ssl", "_ssl", "nexusctl.engine.docker.client.tls"} & set(done.stdout.split())


def test_whoever_reads_while_another_writes_gets_all_of_it_and_its_end(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    theirs = authority.issue(tmp_path / "theirs", server="IP:127.0.0.1")
    given = os.urandom(4 << 20)
    with run_echo(theirs) as port:
        endpoint = Endpoint(url=f"tcp://127.0.0.1:{port}", source="", tls=str(authority.issue(tmp_path / "mine")))
        for _ in range(5):
            with Wire(endpoint).open("POST", "/echo", timeout=FOREVER) as answer:
                writer = threading.Thread(target=send_all, args=(answer, given))
                writer.start()
                assert answer.read() == given
                writer.join()


def test_output_that_breaks_off_is_not_taken_for_all_of_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    theirs = authority.issue(tmp_path / "theirs", server="IP:127.0.0.1")
    with run_echo(theirs, "the connection only") as port:
        endpoint = Endpoint(url=f"tcp://127.0.0.1:{port}", source="", tls=str(authority.issue(tmp_path / "mine")))
        with Wire(endpoint).open("POST", "/echo", timeout=FOREVER) as answer:
            send_all(answer, b"some of it")
            with pytest.raises(EngineUnreachable, match="it hung up"):
                answer.read()


# In a process of its own, so that it takes turns with the test at any place and not where Python lets it.
ECHO = """
import socket, ssl, sys
listener = socket.socket(fileno=int(sys.argv[1]))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2] + "/cert.pem", sys.argv[2] + "/key.pem")
while True:
    plug = context.wrap_socket(listener.accept()[0], server_side=True)
    try:
        plug.recv(65536)
        plug.sendall(b"HTTP/1.1 101 UPGRADED\\r\\n\\r\\n")
        while data := plug.recv(65536):
            plug.sendall(data)
        if sys.argv[3] == "all":
            plug.unwrap()
    except OSError:
        pass
    plug.close()
"""


@contextmanager
def run_echo(theirs: Path, ended: str = "all") -> Iterator[int]:
    """A server that hands the connection over and gives back what it gets; the port. `ended` is what it closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = [sys.executable, "-c", ECHO, str(listener.fileno()), str(theirs), ended]
        server = subprocess.Popen(words, pass_fds=[listener.fileno()])
        try:
            yield listener.getsockname()[1]
        finally:
            server.kill()
            server.wait()


def send_all(answer: Answer, data: bytes) -> None:
    with suppress(OSError):
        answer.send(data)
        answer.send_end()


def shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        plug, _ = listener.accept()
        context.wrap_socket(plug, server_side=True)


def test_an_engine_without_tls_is_told_apart_from_a_silent_one(tmp_path: Path) -> None:
    mine = Authority(tmp_path / "authority").issue(tmp_path / "mine")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer_plainly, args=(listener,), daemon=True).start()
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(EngineUnreachable) as caught:
            connect({"DOCKER_HOST": url, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(mine)})
    assert "it does not speak TLS there" in caught.value.summary


def answer_plainly(listener: socket.socket) -> None:
    with suppress(OSError):
        plug, _ = listener.accept()
        plug.recv(100)
        plug.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        plug.recv(1000)


@pytest.mark.parametrize("wrong", ["no certificate", "another key", "a key with a password"])
def test_files_that_are_no_certificates_are_named(wrong: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    mine = authority.issue(tmp_path / "mine")
    named = mine / "key.pem"
    if wrong == "no certificate":
        named = mine / "ca.pem"
        named.write_text("hello\n")
    elif wrong == "another key":
        named.write_bytes((authority.issue(tmp_path / "other") / "key.pem").read_bytes())
    else:
        locked = tmp_path / "locked.pem"
        subprocess.run(
            ["openssl", "rsa", "-aes256", "-passout", "pass:x1234", "-in", str(named), "-out", str(locked)],
            check=True,
            capture_output=True,
        )
        named.write_bytes(locked.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(EngineUnreachable) as caught:
        connect({"DOCKER_HOST": f"tcp://127.0.0.1:{listener.getsockname()[1]}", "DOCKER_CERT_PATH": str(mine)})
    assert f"`{named}`" in caught.value.summary
    assert caught.value.diagnostics[0].hint
