"""Where the server and its clients meet: folders, addresses and tokens that are wrong are told with what to type."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from nexusctl.errors import InputError
from nexusctl.mcp.clients import complete_url
from tests.mcp.client import TOKEN, command, environment, http_server, wait_for_address


def run(folder: Path, *words: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if name != "NEXUSCTL_MCP_TOKEN"}
    return subprocess.run(
        [sys.executable, "-m", "nexusctl", "mcp", *words],
        cwd=folder, env={**known, **({"NEXUSCTL_MCP_TOKEN": token} if token is not None else {})},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("words", [(), ("check",), ("config", "claude", "--write"), ("--http", "127.0.0.1:0")])
def test_a_folder_that_is_not_there(tmp_path: Path, words: tuple[str, ...]) -> None:
    more, rest = (words, ()) if "--http" in words else ((), words)
    refused = run(tmp_path, "-f", "no/such/nexus.yaml", *more, *rest)
    assert refused.returncode == 1
    assert f"error: `{tmp_path}/no/such`, where `nexus.yaml` would lie, is not there" in refused.stderr
    assert f"help: `mkdir -p {tmp_path}/no/such` makes it" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run(tmp_path, "-f", "file/nexus.yaml", "check")
    assert (refused.returncode, "is no folder" in refused.stderr) == (1, True), refused.stderr
    folder = run(tmp_path, "-f", ".")
    assert (folder.returncode, "is a directory" in folder.stderr) == (2, True), folder.stderr


@pytest.mark.parametrize("token", ["short", "x" * 15, "two words are no token", "schlüssel-schlüssel"])
def test_a_token_that_could_be_guessed(tmp_path: Path, token: str) -> None:
    refused = run(tmp_path, "--http", "127.0.0.1:0", token=token)
    assert refused.returncode == 1
    assert "error: the token in NEXUSCTL_MCP_TOKEN is too easy to guess: at least 16 characters" in refused.stderr
    assert token not in refused.stderr
    # On stdio nobody needs one.
    assert run(tmp_path, token=token).returncode == 0


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
def test_who_serves_the_network_is_warned(tmp_path: Path, host: str, warned: bool) -> None:
    log = tmp_path / "log"
    with log.open("w") as errors:
        words = command(tmp_path, "--http", f"{host}:0")
        process = subprocess.Popen(words, env=environment(), stderr=errors, stdout=subprocess.DEVNULL)
    port = wait_for_address(process, log).rpartition(":")[2].partition("/")[0]
    process.send_signal(signal.SIGINT)
    process.wait(240)
    said = log.read_text()
    assert (f"ssh -L {port}:127.0.0.1:{port}" in said) == warned
    assert ("others on the network can read the token" in said) == warned


def test_a_port_that_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(tmp_path, "--http", f"127.0.0.1:{port}", token=TOKEN)
    assert refused.returncode == 1
    assert f"nobody can listen on 127.0.0.1:{port}" in refused.stderr
    assert f"such as `127.0.0.1:{port + 1 if port < 65535 else port - 1}`" in refused.stderr


def test_a_check_says_which_server_to_start_and_which_token_is_missing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = run(tmp_path, "check", "--url", f"127.0.0.1:{port}", token=TOKEN)
    assert f"nobody answers at http://127.0.0.1:{port}/mcp" in nobody.stderr
    assert f"nexusctl mcp --http 127.0.0.1:{port}`" in nobody.stderr
    with http_server(tmp_path) as address:
        none = run(tmp_path, "check", "--url", address)
    assert f"a token is needed at {address}, and none was given" in none.stderr
    assert "export NEXUSCTL_MCP_TOKEN=" in none.stderr


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("127.0.0.1:8765/mcp", "http://127.0.0.1:8765/mcp"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765/mcp"),
        ("localhost:8765/", "http://localhost:8765/mcp"),
        ("https://agents.example.com/team/mcp", "https://agents.example.com/team/mcp"),
        ("[::1]:8765", "http://[::1]:8765/mcp"),
    ],
)
def test_an_address_is_completed(text: str, whole: str) -> None:
    assert complete_url(text) == whole


@pytest.mark.parametrize("text", ["ftp://127.0.0.1/mcp", "http://", "127.0.0.1:http", "a b", "", "http://x:99999/mcp"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        complete_url(text)
    (problem,) = caught.value.diagnostics
    assert problem.summary.endswith("is no address of a server over HTTP")
    assert "http://127.0.0.1:8765/mcp" in (problem.hint or "")


def test_an_entry_has_the_whole_address(tmp_path: Path) -> None:
    assert '"url": "http://127.0.0.1:8765/mcp"' in run(tmp_path, "config", "claude", "--url", "127.0.0.1:8765").stdout


def test_a_server_answers_to_the_names_that_it_was_given_and_says_how_to_give_it_another(tmp_path: Path) -> None:
    good = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {TOKEN}"}
    names = ("--allow-host", "Agents.example.com", "--allow-host", "127.0.0.2")
    # The check is about the connection here.
    (tmp_path / "door.yaml").write_text("tools: [template_list]\n")
    with http_server(tmp_path, "--http", "0.0.0.0:0", *names) as address, httpx2.Client(timeout=60) as http:
        port = httpx2.URL(address).port
        local = f"http://127.0.0.1:{port}/mcp"

        def ask(**headers: str) -> httpx2.Response:
            return http.post(local, json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers={**good, **headers})

        # Behind a proxy with TLS the port is that of the proxy.
        for host in (f"agents.example.com:{port}", "agents.example.com", "agents.example.com:8443", "127.0.0.2:1"):
            assert ask(Host=host).status_code < 403, host
        for page in ("https://agents.example.com", f"http://agents.example.com:{port}"):
            assert ask(Origin=page).status_code < 403, page
        for page in ("https://agents.example.com.evil.example", "http://agents.example.com"):
            assert ask(Origin=page).status_code == 403, page
        assert ask(Host="evil.example", Authorization="Bearer wrong").status_code == 401
        for host in ("evil.example", f"evil.example:{port}", "agents.example.com.evil.example:80"):
            refused = ask(Host=host)
            name = host.partition(":")[0]
            assert refused.status_code == 421
            assert f"does not answer to the name `{name}`" in refused.json()["error"]["message"]
            assert f"`--allow-host {name}`" in refused.json()["error"]["message"]
        assert "--allow-host NAME" in ask(Host="$(id)").json()["error"]["message"]
        unknown = run(tmp_path, "check", "--url", f"http://127.0.0.3:{port}/mcp", token=TOKEN)
        assert f"the server at http://127.0.0.3:{port}/mcp does not answer to the name `127.0.0.3`" in unknown.stderr
        assert "start it with `--allow-host 127.0.0.3`" in unknown.stderr
        known = run(tmp_path, "check", "--url", f"http://127.0.0.2:{port}/mcp", token=TOKEN)
        assert "ok    connect" in known.stdout, known.stderr


@pytest.mark.parametrize("name", ["*", "https://agents.example.com", "agents.example.com:443", "a b", "", "x/mcp"])
def test_what_is_no_name_of_a_host_is_refused(tmp_path: Path, name: str) -> None:
    refused = run(tmp_path, "--http", "127.0.0.1:0", "--allow-host", name, token=TOKEN)
    assert refused.returncode == 2
    assert "is no name of a host; write `agents.example.com`" in refused.stderr


def test_a_name_is_for_a_server_over_http(tmp_path: Path) -> None:
    refused = run(tmp_path, "--allow-host", "agents.example.com")
    assert refused.returncode == 2
    assert "--allow-host needs --http" in refused.stderr


@pytest.mark.parametrize(("names", "said"), [((), True), (("--allow-host", "agents.example.com"), False)])
def test_who_serves_the_network_is_told_which_names_are_known(
    tmp_path: Path, names: tuple[str, ...], said: bool
) -> None:
    with http_server(tmp_path, "--http", "0.0.0.0:0", *names):
        pass
    log = (tmp_path.parent / f"{tmp_path.name}-server.log").read_text()
    assert ("It answers to 127.0.0.1 and localhost alone; `--allow-host NAME`" in log) == said
