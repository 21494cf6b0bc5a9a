"""What an import prints is what was asked for, in any locale: a YAML file in UTF-8, or one JSON document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SAID = "✓ é 😀\n#\n"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "compose.yaml").write_text(
        f"services: {{a: {{image: debian, environment: {{A: {json.dumps(SAID, ensure_ascii=False)}}}}}}}", "utf-8"
    )
    return subprocess.run(
        [sys.executable, "-m", "nexusctl", "import", "compose", str(folder / "compose.yaml"), *words],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )


def test_a_file_on_stdout_is_utf_8(tmp_path: Path) -> None:
    done = run(tmp_path, "--stdout")
    assert done.returncode == 0, done.stderr
    wrote = run(tmp_path)
    assert wrote.returncode == 0, wrote.stderr
    assert (tmp_path / "nexus.yaml").read_bytes() == done.stdout
    assert "✓ é 😀" in done.stdout.decode()


def test_json_on_stdout_is_one_document_with_the_file_in_it(tmp_path: Path) -> None:
    done = run(tmp_path, "--stdout", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("latin-1"))["content"] == run(tmp_path, "--stdout").stdout.decode()


def test_a_pattern_says_nothing_about_python(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    upload = '{source: ./app, target: /app, ignore: ["[[]z]", "a[&&b]", "a[--b]", "[~~]"]}'
    (tmp_path / "nexus.yaml").write_text(f"name: x\nsandboxes: {{a: {{image: debian, uploads: [{upload}]}}}}")
    done = subprocess.run(
        [sys.executable, "-W", "always", "-m", "nexusctl", "validate"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_question_asked_as_json_is_answered_by_one_document(tmp_path: Path) -> None:
    for words in (["doctor", "--json"], ["engine", "status", "--json"]):
        for host in ({}, {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}):
            done = subprocess.run(
                [sys.executable, "-m", "nexusctl", *words],
                cwd=tmp_path,
                env={**os.environ, **host},
                capture_output=True,
                check=False,
            )
            assert isinstance(json.loads(done.stdout), dict), words
