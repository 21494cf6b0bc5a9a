"""Included files: in which order they are laid over each other, and how many there may be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.config.read import include
from nexusctl.errors import InputError
from nexusctl.model.load_request import Inputs

HEAD = "name: shop\nsandboxes: {api: {image: debian}}\n"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def env(folder: Path, *files: str) -> dict[str, str]:
    stack = load(Inputs(files=tuple(folder / f"{file}.yaml" for file in files)))
    return dict(stack.sandboxes["api"].env)


def setting(value: str, *included: str) -> str:
    paths = ", ".join(f"{name}.yaml" for name in included)
    return f"include: [{paths}]\nsandboxes: {{api: {{env: {{{value}: '1', LAST: {value}}}}}}}\n"


def test_an_include_lies_below_the_file_that_names_it_and_later_ones_over_earlier_ones(tmp_path: Path) -> None:
    write(tmp_path, nexus=HEAD + "include: [a.yaml, b.yaml]\n", a=setting("A"), b=setting("B", "c"), c=setting("C"))
    assert env(tmp_path, "nexus") == {"A": "1", "C": "1", "B": "1", "LAST": "B"}


def test_a_file_that_two_include_is_taken_once_and_below_both(tmp_path: Path) -> None:
    head = HEAD + "include: [a.yaml, b.yaml]\n"
    common = "sandboxes: {api: {env: {LAST: common}, +command: [x]}}\n"
    write(tmp_path, nexus=head, a=setting("A", "common"), b=setting("B", "common"), common=common)
    assert env(tmp_path, "nexus") == {"LAST": "B", "A": "1", "B": "1"}
    assert load(tmp_path / "nexus.yaml").sandboxes["api"].command == ("x",)


def test_a_file_that_is_given_too_stays_where_it_was_given(tmp_path: Path) -> None:
    write(tmp_path, nexus=HEAD + "include: over.yaml\n", over=setting("OVER"), mid=setting("MID"))
    assert env(tmp_path, "nexus", "mid", "over")["LAST"] == "OVER"
    assert env(tmp_path, "nexus", "mid")["LAST"] == "MID"


def test_too_many_files_are_refused_at_the_one_that_is_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(include, "FILES_LIMIT", 3)
    for number in range(5):
        write(tmp_path, **{f"f{number}": f"include: f{number + 1}.yaml\n"})
    write(tmp_path, nexus=HEAD + "include: f0.yaml\n")
    with pytest.raises(InputError, match="includes more than 3 files") as caught:
        load(tmp_path / "nexus.yaml")
    location = caught.value.diagnostics[0].location
    assert location
    assert Path(location.file).name == "f1.yaml"


def test_too_much_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(include, "SIZE_LIMIT", 1024)
    write(tmp_path, nexus=HEAD + "include: [a.yaml, b.yaml]\n", a="#" * 2000 + "\nsandboxes: {}\n", b="sandboxes: {}\n")
    with pytest.raises(InputError, match="the stack includes more than"):
        load(tmp_path / "nexus.yaml")


def test_a_chain_of_a_hundred_files_is_read(tmp_path: Path) -> None:
    for number in range(97):
        write(tmp_path, **{f"f{number}": f"include: f{number + 1}.yaml\n"})
    write(tmp_path, nexus=HEAD + "include: f0.yaml\n", f97=setting("DEEP"))
    assert env(tmp_path, "nexus")["LAST"] == "DEEP"


def test_a_plain_file_does_not_load_what_merges(tmp_path: Path) -> None:
    write(tmp_path, nexus=HEAD)
    program = (
        "import sys; from pathlib import Path; from nexusctl.config.load import load; load(Path(sys.argv[1]));"
        "print(sorted(name for name in sys.modules if name.startswith('nexusctl.config.')))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "nexus.yaml")]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    unwanted = ("read.merge", "read.include", "build.profiles", "resolve")
    assert [name for name in unwanted if f"nexusctl.config.{name}" in loaded] == []


def test_the_hint_on_a_missing_file_is_a_sentence_also_where_its_folder_is_empty(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    write(tmp_path, nexus=HEAD + "include: parts/db.yaml\n")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "nexus.yaml")
    (problem,) = caught.value.diagnostics
    start = "relative paths start from the folder of the file that names them"
    assert problem.hint == f"{start}; `parts` is empty"
