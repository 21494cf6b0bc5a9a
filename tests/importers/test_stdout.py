"""`import --stdout` prints no draft that nexusctl would refuse without a word, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import prestarted

BUILT = {
    "compose.yaml": 'services: {app: {build: ./app, environment: {A: "${WANTED%s}"}}}',
    "app/Dockerfile": "FROM debian\nWORKDIR /srv\nCOPY main.py .\nCMD [sleep, '9']\n",
    "app/main.py": "print()\n",
}
PLAIN = {"compose.yaml": 'services: {app: {image: debian, environment: {A: "${WANTED%s}"}}}'}
NOWHERE = "/proc/nexus.yaml"


def printed(folder: Path, files: dict[str, str], more: str, *words: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.replace("%s", more))
    before = sorted(folder.rglob("*"))
    done = prestarted.run(
        [sys.executable, "-m", "nexusctl", "import", "compose", "compose.yaml", "--stdout", *words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "WANTED"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(folder.rglob("*")) == before
    return done


@pytest.mark.parametrize(
    ("files", "words"),
    [(PLAIN, ()), (PLAIN, ("-f", NOWHERE)), (PLAIN, ("-f", "none/nexus.yaml")), (BUILT, ())],
    ids=["plain", "plain, read-only", "plain, no folder", "with files"],
)
def test_one_that_is_refused_is_told_wherever_it_would_lie(
    tmp_path: Path, files: dict[str, str], words: tuple[str, ...]
) -> None:
    right = printed(tmp_path, files, ":-x", *words)
    assert (right.returncode, right.stdout.count("sandboxes:")) == (0, 1), right.stderr
    wrong = printed(tmp_path, files, ":?it is wanted", *words)
    assert wrong.returncode == 1
    assert "it is wanted" in wrong.stderr


@pytest.mark.parametrize("file", [NOWHERE, "none/nexus.yaml"])
def test_one_whose_files_cannot_lie_there_is_not_called_right(tmp_path: Path, file: str) -> None:
    done = printed(tmp_path, BUILT, "", "-f", file)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "`-f`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_it_that_is_there_is_neither_changed_nor_removed(tmp_path: Path) -> None:
    assert printed(tmp_path, BUILT, "").returncode == 0
    (tmp_path / "app.template.yaml").write_text("defaults: {nonsense: 1}\n")
    done = printed(tmp_path, BUILT, "")
    assert (tmp_path / "app.template.yaml").read_text() == "defaults: {nonsense: 1}\n"
    # It would be used as it lies there.
    assert done.returncode == 1
    assert "nonsense" in done.stderr
