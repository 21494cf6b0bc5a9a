"""Secrets in memory whose container somebody removed by hand: a plan names them, apply and destroy remove them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import SECRETS
from tests import prestarted

pytestmark = pytest.mark.engine


class Desk:
    """A stack with one secret, and the folder in memory that it had when its container was removed by hand."""

    def __init__(self, wire: Wire, folder: Path, stack: str, image: str) -> None:
        self.wire, self.folder, self.stack = wire, folder, stack
        self.write({"api": {"image": image, "command": ["sleep", "infinity"], "networks": [], "secrets": ["token"]}})
        self.run("apply", "--yes")
        container = f"{stack}_api"
        label = wire.get(f"/containers/{container}/json")["Config"]["Labels"][SECRETS]
        self.left = Path("/dev/shm/nexusctl") / label
        wire.delete(f"/containers/{container}", {"force": True})

    def write(self, sandboxes: dict[str, object]) -> None:
        secrets = {"token": {"command": ["echo", "a word"]}} if sandboxes else {}
        whole = {"name": self.stack, "secrets": secrets, "sandboxes": sandboxes}
        (self.folder / "nexus.yaml").write_text(json.dumps(whole))

    def run(self, *arguments: str) -> str:
        done = prestarted.run(
            [sys.executable, "-m", "nexusctl", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def desk(wire: Wire, tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Desk]:
    desk = Desk(wire, tmp_path, stack_name, base_image)
    yield desk
    desk.run("destroy", "--yes", "--stack", stack_name, "--ignore-missing")


def test_a_plan_names_secrets_that_were_left_and_writes_nothing(desk: Desk) -> None:
    assert "they were left in memory, and their container is gone" in desk.run("plan")
    assert (desk.left / "token").is_file()


def test_the_next_apply_removes_secrets_that_were_left(desk: Desk) -> None:
    desk.run("apply", "--yes")
    assert not desk.left.exists()
    desk.run("plan", "--detailed-exitcode")


def test_an_apply_that_no_longer_names_the_sandbox_removes_its_secrets(desk: Desk) -> None:
    desk.write({})
    desk.run("apply", "--yes")
    assert not desk.left.exists()


def test_destroy_removes_secrets_that_were_left(desk: Desk) -> None:
    assert f"Nothing is left of stack {desk.stack}" in desk.run("destroy", "--yes", "--stack", desk.stack)
    assert not desk.left.exists()
