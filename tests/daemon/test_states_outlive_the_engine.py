"""What an engine that restarts does with sandboxes that were stopped on purpose."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from tests.daemon.layers import lay_images
from tests.daemon.test_engine_daemon import Second, second
from tests.daemon.yard import Yard

__all__ = ["second"]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]

STACK = """
name: rests
sandboxes:
  held: {image: IMAGE, command: [sleep, infinity], restart: unless-stopped}
  eager: {image: IMAGE, command: [sleep, infinity], restart: always}
  plain: {image: IMAGE, command: [sleep, infinity]}
  said: {image: IMAGE, command: [sleep, infinity], restart: always, state: stopped}
  on: {image: IMAGE, command: [sleep, infinity], restart: always}
"""


def test_what_is_stopped_stays_so_but_where_the_engine_starts_it_by_itself(
    second: Second, base_image: str, wire: Wire, tmp_path: Path
) -> None:
    lay_images(wire, second.folder / "data", base_image)
    assert second.start().returncode == 0
    yard = Yard(second, base_image)
    yard.write(STACK)
    yard.succeed("apply", "--yes")
    said = yard.succeed("stop", "held", "eager", "plain")
    assert said.count("an engine that restarts starts it again") == 1
    # One that never ran is no container that an engine starts again.
    yard.succeed("start", "said")
    yard.succeed("apply", "--yes")
    assert second.stop().returncode == 0
    assert second.start().returncode == 0
    states = {
        name: yard.docker("inspect", "-f", "{{.State.Status}}", f"rests_{name}").strip()
        for name in ("held", "eager", "plain", "said")
    }
    assert (states["held"], states["plain"]) == ("exited", "exited")
    plan = json.loads(yard.nexusctl("plan", "--json").stdout)
    assert {held["name"] for held in plan["held"]} == {"held", "plain"}
    assert states["eager"] == "running"
    words = {(change["action"], change["kind"]) for change in plan["changes"]}
    assert ("remove", "record") in words
    assert {c["name"]: c["action"] for c in plan["changes"] if c["kind"] == "sandbox"} == (
        {"said": "stop"} if states["said"] == "running" else {}
    )
    yard.succeed("apply", "--yes")
    assert json.loads(yard.nexusctl("plan", "--json").stdout)["empty"]
