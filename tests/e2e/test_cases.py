"""The whole, one intent a directory, checked by looking at the engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case
from tests.ports import free_port

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.name for path in CASES.iterdir() if path.is_dir())

pytestmark = pytest.mark.engine


@pytest.fixture
def stack() -> str:
    return f"e2e-{uuid4().hex[:8]}"


@pytest.fixture
def case(request: pytest.FixtureRequest, stack: str, wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Case]:
    """The case's directory, copied, with the words STACK, IMAGE and HOSTPORT of its files filled in."""
    folder = tmp_path / request.param
    shutil.copytree(CASES / request.param, folder)
    words = {"STACK": stack, "IMAGE": base_image, "HOSTPORT": str(free_port())}
    for path in folder.glob("*.yaml"):
        text = path.read_text()
        for word, meant in words.items():
            text = text.replace(word, meant)
        path.write_text(text)
    case = Case(folder=folder, stack=stack, wire=wire)
    yield case
    case.close()


@pytest.mark.parametrize("case", NAMES, indirect=True)
def test_the_engine_is_as_the_case_says(case: Case) -> None:
    case.play(yaml.safe_load((case.folder / "case.yaml").read_text())["steps"])
