"""Where ports are reached, as `docker port` says it, and what a browser is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.ranges import make_network

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[Path]:
    """That of a stack which is applied; a test leaves it as it was."""
    place = tmp_path_factory.mktemp("port")
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    boxes = {
        "web": {**box, "ports": [9090, "53/udp", 8080], "replicas": 2},
        "db": {**box, "ports": [5432], "health": {"command": ["true"]}},
        "shut": box,
    }
    write(place, {"name": f"test-{uuid.uuid4().hex[:10]}", "sandboxes": boxes})
    assert run(place, "apply", "--yes").returncode == 0
    yield place
    run(place, "destroy", "--yes")


def write(folder: Path, stack: dict[str, Any]) -> None:
    (folder / "nexus.yaml").write_text(json.dumps(stack))


def read(folder: Path) -> dict[str, Any]:
    stack: dict[str, Any] = json.loads((folder / "nexus.yaml").read_text())
    return stack


def run(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexusctl", *words]
    env = {**os.environ, **environ}
    return prestarted.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_it_says_what_docker_says(folder: Path) -> None:
    command = ["docker", "port", f"{read(folder)['name']}_web-1"]
    docker = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert sorted(run(folder, "port", "web-1").stdout.splitlines()) == sorted(docker.splitlines())
    places = dict(line.split(" -> ") for line in docker.splitlines())
    assert run(folder, "port", "web-1", "53").stdout == f"{places['53/udp']}\n"
    assert len(run(folder, "port", "web").stdout.splitlines()) == 6
    (told,) = json.loads(run(folder, "port", "web-1", "8080", "--json").stdout)["ports"]
    assert (told["place"], told["url"]) == (places["8080/tcp"], f"http://{places['8080/tcp']}")


def test_a_browser_gets_the_lowest_port_that_it_reads(folder: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    said = run(folder, "open", "web-1", BROWSER=str(browser))
    place = run(folder, "port", "web-1", "8080").stdout.strip()
    assert (said.returncode, said.stdout) == (0, f"http://{place}\n")
    assert (tmp_path / "opened").read_text() == f"http://{place}\n"
    assert run(folder, "open", "db").returncode == 2


def test_what_publishes_nothing_says_so(folder: Path) -> None:
    assert "shut does not publish a port" in run(folder, "port", "shut").stderr
    assert "db does not publish port 80" in run(folder, "port", "db", "80").stderr
    assert "web-1, web-2 do not publish port 9" in run(folder, "port", "web", "9").stderr
    run(folder, "stop", "db")
    assert "`nexusctl start db` starts it" in run(folder, "port", "db").stderr
    run(folder, "start", "db")


def test_what_is_published_on_all_addresses_is_reached_by_ipv6_where_it_listens_there(
    tmp_path: Path, stack_name: str, base_image: str
) -> None:
    six = {"image": base_image, "command": ["sleep", "infinity"], "ports": [{"container": 80, "address": "::"}]}
    write(tmp_path, {"name": stack_name, "sandboxes": {"six": six}, "outputs": {"six": "${sandbox.six.endpoint}"}})
    try:
        assert run(tmp_path, "apply", "--yes").returncode == 0
        place = run(tmp_path, "port", "six", "80").stdout.strip()
        assert place.startswith("[::1]:")
        assert run(tmp_path, "output", "six").stdout == f"http://{place}\n"
        subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/::1/{place.rpartition(':')[2]}"], check=True)
    finally:
        run(tmp_path, "destroy", "--yes")


def test_a_plan_warns_of_ports_that_an_internal_network_of_others_publishes_never(
    folder: Path, tmp_path: Path, stack_name: str, wire: Wire
) -> None:
    outer = f"{stack_name}-outer"
    make_network(wire, outer, Internal=True)
    try:
        stack = read(folder)
        stack["networks"] = {"outer": {"external": outer}}
        stack["sandboxes"]["db"]["networks"] = ["outer"]
        write(tmp_path, stack)
        said = run(tmp_path, "plan").stderr
        assert f"warning: db: none of its ports is published, because it is in internal networks only: {outer}" in said
        assert "help: add one that is not internal, such as `default`; siblings reach its ports without" in said
        stack["sandboxes"]["db"]["networks"] = ["outer", "default"]
        write(tmp_path, stack)
        assert "warning" not in run(tmp_path, "plan").stderr
    finally:
        wire.delete(f"/networks/{outer}")
