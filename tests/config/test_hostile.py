"""Files made to hurt: each is answered by a process of its own, under the limits that are promised."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.config.hostile import FILES

MOST_MEMORY_MIB = 256
WALL_SECONDS = 120

RIGHT = {
    "almost-too-many-sandboxes",
    "almost-too-many-variables",
    "almost-too-many-arguments",
    "almost-too-many-uploads",
    "almost-too-many-packages",
    "almost-too-many-replicas",
    "replicas-of-replicas",
    "ignore-that-never-ends",
    "one-comment",
    "almost-too-many-references",
    "many-escaped-openings",
    "many-references-in-a-text",
    "almost-too-many-keys-of-for-each",
    "almost-too-many-sandbox-references",
}


def _load_in_a_process(path: Path) -> dict[str, object]:
    command = [sys.executable, str(Path(__file__).parent / "load_one.py"), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        output, errors = process.communicate(timeout=WALL_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode == 0, errors.decode(errors="replace")[-2000:]
    answer: dict[str, object] = json.loads(output)
    return answer


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_gets_an_answer_within_the_limits(name: str, tmp_path: Path) -> None:
    path = tmp_path / "nexus.yaml"
    path.write_bytes(FILES[name]())
    answer = _load_in_a_process(path)
    print(f"{name}: {answer['seconds']} s, {answer['peak_mib']} MiB")
    assert answer["peak_mib"] < MOST_MEMORY_MIB
    assert (answer["problems"] == "") == (name in RIGHT)


def test_a_hostile_file_gets_an_answer_from_the_pure_parser_too(tmp_path: Path) -> None:
    for name in ("fifty-thousand-brackets", "deep-indentation", "alias-bomb", "alias-to-itself", "nul-characters"):
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(FILES[name]())
        environment = {**os.environ, "NEXUS_TEST_PURE_YAML": "1"}
        command = [sys.executable, str(Path(__file__).parent / "load_one.py"), str(path)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=WALL_SECONDS, check=True
        )
        assert json.loads(done.stdout)["problems"].startswith("error: ")
