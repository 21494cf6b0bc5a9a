"""Which services wait for which, and what profiles turn on, as `docker compose config` says it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nexusctl.api.importing.importing import read_compose, write
from nexusctl.config.load import load
from nexusctl.importers.draft.draft import Draft
from nexusctl.model.load_request import Inputs

PATIENCE = 240
HAS_COMPOSE = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
compose_only = pytest.mark.skipif(not HAS_COMPOSE, reason="docker compose is not installed")

CONDITIONS = {"started": "service_started", "healthy": "service_healthy", "completed": "service_completed_successfully"}

ORDERS = {
    "a list": "depends_on: [db]",
    "a mapping": "depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}",
    "not required": "depends_on: {db: {condition: service_started, required: false}}",
    "restarted with it": "depends_on: {db: {condition: service_started, restart: true}}",
    "said to be required": "depends_on: {db: {condition: service_started, required: true, restart: false}}",
    "links": 'links: [db, "job:work"]',
    "links and depends_on": "{links: [db], depends_on: {db: {condition: service_healthy}}}",
    "the network of another": 'network_mode: "service:db"',
    "the memory of another": 'ipc: "service:db"',
    "the processes of another": 'pid: "service:db"',
    "the volumes of another": "volumes_from: [db, job:ro]",
    "the volumes and the memory of another": '{volumes_from: [db], ipc: "service:db"}',
}
PORTS = {
    "::1": '{target: 80, host_ip: "::1", published: 8080}',
    "[::1]": '{target: 80, host_ip: "[::1]", published: "8080"}',
    "::": '{target: 80, host_ip: "::", published: 8080, protocol: udp}',
    "short": '"[::1]:8080:80"',
    "without a host port": '{target: 80, host_ip: "fe80::1"}',
}
MODES = {"420": "0644", "0644": "0644", "0o644": "0644", "288": "0440", "0440": "0440", "440": "0670"}


@compose_only
@pytest.mark.parametrize("name", ORDERS)
def test_a_service_waits_for_what_compose_says(name: str, tmp_path: Path) -> None:
    said = ORDERS[name][1:-1] if ORDERS[name].startswith("{") else ORDERS[name]
    file = put(
        tmp_path,
        f"services:\n  db: {{image: x, healthcheck: {{test: t}}}}\n  job: {{image: x}}\n  web: {{image: x, {said}}}\n",
    )
    wanted = ask(file)["services"]["web"].get("depends_on", {})
    found = {
        name: {
            "condition": CONDITIONS[wish["condition"]],
            "required": wish.get("required", True),
            **({"restart": True} if wish.get("restart") else {}),
        }
        for name, wish in read(file).document["sandboxes"]["web"]["depends_on"].items()
    }
    assert found == {
        name: {key: value for key, value in wish.items() if value or key != "restart"} for name, wish in wanted.items()
    }


ORDER_ONLY = [
    'links: ["db:other"]', "links: [absent]", 'network_mode: "service:db"', 'ipc: "service:db"', 'pid: "service:db"',
    "volumes_from: [db]", "network_mode: host", 'network_mode: "container:x"',
]  # fmt: skip


@pytest.mark.parametrize("said", ORDER_ONLY)
def test_what_only_keeps_its_order_is_listed(said: str, tmp_path: Path) -> None:
    file = put(tmp_path, f"services:\n  db: {{image: x}}\n  web: {{image: x, {said}}}\n")
    assert f"services.web.{said.partition(':')[0]}" in {leftover.what for leftover in read(file).leftovers}


def test_the_bridge_of_the_engine_is_joined_and_no_network_is_none(tmp_path: Path) -> None:
    services = "  a: {image: x, network_mode: bridge}\n  b: {image: x, network_mode: none}\n"
    draft = read(put(tmp_path, f"services:\n{services}networks: {{bridge: {{}}}}\n"))
    write(draft, tmp_path / "nexus.yaml")
    stack = load(tmp_path / "nexus.yaml")
    (joined,) = stack.sandboxes["a"].networks
    assert (stack.networks[joined].external, stack.sandboxes["b"].networks) == ("bridge", ())
    assert stack.networks["bridge"].external is None


PROFILED = """\
services:
  web: {image: x, depends_on: [debug, db]}
  db: {image: x}
  debug: {image: x, profiles: [debug]}
  tool: {image: x, profiles: [debug, tools], depends_on: [debug]}
  deep: {image: x, profiles: [debug], depends_on: [debug]}
