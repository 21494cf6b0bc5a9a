"""The probe scripts run for real: in a sandbox, and with each tool alone on the search path of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from nexusctl.engine.docker.bodies.health_probe import healthcheck_test, probe_command, probe_script
from nexusctl.model.stack import Health
from tests.engine.workshop import Workshop

HTTP_TOOLS = ("curl", "bash", "wget", "python3", "node", "nc")
TCP_TOOLS = ("bash", "nc", "python3", "node")

UNUSED_PORT = 1

SERVER = r"""
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
  my $line = <$client>;
  my ($status) = $line =~ m{ /(\d+)};
  while (<$client>) { last if /^\r?$/ }
  print $client "HTTP/1.0 $status Whatever\r\nContent-Length: 2\r\nLocation: /200\r\n\r\nok";
  close $client;
}
"""


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []
    headers_seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.headers_seen.append(dict(self.headers))
        status = int(self.path.partition("?")[0].strip("/"))
        self.send_response(status)
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def run_with(tool: str | None, health: Health, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the probe with `tool` as the only program on the path; skips where this machine does not have it."""
    if tool:
        place = shutil.which(tool)
        if place is None:
            pytest.skip(f"no {tool} here")
        (folder / tool).symlink_to(Path(os.path.realpath(place)) if tool != "python3" else Path(_python()))
    env = {"PATH": str(folder), "http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    return subprocess.run(
        ["/bin/sh", "-c", probe_script(health)], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def _python() -> str:
    return subprocess.run(
        ["python3", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("tool", HTTP_TOOLS)
@pytest.mark.parametrize(("status", "passes"), [(200, True), (204, True), (302, True), (404, False), (503, False)])
def test_an_http_probe_passes_for_2xx_and_3xx_with_each_tool(
    tool: str, status: int, passes: bool, port: int, tmp_path: Path
) -> None:
    result = run_with(tool, Health(http_port=port, http_path=f"/{status}"), tmp_path)
    assert (result.returncode == 0) is passes, result
    if not passes:
        assert f":{port}/{status}" in result.stdout


@pytest.mark.parametrize("tool", HTTP_TOOLS)
def test_an_http_probe_fails_where_nothing_listens(tool: str, tmp_path: Path) -> None:
    assert run_with(tool, Health(http_port=UNUSED_PORT), tmp_path).returncode == 1


@pytest.mark.parametrize("tool", HTTP_TOOLS)
def test_a_path_with_odd_letters_arrives_as_it_is(tool: str, port: int, tmp_path: Path) -> None:
    Handler.seen.clear()
    result = run_with(tool, Health(http_port=port, http_path="/200?a=$HOME&b='%22'"), tmp_path)
    assert result.returncode == 0, result
    # Some tools write a quote as %27, which means the same.
    assert [path.replace("%27", "'") for path in Handler.seen] == ["/200?a=$HOME&b='%22'"]


@pytest.mark.parametrize("tool", HTTP_TOOLS)
def test_it_is_asked_as_curl_and_browsers_do(tool: str, port: int, tmp_path: Path) -> None:
    Handler.headers_seen.clear()
    assert run_with(tool, Health(http_port=port, http_path="/200"), tmp_path).returncode == 0
    (headers,) = Handler.headers_seen
    assert headers["Accept"] == "*/*"
    assert headers["Host"] == f"127.0.0.1:{port}"
    assert headers["User-Agent"] == "nexusctl"


@pytest.mark.parametrize("tool", TCP_TOOLS)
def test_a_tcp_probe_tells_whether_something_listens_with_each_tool(tool: str, port: int, tmp_path: Path) -> None:
    assert run_with(tool, Health(tcp_port=port), tmp_path).returncode == 0
    (tmp_path / tool).unlink()
    assert run_with(tool, Health(tcp_port=UNUSED_PORT), tmp_path).returncode == 1


@pytest.mark.parametrize("health", [Health(http_port=80), Health(tcp_port=80)])
def test_an_image_without_any_tool_is_told_what_to_do(health: Health, tmp_path: Path) -> None:
    result = run_with(None, health, tmp_path)
    assert result.returncode == 1
    assert "give `health` a `command`" in result.stdout


def test_a_command_is_run_as_it_stands() -> None:
    health = Health(command=("pg_isready", "-q"))
    assert probe_command(health) == ("pg_isready", "-q")
    assert healthcheck_test(health) == ["CMD", "pg_isready", "-q"]


@pytest.mark.engine
def test_probes_work_in_a_sandbox_by_the_port_and_by_the_engines_own_checks(shop: Workshop) -> None:
    health = Health(http_port=8080, http_path="/200", interval=0.2)
    container_id = shop.start(shop.sandbox(command=("perl", "-e", SERVER), health=health))
    shop.await_condition(container_id, lambda condition: condition.health == "healthy")
    assert shop.engine.probe(container_id, health).exit_code == 0
    assert shop.engine.probe(container_id, Health(tcp_port=8080)).exit_code == 0
    failed = shop.engine.probe(container_id, Health(http_port=8080, http_path="/500"))
    assert (failed.exit_code, "HTTP status 500" in failed.output) == (1, True)
    assert shop.engine.probe(container_id, Health(tcp_port=81)).exit_code == 1


@pytest.mark.engine
def test_a_failing_probes_last_words_are_kept(shop: Workshop) -> None:
    health = Health(http_port=8080, interval=0.2, timeout=60, retries=1)
    container_id = shop.start(shop.sandbox(health=health))
    condition = shop.await_condition(container_id, lambda found: found.health == "unhealthy")
    assert "http://127.0.0.1:8080/" in condition.probe_output
    seen = shop.look(container_id, deep=True).inspection
    assert seen is not None
    assert "http://127.0.0.1:8080/" in seen.probe_output
