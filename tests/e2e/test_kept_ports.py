"""A host port that the engine has chosen outlives the container, where nobody else takes it meanwhile."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.test_replace import Bench

pytestmark = pytest.mark.engine

LOOPBACK = "127.0.0.1"


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def write(bench: Bench, version: str, name: str = "web", **more: Any) -> None:
    bench.write({name: {"command": ["sleep", "infinity"], "env": {"V": version}, "ports": [8080]}}, **more)


def port_of(bench: Bench, name: str = "web") -> int:
    ((binding,),) = bench.container(name)["NetworkSettings"]["Ports"].values()
    return int(binding["HostPort"])


def test_a_replacement_keeps_the_number_however_often(bench: Bench) -> None:
    write(bench, "1")
    bench.apply()
    had = port_of(bench)
    for version in ("2", "3"):
        write(bench, version)
        kept = f"the host port stays the same unless somebody takes it meanwhile: {had} for 8080"
        assert kept in bench.run("plan").stdout
        done = bench.run("apply", "--yes")
        assert (done.returncode, port_of(bench)) == (0, had), done.stderr
        assert "is taken" not in done.stderr
        assert bench.is_empty()
        assert bench.run("drift").returncode == 0
    assert bench.run("apply", "--yes", "--replace", "web").returncode == 0
    assert port_of(bench) == had
    # Under another name, and made anew for that besides.
    write(bench, "4", "site", moved=[{"from": "web", "to": "site"}])
    bench.apply()
    assert port_of(bench, "site") == had
    assert bench.is_empty()


def test_a_number_that_somebody_takes_meanwhile_becomes_another_one_and_that_is_said(bench: Bench) -> None:
    write(bench, "1")
    bench.apply()
    had = port_of(bench)
    write(bench, "2")
    with Thief(had):
        done = bench.run("apply", "--yes")
    assert done.returncode == 0, done.stderr
    now = port_of(bench)
    assert now != had
    assert f"web: host port {had} is taken, so its port 8080 is {now} now" in done.stderr
    assert bench.is_empty()


def test_a_restart_passes_over_a_number_that_is_taken_by_no_container(bench: Bench) -> None:
    write(bench, "1")
    bench.apply()
    write(bench, "2")
    bench.apply()
    had = port_of(bench)
    with socket.socket() as taken:
        with suppress(OSError):
            # The engine goes on with this one.
            taken.bind((LOOPBACK, had + 1))
            taken.listen()
        done = bench.run("restart", "web")
        assert done.returncode == 0, done.stderr
        assert port_of(bench) not in (had, had + 1)
        assert bench.run("stop", "web").returncode == 0
        assert bench.run("start", "web").returncode == 0


def test_an_old_one_that_serves_again_under_another_number_says_so(bench: Bench) -> None:
    write(bench, "1")
    bench.apply()
    had, old = port_of(bench), bench.container("web")["Id"]
    bench.write({"web": {"command": ["sh", "-c", "exit 3"], "ports": [8080]}})
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    now = port_of(bench)
    assert bench.container("web")["Id"] == old
    moved = f", and its port 8080 is {now} now" if now != had else ""
    said = re.search(r"the old container serves again(.*)", done.stderr)
    assert said, done.stderr
    assert said[1] == moved


def test_a_container_whose_host_port_is_a_range_is_described(bench: Bench, stack_name: str, base_image: str) -> None:
    body = {
        "Image": base_image,
        "Cmd": ["sleep", "infinity"],
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": LOOPBACK, "HostPort": "41000-41900"}]}},
    }
    made = bench.wire.post("/containers/create", body, {"name": f"{stack_name}-range"})["Id"]
    try:
        bench.wire.post(f"/containers/{made}/start")
        done = bench.run("import", "container", f"{stack_name}-range", "--stdout")
        assert done.returncode == 0, done.stderr
        assert re.search(r"ports:\s*\n\s*- 80\b|ports: \[80\]", done.stdout), done.stdout
    finally:
        bench.wire.delete(f"/containers/{made}", {"force": True})


class Thief:
    """Takes the host port as soon as nobody has it."""

    def __init__(self, port: int) -> None:
        self._port, self._over, self._thread = port, threading.Event(), threading.Thread(target=self._try)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _try(self) -> None:
        while not self._over.wait(0.001):
            with socket.socket() as taken:
                try:
                    taken.bind((LOOPBACK, self._port))
                    taken.listen()
                except OSError:
                    continue
                self._over.wait()


def test_whoever_starts_one_again_is_told_where_its_port_is_now(bench: Bench) -> None:
    upload = {"content": "1", "target": "/etc/one", "on_change": "restart"}
    web = {"command": ["sleep", "infinity"], "ports": [8080], "uploads": [upload]}
    bench.write({"web": web})
    bench.apply()
    for words in (["restart", "web"], ["stop", "web"], ["start", "web"], ["restart", "--all", "--json"]):
        had = port_of(bench) if words[0] == "restart" else 0
        done = bench.run(*words)
        assert done.returncode == 0, done.stderr
        if words[0] == "stop":
            continue
        now = port_of(bench)
        line = f"web: port 8080/tcp is reached at {LOOPBACK}:{now} now."
        if "--json" in words:
            told = [d["ports"][0]["place"] for d in map(json.loads, done.stdout.splitlines()) if d["event"] == "ports"]
            assert told == ([f"{LOOPBACK}:{now}"] if now != had else [])
        else:
            assert done.stdout.splitlines()[-1] == line if now != had else line not in done.stdout
    bench.write({"web": {**web, "uploads": [{**upload, "content": "2"}]}})
    had = port_of(bench)
    done = bench.run("apply", "--yes")
    now = port_of(bench)
    assert now == had or f"web: port 8080/tcp is reached at {LOOPBACK}:{now} now." in done.stdout
    bench.write({"web": {**web, "ports": ["18080:8080"]}})
    bench.apply()
    assert "is reached at" not in bench.run("restart", "web").stdout
