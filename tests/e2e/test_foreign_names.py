"""Names that nexusctl uses in passing, such as a lock's: what others have under them is never touched either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import lock_name
from tests.e2e.case import Case

pytestmark = pytest.mark.engine

STACK = """
name: STACK
sandboxes:
  api: {image: IMAGE, command: [sleep, infinity], env: {V: "1"}}
"""


@pytest.fixture
def case(tmp_path: Path, wire: Wire, base_image: str, stack_name: str) -> Iterator[Case]:
    (tmp_path / "nexus.yaml").write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    made = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield made
    made.close()


@pytest.mark.parametrize("ending", ["new", "old"])
def test_a_foreign_container_in_the_way_of_a_replacement_stays_and_so_does_what_serves(
    case: Case, ending: str, base_image: str
) -> None:
    assert case.nexusctl(["apply", "--yes"]).returncode == 0
    serving = case.wire.get(f"/containers/{case.stack}_api/json")
    name = f"{case.stack}_api_{ending}"
    foreign = case.wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"]}, {"name": name})["Id"]
    try:
        file = case.folder / "nexus.yaml"
        file.write_text(file.read_text().replace('V: "1"', 'V: "2"'))
        before = case.wire.get(f"/containers/{foreign}/json")
        done = case.nexusctl(["apply", "--yes"])
        assert done.returncode == 1
        assert f"the container name {name} is taken by a container without nexusctl's labels" in done.stderr
        assert case.wire.get(f"/containers/{foreign}/json") == before
        still = case.wire.get(f"/containers/{case.stack}_api/json")
        assert (still["Id"], still["State"]["Status"]) == (serving["Id"], "running")
    finally:
        case.wire.delete(f"/containers/{foreign}", {"force": True})
    assert case.nexusctl(["apply", "--yes"]).returncode == 0
    assert "V=2" in case.wire.get(f"/containers/{case.stack}_api/json")["Config"]["Env"]
    assert case.nexusctl(["plan", "--detailed-exitcode"]).returncode == 0


def test_a_foreign_volume_under_the_locks_name_is_a_conflict_and_no_lock(case: Case) -> None:
    name = lock_name(case.stack)
    case.wire.post("/volumes/create", {"Name": name, "Labels": {"of": "somebody"}})
    try:
        before = case.wire.get(f"/volumes/{name}")
        for verb in (["apply", "--yes"], ["destroy", "--yes"], ["unlock", "--yes"]):
            done = case.nexusctl(verb)
            assert done.returncode == 1, verb
            assert f"the volume name {name} is taken by a volume without nexusctl's labels" in done.stderr
            assert case.wire.get(f"/volumes/{name}") == before
    finally:
        case.wire.delete(f"/volumes/{name}")
    with pytest.raises(NotFound):
        case.wire.get(f"/volumes/{name}")
