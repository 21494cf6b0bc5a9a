"""The name of a stack read without a reader of YAML is that which the reader finds, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.config.load import load_readable
from nexusctl.config.read.plain_name import read_plain_name
from nexusctl.model.load_request import Inputs
from tests.packaging.test_wheel import ROOT

FILES = sorted(ROOT.glob("stacks/*/nexus.yaml"))


def test_it_is_the_one_in_every_stack_here() -> None:
    found = {path: read_plain_name(path) for path in FILES}
    for path, name in found.items():
        if name:
            assert load_readable(Inputs(files=(path,)))[0].name == name, path
    assert [name for path, name in found.items() if path.parent.name == "hello"] == ["hello"]
    assert sum(bool(name) for name in found.values()) > len(found) // 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name: shop\n", "shop"),
        ("# name: no\nname: shop # yes\r\nsandboxes:\n  name: {image: a}\n", "shop"),
        ("name: shop", "shop"),
        ("name: 'shop'\n", ""),
        ("name: shop\nname: other\n", ""),
        ('name: shop\n"name": other\n', ""),
        ("name: 12\n", ""),
        ("name: ${var.name}\n", ""),
        ("name: Shop\n", ""),
        ("name: shop more\n", ""),
        ("name: shop#more\n", ""),
        ("name:\n  shop\n", ""),
        ("name: shop\n  more\n", ""),
        ("name: &a shop\n", ""),
        ("include: ./other.yaml\nname: shop\n", ""),
        ("---\nname: shop\n", ""),
        ("name: shop\n...\n", ""),
        ("\ufeffname: shop\n", ""),
        ('{"name": "shop"}', ""),
        (" name: shop\n", ""),
        ("name : shop\n", ""),
        ("<<: *base\nname: shop\n", ""),
        ("name: null\n", ""),
        ("name: true\n", ""),
        ("name: 2026-11-29\n", ""),
        ("name: shop\n\n# more\nsandboxes: {}\n", "shop"),
        ("", ""),
    ],
)
def test_what_takes_a_reader_to_understand_is_left_to_it(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "nexus.yaml"
    path.write_bytes(text.encode())
    assert read_plain_name(path) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("include: ./other.yaml\nname: shop\n", "shop"),
        ("name: shop\ninclude:\n- ./other.yaml\n", "shop"),
        ("+include: ./other.yaml\nname: shop\n", ""),
        ("include: ./other.yaml\n", ""),
    ],
)
def test_the_name_of_a_file_counts_more_than_those_of_what_it_includes(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "nexus.yaml"
    path.write_text(text)
    assert read_plain_name(path, unread=True) == name
    (tmp_path / "other.yaml").write_text("name: below\n")
    if name:
        assert load_readable(Inputs(files=(path,)))[0].name == name


def test_what_is_no_file_of_text_is_none(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"name: shop\n\xff")
    (tmp_path / "large").write_text("name: shop\n" + "# more\n" * 200_000)
    assert [read_plain_name(tmp_path / name) for name in ("bytes", "large", "absent", ".")] == [""] * 4
