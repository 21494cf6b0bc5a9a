"""What outputs come to before and after the sandboxes that they refer to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.api.outputs import read_output
from nexusctl.config.load import load
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import InputError
from nexusctl.model.secret import REDACTED
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.outputs import find_secrets, resolve_outputs
from nexusctl.plan.commands.status import summarize
from nexusctl.render.outputs import render_outputs
from tests.plan.live_file import as_applied

FILE = """
name: demo
variables: {key: {sensitive: true, default: s3cr3t}}
sandboxes:
  api: {image: debian, ports: ["8080:80", "0.0.0.0:9090:90"], health: {http: {port: 90}}}
  dns: {image: debian, ports: ["[::1]:5353:53/udp", "53:53"]}
outputs:
  endpoint: ${sandbox.api.endpoint}
  host: ${sandbox.api.host}
  port: ${sandbox.api.port.80}
  dns: ${sandbox.dns.endpoint}
  all: {value: {ports: ["${sandbox.api.port.80}", "${sandbox.dns.port.53}"], text: "port ${sandbox.api.port.90}"}}
  login: {value: "user:${var.key}", sensitive: true}
"""


def read(folder: Path) -> Stack:
    path = folder / "nexus.yaml"
    path.write_text(FILE)
    return load(path)


def test_running_sandboxes_answer_with_where_this_machine_reaches_them(tmp_path: Path) -> None:
    stack = read(tmp_path)
    found = resolve_outputs(stack.outputs.values(), summarize(stack, as_applied(stack), 0.0))
    assert {value.output.name: value.value for value in found} == {
        "endpoint": "http://127.0.0.1:9090",
        "host": "127.0.0.1",
        "port": 8080,
        "dns": "udp://[::1]:5353",
        "all": {"ports": [8080, 5353], "text": "port 9090"},
        "login": REDACTED,
    }


def test_what_does_not_run_is_not_known(tmp_path: Path) -> None:
    stack = read(tmp_path)
    live = as_applied(stack)
    stopped = replace(live, sandboxes=tuple(replace(one, state="exited") for one in live.sandboxes))
    for state in (stopped, replace(live, sandboxes=())):
        found = resolve_outputs(stack.outputs.values(), summarize(stack, state, 0.0))
        assert {value.output.name: value.value for value in found if value.known} == {"login": REDACTED}


def test_what_the_file_leaves_out_is_not_promised_for_after_an_apply(tmp_path: Path) -> None:
    path = tmp_path / "nexus.yaml"
    left_out = "sandboxes: {api: {image: debian, ports: ['80'], replicas: 0}, ci: {image: debian, profiles: [ci]}}\n"
    outputs = "outputs: {a: '${sandbox.api.endpoint}', c: '${sandbox.ci.port.80}'}\n"
    path.write_text(f"name: demo\n{left_out}{outputs}")
    stack = load(path)
    found = resolve_outputs(stack.outputs.values(), summarize(stack, as_applied(stack), 0.0))
    assert render_outputs(found) == "a = (none: api is left out)\nc = (none: ci is left out)\n"
    with pytest.raises(InputError) as caught:
        read_output(MemoryEngine(), stack, "a")
    assert "`replicas`" in caught.value.diagnostics[0].hint


def test_a_secret_is_told_only_by_whoever_has_it(tmp_path: Path) -> None:
    stack = read(tmp_path)
    login = stack.outputs["login"]
    assert find_secrets(login.value) == {"var.key"}
    (found,) = resolve_outputs([login], (), lambda use: f"<{use.secret}>")
    assert found.value == "user:<var.key>"
    assert find_secrets(stack.outputs["all"].value) == frozenset()
