"""`fmt`: which files it writes, what it says, and its exit codes; what the layout is has tests of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ODD = "name:   shop   # ours\nsandboxes:\n    web:\n        image: a\n"
USUAL = "name: shop   # ours\nsandboxes:\n  web:\n    image: a\n"


def fmt(folder: Path, *words: str, code: int = 0, given: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexusctl", "fmt", *words]
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nexus.yaml").write_text(ODD)
    (tmp_path / "other.yaml").write_text(USUAL)
    return tmp_path


def test_a_file_is_written_once_and_keeps_its_mode_and_its_link(folder: Path) -> None:
    (folder / "nexus.yaml").rename(folder / "real.yaml")
    (folder / "real.yaml").chmod(0o640)
    (folder / "nexus.yaml").symlink_to("real.yaml")
    assert fmt(folder).stdout == "nexus.yaml\n"
    assert (folder / "nexus.yaml").is_symlink()
    assert ((folder / "real.yaml").read_text(), (folder / "real.yaml").stat().st_mode & 0o777) == (USUAL, 0o640)
    assert fmt(folder).stdout == ""


def test_check_and_diff_write_nothing(folder: Path) -> None:
    assert fmt(folder, "--check", "nexus.yaml", "other.yaml", code=1).stdout == "nexus.yaml\n"
    assert fmt(folder, "--check", "other.yaml").stdout == ""
    shown = fmt(folder, "--diff").stdout
    assert (folder / "nexus.yaml").read_text() == ODD
    patch = subprocess.run(["git", "apply", "-p0", "-"], cwd=folder, input=shown, text=True, check=False)
    assert patch.returncode == 0
    assert (folder / "nexus.yaml").read_text() == USUAL
    (folder / "nexus.yaml").write_text(ODD.rstrip("\n"))
    assert "\\ No newline at end of file\n" in fmt(folder, "--check", "--diff", code=1).stdout
    said = json.loads(fmt(folder, "--check", "--json", code=1).stdout)
    assert (said["changed"], said["written"]) == (["nexus.yaml"], False)


def test_stdin_goes_to_stdout(folder: Path) -> None:
    assert fmt(folder, "-", given=ODD).stdout == USUAL
    assert (folder / "nexus.yaml").read_text() == ODD


def test_what_cannot_be_read_is_said_of_all_and_nothing_is_written(folder: Path) -> None:
    (folder / "broken.yaml").write_text("a: [\n")
    said = fmt(folder, "nexus.yaml", "broken.yaml", "gone.yaml", code=1).stderr
    assert "--> broken.yaml:" in said
    assert "`gone.yaml` cannot be read: no such file or directory" in said
    assert (folder / "nexus.yaml").read_text() == ODD


def test_another_encoding_stays(folder: Path) -> None:
    data = "\ufeff" + ODD
    (folder / "nexus.yaml").write_bytes(data.encode("utf-16-le"))
    fmt(folder)
    assert (folder / "nexus.yaml").read_bytes() == ("\ufeff" + USUAL).encode("utf-16-le")
