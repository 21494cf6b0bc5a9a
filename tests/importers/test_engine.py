"""What was imported can be applied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent


def test_an_imported_compose_file_is_applied_and_then_has_no_changes(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    folder = shutil.copytree(HERE / "compose" / "plain", tmp_path / "shop")
    text = (folder / "compose.yaml").read_text().replace("name: shop", f"name: {stack_name}")
    (folder / "compose.yaml").write_text(text)

    case = Case(folder=folder, stack=stack_name, wire=wire)
    try:
        for arguments in (["import", "compose", "compose.yaml"], ["apply", "--yes"], ["plan", "--detailed-exitcode"]):
            done = case.nexusctl(arguments)
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        case.close()
