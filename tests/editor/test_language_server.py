"""An editor with a real YAML language server flags what is wrong in a stack file and completes what is right."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from tests.docs.pages import EDITOR_PAGE, ROOT
from tests.editor.language_server import LanguageServer

LINE = "# yaml-language-server: $schema=nexus.schema.json"
STACKS = ROOT / "stacks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("the language server comes from npm, which is not installed")
    folder = tmp_path_factory.mktemp("server")
    subprocess.run([npm, "install", "--silent", "--prefix", str(folder), "yaml-language-server@1"], check=True)
    with LanguageServer(folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server") as running:
        yield running


def write(folder: Path, text: str, kind: str = "stack") -> Path:
    """A stack file, or another KIND of file, that begins as the page for editors says."""
    schema = CliRunner().invoke(nexusctl, ["schema", kind])
    assert schema.exit_code == 0
    (folder / "nexus.schema.json").write_text(schema.output)
    file = folder / "nexus.yaml"
    file.write_text(f"{LINE}\n{text}")
    return file


def test_the_page_for_editors_shows_the_line() -> None:
    assert LINE in EDITOR_PAGE.read_text()


def test_a_wrong_key_and_a_wrong_value_are_flagged_where_they_stand(server: LanguageServer, tmp_path: Path) -> None:
    text = "name: shop\nsandboxes:\n  api:\n    templat: node\n    kind: servise\n    resources: {memory: 12q}\n"
    found = server.open(write(tmp_path, text))
    places = {(one["range"]["start"]["line"], one["message"]) for one in found}
    assert any(line == 4 and "templat" in message for line, message in places), places
    assert any(line == 5 for line, _ in places), places
    assert any(line == 6 for line, _ in places), places


def test_right_keys_and_values_are_completed(server: LanguageServer, tmp_path: Path) -> None:
    file = write(tmp_path, "name: shop\nsandboxes:\n  api:\n    image: debian\n    \n    kind: \n")
    server.open(file)
    assert {"template", "packages", "depends_on", "resources"} <= server.complete(file, 5, 4)
    assert {"service", "task"} <= server.complete(file, 6, 10)


def test_a_reference_may_stand_where_a_number_or_a_list_is_needed(server: LanguageServer, tmp_path: Path) -> None:
    text = (
        "name: shop\nsandboxes:\n  api:\n    image: debian\n    replicas: ${var.count}\n    packages: ${var.packages}\n"
        "    kind: ${var.kind}\n    resources: {cpus: '${var.cpus}', memory: '${var.memory}'}\n"
    )
    assert server.open(write(tmp_path, text)) == []


def test_what_an_overlay_adds_is_no_mistake(server: LanguageServer, tmp_path: Path) -> None:
    text = "name: shop\nsandboxes:\n  api:\n    +ports: [9000]\n    ports_: [1]\n"
    lines = {problem["range"]["start"]["line"] for problem in server.open(write(tmp_path, text))}
    assert 4 not in lines
    assert 5 in lines


OVERLAY = """
version: null
secrets: {key: {age: null, env: KEY}}
volumes: {old: null}
sandboxes:
  gone: null
  api:
    kind: null
    template: null
    replicas: 3
    command:
    env: {A: null, B: "${var.b}"}
    health: {tcp: null, http: {path: /up}}
    resources: {memory: null}
    +ports: [9229]
    depends_on: null
"""


def test_an_overlay_may_leave_out_and_delete_what_a_stack_file_needs(server: LanguageServer, tmp_path: Path) -> None:
    assert server.open(write(tmp_path, OVERLAY, "overlay")) == []


def test_a_mistake_in_an_overlay_is_flagged(server: LanguageServer, tmp_path: Path) -> None:
    text = "sandboxes:\n  api:\n    templat: node\n    kind: servise\n    resources: {memory: 12q}\n    replicas: [1]\n"
    lines = {problem["range"]["start"]["line"] for problem in server.open(write(tmp_path, text, "overlay"))}
    assert lines == {3, 4, 5, 6}


def test_keys_and_values_of_an_overlay_are_completed(server: LanguageServer, tmp_path: Path) -> None:
    file = write(tmp_path, "sandboxes:\n  api:\n    \n    kind: \n", "overlay")
    server.open(file)
    assert {"template", "packages", "depends_on", "resources"} <= server.complete(file, 3, 4)
    assert {"service", "task"} <= server.complete(file, 4, 10)


@pytest.mark.parametrize("overlay", ["layers/staging.yaml"])
def test_the_overlays_of_this_project_are_right_in_an_editor(
    server: LanguageServer, tmp_path: Path, overlay: str
) -> None:
    assert server.open(write(tmp_path, (STACKS / overlay).read_text(), "overlay")) == []


@pytest.mark.parametrize("stack", sorted(path.parent.name for path in STACKS.glob("*/nexus.yaml")))
def test_the_stacks_of_this_project_are_right_in_an_editor(server: LanguageServer, tmp_path: Path, stack: str) -> None:
    assert server.open(write(tmp_path, (STACKS / stack / "nexus.yaml").read_text())) == []
