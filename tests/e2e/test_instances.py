"""The same stack file several times on one engine: nothing of one meets another, and each goes alone."""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.e2e.test_run import NEXUSCTL, PLAIN, Bench
from tests.ports import free_port

pytestmark = pytest.mark.engine


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    listed = prestarted.run(
        [*NEXUSCTL, "instances", stack_name, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    names = [stack_name, *(one["name"] for one in json.loads(listed.stdout or '{"instances": []}')["instances"])]
    for name in names:
        command = [*NEXUSCTL, "destroy", "--yes", "--volumes", "--ignore-missing", "--stack", name]
        prestarted.run(command, cwd=tmp_path, capture_output=True, check=False)


def write(bench: Bench, port: int) -> None:
    say = "echo $WHO > /data/who; while :; do sleep 0.1; done"
    web = bench.box(
        command=say, ports=[f"{port}:8080"], volumes=["data:/data"], networks=["back", "default"],
        env={"WHO": "${stack.name} ${stack.instance}"},
    )  # fmt: skip
    more = {"volumes": {"data": {}}, "networks": {"back": {"internal": True}}}
    bench.write(outputs={"port": "${sandbox.web.port.8080}"}, more=more, web=web, side=bench.box(depends_on=["web"]))


def instances(bench: Bench) -> list[dict[str, Any]]:
    out, _ = bench.run("instances", bench.stack, "--json")
    found: list[dict[str, Any]] = json.loads(out)["instances"]
    return found


def test_each_has_names_networks_volumes_and_ports_of_its_own_and_goes_alone(bench: Bench) -> None:
    port = free_port()
    write(bench, port)
    ways = {"": [], "one": ["--instance", "one"], "Two/x": ["--instance", "Two/x"]}
    ports, whole = {}, {}
    for name, way in ways.items():
        said = bench.run("apply", "--yes", *way)[0]
        assert (f"host port {port} becomes a free one, as this is an instance" in said) == bool(way)
        assert json.loads(bench.run("plan", "--json", *way)[0])["empty"]
        ports[name] = int(bench.run("output", "port", *way)[0])
        whole[name] = json.loads(bench.run("status", "--json", *way)[0])["stack"]
        said = bench.run("exec", *way, "web", "cat", "/data/who")[0]
        assert said == f"{whole[name]} {whole[name].partition('.')[2]}".rstrip() + "\n"
    assert ports[""] == port
    assert len({*ports.values()}) == 3
    listed = {one["name"]: (one["instance"], one["running"], one["sandboxes"]) for one in instances(bench)}
    assert listed == {whole[name]: (whole[name].partition(".")[2], 2, 2) for name in ("one", "Two/x")}
    # A stack stands for its instances too, an instance for itself alone.
    listed_whole = {one["name"] for one in json.loads(bench.run("ls", bench.stack, "--json")[0])["stacks"]}
    assert listed_whole == {*whole.values()}
    (alone,) = json.loads(bench.run("ls", whole["one"], "--json")[0])["stacks"]
    assert alone["name"] == whole["one"]
    out, err = bench.run("instances", f"{bench.stack}x")
    assert (out, f"did you mean `{bench.stack}`?" in err) == ("No instances.\n", True)
    me = f"{getpass.getuser()}@{socket.gethostname()}"
    assert [one["owners"] for one in instances(bench)] == [[me], [me]]
    assert bench.run("instances", bench.stack)[0].count(me) == 2
    assert whole["one"] == f"{bench.stack}.one"
    bench.run("destroy", "--yes", "--volumes", "--instance", "Two/x")
    assert [one["name"] for one in instances(bench)] == [whole["one"]]
    for way in ([], ["--instance", "one"]):
        assert json.loads(bench.run("plan", "--json", *way)[0])["empty"]
    bench.run("destroy", "--yes", "--volumes", "--stack", bench.stack, "--instance", "one")
    assert instances(bench) == []
    assert json.loads(bench.run("plan", "--json")[0])["empty"]


def test_auto_is_the_branch_and_each_work_tree_is_apart(bench: Bench) -> None:
    write(bench, free_port())
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "nexus.yaml"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=bench.folder, check=True)
    for words in (["-b", "feature/login", "login"], ["--detach", "loose"]):
        subprocess.run([*git, "worktree", "add", "-q", *words], cwd=bench.folder, check=True)
    for folder in (".", "login", "loose"):
        bench.run("apply", "--yes", "--instance", "auto", "-f", f"{folder}/nexus.yaml")
    names = [one["instance"] for one in instances(bench)]
    assert len(names) == 3
    branches = {one["branch"]: one["instance"] for one in instances(bench)}
    assert branches.keys() == {"main", "feature/login", None}
    assert (branches["main"], branches[None]) == ("main", "loose")
    assert "feature/login" in bench.run("instances")[0]
    # What it is called for no plan compares: the same instance by its name alone is as it was.
    assert json.loads(bench.run("plan", "--json", "--instance", branches["feature/login"])[0])["empty"]
    assert {"main", "loose"} < {*names}
    assert any(name.startswith("feature-login-") for name in names)
    # As a job of a CI system says it for all of its steps; what is named with `--stack` is whole.
    done = prestarted.run(
        [*NEXUSCTL, "status", "--json"], cwd=bench.folder / "login", env=PLAIN | {"NEXUS_INSTANCE": "auto"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["stack"].startswith(f"{bench.stack}.feature-login-")
    done = prestarted.run(
        [*NEXUSCTL, "status", "--json", "--stack", f"{bench.stack}.main"], cwd=bench.folder,
        env=PLAIN | {"NEXUS_INSTANCE": "other"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["stack"] == f"{bench.stack}.main"


def test_what_a_container_says_of_its_branch_is_not_believed(bench: Bench) -> None:
    def make(instance: str, **more: str) -> str:
        own = {labels.STACK: f"{bench.stack}.{instance}", labels.ROLE: "sandbox", labels.SANDBOX: "x"} | more
        words = [word for name, value in own.items() for word in ("--label", f"{name}={value}")]
        command = ["docker", "create", *words, bench.image, "true"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    made = [make("old"), make("bad", **{labels.BRANCH: "a\x1b[2Jb"}), make("good", **{labels.BRANCH: "b"})]
    try:
        found = {one["instance"]: one["branch"] for one in instances(bench)}
        rows = [line.split() for line in bench.run("instances", bench.stack)[0].splitlines()]
    finally:
        subprocess.run(["docker", "rm", "-f", *made], capture_output=True, check=True)
    assert found == {"old": None, "bad": None, "good": "b"}
    assert {row[1]: row[2] for row in rows} == {"INSTANCE": "BRANCH", "old": "-", "bad": "-", "good": "b"}


def test_outside_of_a_work_tree_auto_is_refused(bench: Bench) -> None:
    write(bench, free_port())
    _, err = bench.run("plan", "--instance", "auto", code=1)
    assert "`--instance auto` finds no branch" in err


def test_a_run_of_an_instance_is_that_of_the_one_alone(bench: Bench) -> None:
    write(bench, free_port())
    bench.run("apply", "--yes")
    before = bench.left()
    script = f'{" ".join(NEXUSCTL)} exec web cat /data/who; echo "$NEXUS_STACK $NEXUS_INSTANCE"'
    out, _ = bench.run("run", "--instance", "job", "sh", "-c", script)
    assert out == f"{bench.stack}.job job\n{bench.stack}.job job\n"
    assert instances(bench) == []
    assert bench.left() == before


def test_a_saved_plan_is_that_of_its_instance(bench: Bench) -> None:
    write(bench, free_port())
    bench.run("plan", "--instance", "one", "--out", "saved.plan")
    bench.run("apply", "saved.plan")
    assert [one["instance"] for one in instances(bench)] == ["one"]
    assert bench.left() == []
