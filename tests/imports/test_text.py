"""A stack file that nexusctl adds to keeps its comments, its order and its quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.importers.draft.yaml_writer import insert, write_text
from nexusctl.model.load_request import Inputs

PRESENT = """\
# What everybody shares.
name: shop   # the name

sandboxes:
  # The database comes first.
  db:
    image: 'postgres:16'
    env: {MODE: "on"}   # not a truth value
"""

WORDS = ["no", "1.10", "0755", "22:22", "null", "~", "#x", "true", "-", "?", ":", "|", ">", '"', "'", "{}", "[1"]
TEXTS = ["&a", "*a", "!x", "%", "@", "`", "é", "a:", "a,b", "", " ", "a: b", "- a", "a\nb\n", "a\n\n", " a\n", "\ta\n"]
ODD = ["\\n", "\u2028", "a #b", "a \nb", "\r\n", "x" * 300]


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
    values = {f"V{number}": value for number, value in enumerate([*WORDS, *TEXTS, *ODD])}
    document = {"name": "x", "sandboxes": {"a": {"image": "debian", "env": values}}}
    (tmp_path / "nexus.yaml").write_text(write_text(document))
    assert load(Inputs(files=(tmp_path / "nexus.yaml",))).sandboxes["a"].env == values
