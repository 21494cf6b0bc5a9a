"""A stack file that nexusctl adds to keeps its comments, its order and its quotes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexusctl.api.importing.importing import read_compose, read_devcontainer, write
from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.importers.draft.yaml_writer import insert, write_text
from nexusctl.model.load_request import Inputs
from tests.importers.odd_texts import ALL, LIVING, odd, printable

PRESENT = """\
# What everybody shares.
name: shop   # the name

sandboxes:
  # The database comes first.
  db:
    image: 'postgres:16'
    env: {MODE: "on"}   # not a truth value
"""

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_only_what_is_added_changes_a_file() -> None:
    text = insert(PRESENT, {"volumes": {"data": None}, "sandboxes": {"api": {"image": "debian", "env": {"A": "no"}}}})
    added = """\
  api:
    image: debian
    env:
      A: "no"
volumes:
  data:
"""
    assert text == PRESENT + added


def test_a_name_that_is_taken_is_named_and_nothing_is_written() -> None:
    with pytest.raises(InputError) as caught:
        insert(PRESENT, {"sandboxes": {"db": {"image": "debian"}}})
    assert caught.value.diagnostics[0].summary == "the file has `sandboxes.db` already"


def test_every_text_comes_back_as_it_was(tmp_path: Path) -> None:
    values = {f"V{number}": value for number, value in enumerate(ALL)}
    document = {"name": "x", "sandboxes": {"a": {"image": "debian", "env": values}}}
    (tmp_path / "nexus.yaml").write_text(write_text(document))
    assert load(Inputs(files=(tmp_path / "nexus.yaml",))).sandboxes["a"].env == values


@quick
@given(st.lists(odd, min_size=1, max_size=4))
@pytest.mark.parametrize("present", ["", LIVING])
@pytest.mark.parametrize("kind", ["compose", "devcontainer"])
def test_an_import_brings_every_text_and_leaves_the_file_as_it_is(
    tmp_path: Path, present: str, kind: str, values: list[str]
) -> None:
    (tmp_path / "nexus.yaml").unlink(missing_ok=True)
    if present:
        (tmp_path / "nexus.yaml").write_bytes(present.encode())
    variables = {f"V{number}": text for number, text in enumerate(values)}
    written = {name: text.replace("$", "$$") if kind == "compose" else text for name, text in variables.items()}
    if kind == "compose":
        file = {"services": {"api": {"image": "debian", "environment": written}}}
        (tmp_path / "compose.yaml").write_text(printable(file), encoding="utf-8")
        draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    else:
        file = {"name": "api", "image": "debian", "containerEnv": written}
        (tmp_path / "devcontainer.json").write_text(printable(file), encoding="utf-8")
        draft = read_devcontainer(tmp_path / "devcontainer.json", tmp_path)
    write(draft, tmp_path / "nexus.yaml")
    data = (tmp_path / "nexus.yaml").read_bytes().decode()
    if present:
        assert data.startswith(present)
        assert "\n" not in data.replace("\r\n", "")
    stack = load(Inputs(files=(tmp_path / "nexus.yaml",)))
    (api,) = (sandbox for name, sandbox in stack.sandboxes.items() if name != "db")
    assert {name: str(text) for name, text in api.env.items() if name in variables} == variables
    if present:
        assert stack.sandboxes["db"].env["OFFSET"] == "+1"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_the_encoding_of_a_file_stays(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "nexus.yaml").write_bytes(PRESENT.replace("\n", "\r\n").encode(encoding))
    (tmp_path / "compose.yaml").write_text("services: {api: {image: debian}}")
    write(read_compose(tmp_path / "compose.yaml", tmp_path), tmp_path / "nexus.yaml")
    added = PRESENT + "  api:\n    image: debian\n"
    assert (tmp_path / "nexus.yaml").read_bytes() == added.replace("\n", "\r\n").encode(encoding)
