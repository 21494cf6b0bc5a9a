"""A package that is built from source when it is installed, and what is said where it cannot be."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.e2e.test_replace import NEXUSCTL, Bench
from tests.gates import open_gate

pytestmark = pytest.mark.engine

# It has no builds of its own to fetch, and is small.
NATIVE = "unix-dgram@2.0.6"


@pytest.fixture
def bench(node_image: str, tmp_path: Path, stack_name: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, "", wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def write(bench: Bench, packages: str) -> None:
    text = f"name: {bench.stack}\nsandboxes:\n  box: {{template: node, packages: {packages}}}\n"
    (bench.folder / "nexus.yaml").write_text(text)


def test_with_a_compiler_beside_it_it_is_built_and_can_be_loaded(bench: Bench) -> None:
    write(bench, f"{{npm: [{NATIVE}], apt: [build-essential]}}")
    bench.apply()
    command = ("node", "-e", 'require("unix-dgram"); console.log("loaded")')
    assert run_inside(bench.wire, bench.container("box")["Id"], command).output == "loaded\n"
    assert bench.is_empty()
    assert bench.run("drift").returncode == 0


def test_without_one_the_failure_says_what_it_needs_and_where_it_first_stumbled(bench: Bench) -> None:
    write(bench, f"{{npm: [{NATIVE}]}}")
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert "npm could not install unix-dgram" in done.stderr
    assert "add `apt: [build-essential]`" in done.stderr
    assert "find Python" in done.stderr
    assert "HTTP_PROXY" not in done.stderr


def test_a_failed_image_is_told_when_it_fails(bench: Bench, base_image: str) -> None:
    """While another sandbox is still on its way."""
    write(bench, f"{{npm: [{NATIVE}]}}")
    with (bench.folder / "nexus.yaml").open("a") as file:
        wait = "until test -e /go; do sleep 0.1; done"
        file.write(f"  slow: {{image: {base_image}, kind: task, command: [sh, -c, '{wait}']}}\n")
    process = subprocess.Popen([*NEXUSCTL, "apply", "--yes"], cwd=bench.folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    seen = []
    for line in process.stderr:
        seen.append(line)
        if "find Python" in line:
            break
    assert any("npm could not install unix-dgram" in line for line in seen), seen
    assert process.poll() is None
    assert bench.container("slow")["State"]["Status"] in ("created", "running")
    process.send_signal(signal.SIGINT)
    open_gate(bench.container("slow")["Id"])
    process.communicate(timeout=240)
