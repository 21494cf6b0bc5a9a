"""Digests that outlive a load are those that a fresh look gives, and what has not changed is not read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.config.build.files import digests, stamped_digests
from nexusctl.config.build.files.digests import Digests
from nexusctl.config.build.files.stamped_digests import StampedDigests
from nexusctl.model.uploads_and_packages import UploadFile


def fresh(folder: Path) -> tuple[UploadFile, ...]:
    return Digests().tree(folder, (), None)


def test_each_load_sees_what_is_there(tmp_path: Path) -> None:
    kept = StampedDigests()
    for number in range(200):
        # As many bytes each time, and often within one tick of the clock of the file system.
        (tmp_path / "file").write_text(f"{number % 10}")
        kept.renew()
        assert kept.tree(tmp_path, (), None) == fresh(tmp_path)
    (tmp_path / "file").rename(tmp_path / "other")
    kept.renew()
    assert kept.tree(tmp_path, (), None) == fresh(tmp_path)


def test_what_nobody_has_written_to_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "other").write_text("text")
    # It was written just now, and a file system may give the next write the same time.
    monkeypatch.setattr(stamped_digests, "_COARSE", 0)
    kept = StampedDigests()
    before = kept.tree(tmp_path, (), None)
    read: list[str] = []
    opened = digests.open_real
    monkeypatch.setattr(digests, "open_real", lambda path: read.append(path.name) or opened(path))
    (tmp_path / "other").write_text("TEXT")
    kept.renew()
    assert kept.tree(tmp_path, (), None) == fresh(tmp_path) != before
    assert sorted(read) == ["file", "other", "other"], "the fresh look has read both"
