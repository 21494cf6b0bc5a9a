"""What an upload leaves out is not in the sandbox, and counts for nothing where the sandbox makes it itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.e2e.test_replace import Bench

pytestmark = pytest.mark.engine

STACK = """
name: {name}
sandboxes:
  box:
    image: {image}
    command: [sleep, infinity]
    uploads:
      - {{source: src, target: /src, ignore: ["secrets/", "!app/"]}}
      - {{source: src, target: /code, ignore: ["*", "!*/", "!*.py"]}}
"""


@pytest.fixture
def bench(base_image: str, tmp_path: Path, stack_name: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, "", wire)
    for name in ("a.py", "app/b.py", "app/secrets/key.pem", "secrets/key.pem"):
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "nexus.yaml").write_text(STACK.format(name=stack_name, image=base_image))
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def test_a_folder_taken_in_again_brings_no_secrets_and_what_is_ignored_is_no_drift(bench: Bench) -> None:
    bench.apply()
    box = bench.container("box")["Id"]
    listed = run_inside(bench.wire, box, ("find", "/src", "/code", "-type", "f")).output
    assert sorted(listed.split()) == ["/code/a.py", "/code/app/b.py", "/src/a.py", "/src/app/b.py"]
    make = "mkdir -p /src/app/secrets /code/app && touch /src/app/secrets/new.pem /code/app/made.txt"
    assert run_inside(bench.wire, box, ("sh", "-c", make)).exit_code == 0
    assert bench.run("drift").returncode == 0
    assert run_inside(bench.wire, box, ("touch", "/src/app/new.py")).exit_code == 0
    assert bench.run("drift").returncode == 2
