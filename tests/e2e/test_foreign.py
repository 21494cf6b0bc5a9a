"""What nexusctl did not make it never touches, whatever it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.e2e.case import Case
from tests.ranges import make_network

pytestmark = pytest.mark.engine

NEXUSCTL = [sys.executable, "-m", "nexusctl"]


def test_foreign_objects_under_needed_names_are_a_clear_conflict_and_stay_as_they_are(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text(f"""
name: {stack_name}
volumes: {{data: }}
sandboxes:
  api: {{image: "{base_image}", command: [sleep, infinity], volumes: ["data:/data"]}}
""")
    name = f"{stack_name}_api"
    container = wire.post("/containers/create", {"Image": base_image, "Cmd": ["sleep", "60"]}, {"name": name})["Id"]
    network = make_network(wire, f"{stack_name}_default")
    wire.post("/volumes/create", {"Name": f"{stack_name}_data"})
    try:
        before = _look(wire, container, network, stack_name)
        for verb in (["apply", "--yes", "-f", file], ["destroy", "--yes", "--volumes", "--stack", stack_name]):
            done = prestarted.run([*NEXUSCTL, *verb], capture_output=True, text=True, check=False)
            if verb[0] == "apply":
                assert done.returncode == 1
                for kind, taken in (("container", name), ("network", "default"), ("volume", "data")):
                    assert f"the {kind} name" in done.stderr
                    assert taken in done.stderr
            assert "Traceback" not in done.stderr
            assert _look(wire, container, network, stack_name) == before
    finally:
        wire.delete(f"/containers/{container}", {"force": True})
        wire.delete(f"/networks/{network}")
        wire.delete(f"/volumes/{stack_name}_data")


def test_an_external_network_or_volume_that_is_not_there_is_named_before_anything_is_made(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    lost = f"{stack_name}-lost"
    (tmp_path / "nexus.yaml").write_text(f"""
name: {stack_name}
networks: {{outer: {{external: {lost}}}, unused: {{external: {lost}-unused}}}}
volumes: {{data: {{external: {lost}}}}}
sandboxes:
  api: {{image: "{base_image}", command: [sleep, infinity], networks: [outer], volumes: ["data:/data"]}}
""")
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    try:
        for verb in (["plan"], ["apply", "--yes"]):
            done = case.nexusctl(verb)
            assert done.returncode == 1
            for kind, name in (("network", "outer"), ("volume", "data")):
                said = f"the {kind} {lost} is not there, which the stack file calls {name} and external"
                assert done.stderr.count(said) == 1
            assert "unused" not in done.stderr
        assert not [v for v in wire.get("/volumes")["Volumes"] or () if v["Name"] == lost], "nor did the engine make it"

        network = make_network(wire, lost)
        wire.post("/volumes/create", {"Name": lost})
        assert case.nexusctl(["apply", "--yes"]).returncode == 0
        assert case.nexusctl(["plan", "--deep", "--detailed-exitcode"]).returncode == 0
        wire.post(f"/networks/{network}/disconnect", {"Container": f"{stack_name}_api", "Force": True})
        wire.delete(f"/networks/{network}")
        assert f"the network {lost} is not there" in case.nexusctl(["plan"]).stderr
        assert "networks.outer" in case.nexusctl(["drift"]).stdout
    finally:
        case.close()
        wire.delete(f"/volumes/{lost}")


def _look(wire: Wire, container: str, network: str, stack: str) -> list[Any]:
    return [
        wire.get(f"/containers/{container}/json"),
        wire.get(f"/networks/{network}"),
        wire.get(f"/volumes/{stack}_data"),
    ]
