"""What a command that was killed has left beside a file goes with the next one, and nothing of one that lives does."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

from nexusctl.config.export.atomic_write import file_beside, replace_file


def write_and_die(path: Path) -> None:
    replace_file(path, "never", check=lambda _: os.kill(os.getpid(), signal.SIGKILL))


def test_what_a_killed_one_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "nexus.yaml"
    process = multiprocessing.get_context("spawn").Process(target=write_and_die, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [left.read_text() for left in tmp_path.iterdir()] == ["never"]
    replace_file(path, "whole")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "whole"


def test_what_another_one_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "nexus.yaml"
    with file_beside(path, "first") as first, file_beside(path, "second") as second:
        assert (first.read_text(), second.read_text()) == ("first", "second")
        replace_file(path, "third")
        assert {first, second, path} == set(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_a_like_name_stays(tmp_path: Path) -> None:
    like = [tmp_path / name for name in (".nexus.yaml.swp", ".nexus.yaml.0123abcd.orig", ".other.yaml.0123abcd")]
    for file in like:
        file.touch()
    replace_file(tmp_path / "nexus.yaml", "whole")
    assert all(file.exists() for file in like)
