"""A stack gets the volumes and networks of another one only where that shares them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.attacks.test_binds import containers_of, nexusctl

pytestmark = pytest.mark.engine


class Pair:
    """The stacks of an owner and a taker, each in a file of its own."""

    def __init__(self, folder: Path, name: str, image: str) -> None:
        self.folder, self.name = folder, name
        self.box = {
            "image": image, "command": ["sleep", "infinity"], "networks": ["back"], "volumes": ["data:/data"],
        }  # fmt: skip

    def write(self, stack: str, **said: object) -> None:
        """Say this of both the volume and the network; `external` names those of the owner."""
        volume = said if stack == "owner" else {"external": f"{self.name}-owner_data"}
        network = said if stack == "owner" else {"external": f"{self.name}-owner_back"}
        document = {
            "name": f"{self.name}-{stack}",
            "volumes": {"data": volume},
            "networks": {"back": network},
            "sandboxes": {"box": {**self.box, **({"env": said} if stack == "taker" and said else {})}},
        }
        (self.folder / f"{stack}.yaml").write_text(json.dumps(document))

    def run(self, stack: str, *verb: str) -> CompletedProcess[str]:
        return nexusctl(self.folder, *verb, "-f", f"{stack}.yaml")

    def apply(self, stack: str) -> None:
        done = self.run(stack, "apply", "--yes")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def pair(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Pair]:
    made = Pair(tmp_path, stack_name, base_image)
    yield made
    for stack in ("taker", "owner"):
        verb = ("destroy", "--yes", "--volumes", "--stack", f"{stack_name}-{stack}", "--ignore-missing")
        nexusctl(tmp_path, *verb)


def test_what_another_stack_does_not_share_is_refused_with_whose_it_is_until_that_shares_it(
    pair: Pair, wire: Wire
) -> None:
    pair.write("owner")
    pair.apply("owner")
    pair.write("taker")
    for verb in (("plan",), ("apply", "--yes")):
        refused = pair.run("taker", *verb)
        assert refused.returncode == 1
        for kind, called in (("volume", "data"), ("network", "back")):
            assert f"the {kind} {pair.name}-owner_{called}, which the stack file calls {called}" in refused.stderr
        assert f"is the stack {pair.name}-owner's, and not shared" in refused.stderr
        assert "write `shared: true` at that volume" in refused.stderr
    assert containers_of(wire, f"{pair.name}-taker") == []
    [before] = containers_of(wire, f"{pair.name}-owner")
    pair.write("owner", shared=True)
    pair.apply("owner")
    assert containers_of(wire, f"{pair.name}-owner") == [before], "to share takes no new container"
    assert pair.run("owner", "plan", "--detailed-exitcode").returncode == 0
    planned = pair.run("taker", "plan")
    assert f"(the volume {pair.name}-owner_data is the stack {pair.name}-owner's)" in planned.stdout
    pair.apply("taker")
    assert run_inside(wire, f"{pair.name}-taker_box", ["sh", "-c", "echo here > /data/word"]).exit_code == 0
    assert run_inside(wire, f"{pair.name}-owner_box", ["cat", "/data/word"]).output == "here\n"
    assert pair.run("taker", "plan").stderr == ""


def test_who_has_it_in_use_keeps_it_and_is_told(pair: Pair, wire: Wire) -> None:
    """As every stack that an older version has made."""
    pair.write("owner", shared=True)
    pair.apply("owner")
    pair.write("taker")
    pair.apply("taker")
    pair.write("owner")
    pair.apply("owner")
    planned = pair.run("taker", "plan", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stderr
    assert planned.stderr.count("warning: ") == 2
    assert f"is the stack {pair.name}-owner's, and not shared" in planned.stderr
    assert pair.run("taker", "drift").returncode == 0
    pair.write("taker", A="b")
    pair.apply("taker")
    assert pair.run("taker", "destroy", "--yes").returncode == 0
    assert pair.run("taker", "plan").returncode == 1, "it would be taken anew"


def test_what_is_left_of_a_stack_that_has_no_sandboxes_is_anybodys_and_the_plan_says_whose_it_was(pair: Pair) -> None:
    pair.write("owner")
    pair.apply("owner")
    assert pair.run("owner", "destroy", "--yes").returncode == 0
    document = json.loads((pair.folder / "owner.yaml").read_text())
    document["name"] = f"{pair.name}-taker"
    document["volumes"]["data"] = {"external": f"{pair.name}-owner_data"}
    (pair.folder / "taker.yaml").write_text(json.dumps(document))
    planned = pair.run("taker", "plan")
    assert f"(the volume {pair.name}-owner_data is the stack {pair.name}-owner's)" in planned.stdout
