"""Tapes that a sandbox has made up: nothing of them goes where nobody sent it, and nothing that was there is lost."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from nexusctl.api.everyday.copies.untar import lay_down
from nexusctl.errors import EngineError, InputError


def entry(
    name: str, content: str = "evil", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, str]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    info.mode = 0o4777
    return info, content


def pack(*entries: tuple[tarfile.TarInfo, str]) -> Iterator[bytes]:
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for info, content in entries:
            tar.addfile(info, BytesIO(content.encode()))
    return iter([made.getvalue()])


FOLDER = entry("d", kind=tarfile.DIRTYPE)

HOSTILE = {
    "above": [FOLDER, entry("d/../escaped")],
    "absolute": [FOLDER, entry("/escaped")],
    "beside": [FOLDER, entry("e/escaped")],
    "behind a link": [FOLDER, entry("d/l", kind=tarfile.SYMTYPE, link="../.."), entry("d/l/escaped")],
    "behind the first": [entry("d", kind=tarfile.SYMTYPE, link=".."), entry("d/escaped")],
    "another name": [FOLDER, entry("d/h", kind=tarfile.LNKTYPE, link="../kept")],
    "another name of a link": [
        FOLDER,
        entry("d/l", kind=tarfile.SYMTYPE, link="../../kept"),
        entry("d/h", kind=tarfile.LNKTYPE, link="d/l"),
    ],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_it_goes_nowhere_else(case: str, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    (tmp_path / "in").mkdir()
    with pytest.raises(EngineError):
        lay_down(pack(*HOSTILE[case]), tmp_path / "in" / "d", "d")
    assert (tmp_path / "kept").read_text() == "mine"
    assert not [path for path in tmp_path.rglob("escaped") if path.is_file()]


def test_a_tape_that_is_cut_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    whole = next(pack(entry("f", "x" * 5000)))
    with pytest.raises(EngineError):
        lay_down(iter([whole[:2000]]), tmp_path / "f", "f")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "mine")]


def test_a_folder_here_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(InputError):
        lay_down(pack(entry("f")), tmp_path / "f", "f")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_devices_are_left_out_and_named_and_nothing_gets_power_by_its_mode(tmp_path: Path) -> None:
    left = lay_down(pack(FOLDER, entry("d/null", kind=tarfile.CHRTYPE), entry("d/f")), tmp_path / "d", "d")
    assert left == ["d/null"]
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["f"]
    assert (tmp_path / "d/f").stat().st_mode & 0o7777 == 0o777


def test_two_names_of_a_file_come_as_such(tmp_path: Path) -> None:
    assert (
        lay_down(pack(FOLDER, entry("d/a", "x"), entry("d/b", kind=tarfile.LNKTYPE, link="d/a")), tmp_path / "d", "d")
        == []
    )
    assert (tmp_path / "d/a").stat().st_ino == (tmp_path / "d/b").stat().st_ino