"""


def test_a_dependency_with_a_profile_does_not_refuse_the_import(tmp_path: Path) -> None:
    draft = read(put(tmp_path, PROFILED))
    write(draft, tmp_path / "nexus.yaml")
    assert set(load(tmp_path / "nexus.yaml").sandboxes) == {"web", "db"}
    wishes = {name: its.get("depends_on", {}) for name, its in draft.document["sandboxes"].items()}
    assert wishes["web"] == {"debug": {"condition": "started", "required": False}, "db": {"condition": "started"}}
    assert wishes["tool"] == {"debug": {"condition": "started", "required": False}}
    # Whoever asks for it has the other one as well.
    assert wishes["deep"] == {"debug": {"condition": "started"}}
    listed = [leftover.what for leftover in draft.leftovers]
    assert listed == ["services.web.depends_on.debug", "services.tool.depends_on.debug"]
    assert set(load(Inputs(files=(tmp_path / "nexus.yaml",), profiles=("debug",))).sandboxes) == {
        "web", "db", "debug", "tool", "deep",
    }  # fmt: skip


@compose_only
@pytest.mark.parametrize("profiles", [("debug",), ("*",), ("debug", "tools")], ids=str)
@pytest.mark.parametrize("from_environment", [False, True], ids=["option", "COMPOSE_PROFILES"])
def test_what_a_profile_turns_on_is_there_always(
    profiles: tuple[str, ...], from_environment: bool, tmp_path: Path
) -> None:
    file = put(tmp_path, PROFILED)
    options = [word for name in profiles for word in ("--profile", name)]
    wanted = set(ask(file, *options)["services"])
    if from_environment:
        (tmp_path / ".env").write_text(f"COMPOSE_PROFILES={','.join(profiles)}\n")
    draft = read_compose(file, tmp_path, "", profiles=() if from_environment else profiles)
    assert draft.leftovers == ()
    write(draft, tmp_path / "nexus.yaml")
    assert set(load(tmp_path / "nexus.yaml").sandboxes) == wanted


@compose_only
@pytest.mark.parametrize("name", PORTS)
def test_a_port_on_an_ipv6_address_is_that_of_compose(name: str, tmp_path: Path) -> None:
    file = put(tmp_path, f"services:\n  web: {{image: x, ports: [{PORTS[name]}]}}\n")
    (wanted,) = ask(file)["services"]["web"]["ports"]
    write(read(file), tmp_path / "nexus.yaml")
    (port,) = load(tmp_path / "nexus.yaml").sandboxes["web"].ports
    address = wanted["host_ip"].strip("[]")
    assert (port.address, port.host or "", port.container, port.protocol) == (
        address, int(wanted.get("published") or 0) or "", wanted["target"], wanted["protocol"],
    )  # fmt: skip


@compose_only
@pytest.mark.parametrize("mode", MODES)
def test_the_mode_and_the_owner_of_a_config_are_those_of_compose(mode: str, tmp_path: Path) -> None:
    grant = f'{{source: c, target: /a, mode: {mode}, uid: "103"}}'
    file = put(tmp_path, f"services:\n  web: {{image: x, configs: [{grant}]}}\nconfigs: {{c: {{content: hello}}}}\n")
    (wanted,) = ask(file)["services"]["web"]["configs"]
    draft = read(file)
    write(draft, tmp_path / "nexus.yaml")
    (upload,) = load(tmp_path / "nexus.yaml").sandboxes["web"].uploads
    assert (upload.files[0].mode, upload.owner) == (wanted["mode"], f"{wanted['uid']}:0")
    assert draft.document["sandboxes"]["web"]["uploads"][0]["mode"] == MODES[mode]


def test_a_config_that_compose_writes_is_root_s_and_read_only(tmp_path: Path) -> None:
    text = "services:\n  web: {image: x, user: '7', configs: [c]}\nconfigs: {c: {content: hello}}\n"
    (upload,) = read(put(tmp_path, text)).document["sandboxes"]["web"]["uploads"]
    assert (upload["mode"], upload["owner"]) == ("0444", "root")


@compose_only
def test_what_compose_itself_writes_out_means_the_same(tmp_path: Path) -> None:
    grant = '{source: c, target: /a, mode: 0640, uid: "1", gid: "2"}'
    file = put(tmp_path, f"services:\n  web: {{image: x, configs: [{grant}]}}\nconfigs: {{c: {{content: hello}}}}\n")
    written = subprocess.run(
        ["docker", "compose", "-f", str(file), "config"], capture_output=True, text=True, timeout=PATIENCE, check=True
    ).stdout
    other = put(tmp_path / "out", written)
    assert read(other).document["sandboxes"] == read(file).document["sandboxes"]


def put(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "compose.yaml"
    file.write_text(text if text.startswith("name:") else f"name: x\n{text}")
    return file


def read(file: Path) -> Draft:
    return read_compose(file, file.parent)


def ask(file: Path, *options: str) -> Any:
    """What Compose makes of the file."""
    command = ["docker", "compose", "-f", str(file), *options, "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
