"""The README says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from nexusctl.config.load import load
from tests.readme.reference import README, insert, render_reference

TEXT = README.read_text()


def test_the_field_reference_is_made_from_the_schemas() -> None:
    assert insert(TEXT, render_reference()) == TEXT, "run `python -m tests.readme.reference`"


def test_the_first_stack_is_short_and_valid(tmp_path: Path) -> None:
    found = re.search(r"<!-- first stack -->\n```yaml\n(.*?)```.*?```js\n(.*?)```", TEXT, re.DOTALL)
    assert found
    (tmp_path / "nexus.yaml").write_text(found[1])
    (tmp_path / "server.js").write_text(found[2])
    assert len(found[1].splitlines()) <= 15
    assert list(load(tmp_path / "nexus.yaml").sandboxes) == ["db", "api"]


@pytest.mark.parametrize("line", sorted(set(re.findall(r"`nexusctl ([a-z]+(?: [a-z|\\]+)?)[ `]", TEXT))))
def test_every_command_that_is_named_exists(line: str) -> None:
    verb, _, rest = line.partition(" ")
    for word in rest.replace("\\", "").split("|"):
        named = [verb, word] if word and verb in ("template", "engine", "import", "secrets") else [verb]
        assert CliRunner().invoke(nexusctl, [*named, "--help"]).exit_code == 0


def test_every_file_of_the_map_exists() -> None:
    block = TEXT.split("## The map of the house")[1].split("##")[0]
    for name in re.findall(r"^ {6}(\S+)", block, re.MULTILINE):
        assert (README.parent / "nexusctl" / name).exists(), name


def test_every_promise_names_tests_that_exist() -> None:
    block = TEXT.split("## What nexusctl promises")[1].split("\n## ")[0]
    rows = [line for line in block.splitlines() if line.startswith("| ") and "tests/" in line]
    assert len(rows) >= 13
    for row in rows:
        for path in re.findall(r"`(tests/[^`]+)`", row):
            assert (README.parent / path).exists(), path
