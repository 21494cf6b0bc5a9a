"""Which engine is meant: what names it, in the order of the docker command line."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import NEWEST_VERSION, connect, find_endpoint, negotiate, usual_sockets
from nexusctl.errors import EngineUnreachable


def add_context(home: Path, name: str, host: str, *, tls: bool = False) -> str:
    """Write a docker context as `docker context create` does; returns the folder of its certificates."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / digest / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}))
    certificates = home / ".docker" / "contexts" / "tls" / digest / "docker"
    if tls:
        certificates.mkdir(parents=True)
    return str(certificates)


def choose_context(home: Path, name: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("unix:///x/docker.sock", "unix:///x/docker.sock"),
        ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
        ("10.0.0.1:2375", "tcp://10.0.0.1:2375"),
        ("ssh://dev@host:22", "ssh://dev@host:22"),
    ],
)
def test_docker_host_wins_over_everything(host: str, url: str, tmp_path: Path) -> None:
    add_context(tmp_path, "there", "unix:///there.sock")
    choose_context(tmp_path, "there")
    environ = {"HOME": str(tmp_path), "DOCKER_HOST": host, "DOCKER_CONTEXT": "there"}
    assert find_endpoint(environ) == Endpoint(url=url, source="DOCKER_HOST")


def test_certificates_are_taken_from_where_the_environment_says(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "DOCKER_HOST": "tcp://h:2376"}
    assert find_endpoint({**environ, "DOCKER_TLS_VERIFY": "1"}).tls == f"{tmp_path}/.docker"
    assert find_endpoint({**environ, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}).tls == "/certs"
    assert find_endpoint(environ).tls == ""


def test_the_context_in_force_is_read_with_its_certificates(tmp_path: Path) -> None:
    certificates = add_context(tmp_path, "far", "tcp://far:2376", tls=True)
    add_context(tmp_path, "near", "unix:///near.sock")
    choose_context(tmp_path, "near")
    environ = {"HOME": str(tmp_path)}
    assert find_endpoint(environ) == Endpoint(url="unix:///near.sock", source="the docker context `near`")
    far = find_endpoint({**environ, "DOCKER_CONTEXT": "far"})
    assert far == Endpoint(url="tcp://far:2376", source="the docker context `far`", tls=certificates)
    moved = find_endpoint({"HOME": "/nowhere", "DOCKER_CONFIG": f"{tmp_path}/.docker"})
    assert moved.url == "unix:///near.sock"


def test_a_context_that_is_not_there_is_an_error_that_names_who_asked_for_it(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable, match="DOCKER_CONTEXT names the docker context `gone`"):
        find_endpoint({"HOME": str(tmp_path), "DOCKER_CONTEXT": "gone"})
    choose_context(tmp_path, "lost")
    with pytest.raises(EngineUnreachable, match=r"config.json names the docker context `lost`"):
        find_endpoint({"HOME": str(tmp_path)})


def test_a_scheme_that_cannot_be_spoken_is_an_error_that_lists_the_others(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable, match="npipe") as refusal:
        find_endpoint({"HOME": str(tmp_path), "DOCKER_HOST": "npipe:////./pipe/docker_engine"})
    assert "unix://" in (refusal.value.diagnostics[0].hint or "")


def test_podmans_sockets_are_asked_after_dockers() -> None:
    paths = usual_sockets({"HOME": "/home/dev", "XDG_RUNTIME_DIR": "/run/user/7"})
    assert paths[0] == "/var/run/docker.sock"
    assert paths.index("/run/user/7/docker.sock") < paths.index("/run/user/7/podman/podman.sock")
    assert "/home/dev/.colima/default/docker.sock" in paths


def test_a_socket_on_which_nobody_answers_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with pytest.raises(EngineUnreachable, match="nothing listens there") as refusal:
        connect({"HOME": str(tmp_path), "DOCKER_HOST": f"unix://{path}"})
    assert str(path) in str(refusal.value)
    assert "nexusctl engine start" in (refusal.value.diagnostics[0].hint or "")


@pytest.mark.engine
def test_both_sides_speak_the_older_ones_version(wire: Wire) -> None:
    found = negotiate(Endpoint(url=wire.endpoint.url, source="a test"))
    offered = str(wire.get("/version")["ApiVersion"])
    numbers = [tuple(map(int, text.split("."))) for text in (found.version, offered, NEWEST_VERSION)]
    assert numbers[0] == min(numbers[1:])


@pytest.mark.engine
@pytest.mark.skipif(not Path("/var/run/docker.sock").exists(), reason="no engine at the first of the usual sockets")
def test_an_engine_that_was_called_to_be_found_is_not_called_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    dial = Wire.connect

    def count(wire: Wire, timeout: float) -> object:
        called.append(wire.endpoint.url)
        return dial(wire, timeout)

    monkeypatch.setattr(Wire, "connect", count)
    assert connect({"HOME": str(tmp_path)}).endpoint.version
    assert called == ["unix:///var/run/docker.sock"]
