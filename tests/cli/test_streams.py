"""What becomes of a command whose output has nowhere to go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SLIP = "error: the output cannot be written: no space left on device"


def run(*words: str, redirect: str) -> subprocess.CompletedProcess[str]:
    """`redirect` is the shell's; what is left of the output is kept."""
    command = ("/bin/sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-m", "nexusctl", *words)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [("--help",), ("schema",), ("validate", "-f", "nexus.yaml")])
def test_a_full_disk_is_said_to_be_full_and_no_bug(words: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text("name: demo\nsandboxes: {one: {image: img}}\n")
    done = run(*(str(file) if word == "nexus.yaml" else word for word in words), redirect=">/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(SLIP)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_told_comes_in_the_order_in_which_it_is_told(unbuffered: str) -> None:
    told = "import sys; from nexusctl.cli.terminal.streams import open_streams; open_streams(); "
    told += "sys.stdout.write('one\\n'); sys.stdout.flush(); sys.stderr.write('two\\n'); print('three')"
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    command = (sys.executable, "-c", told)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ, check=True)
    assert done.stdout == b"one\ntwo\nthree\n"


def test_errors_that_nobody_can_be_told_of_keep_their_exit_code() -> None:
    assert run("nonsense", redirect="2>/dev/full").returncode == 2
    assert run("validate", "-f", "absent.yaml", redirect="2>/dev/full").returncode == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_closed_stream_is_as_good_as_one_that_nobody_reads(closed: str) -> None:
    done = run("schema", redirect=closed)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "" if ">&-" in closed.split() else done.stdout.startswith("{")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_an_encoding_has_no_letters_for_are_escaped_as_json_has_them(encoding: str) -> None:
    name = "größe \u2192 \U0001f600 \udc80"
    told = "import json; from nexusctl.cli.terminal.streams import open_streams; open_streams(); "
    told += f"print(json.dumps({name!r}, ensure_ascii=False))"
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run((sys.executable, "-c", told), capture_output=True, env=environ, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding)) == name


def test_a_terminal_in_ascii_gets_a_file_of_all_letters(tmp_path: Path) -> None:
    (tmp_path / "nexus.yaml").write_text("name: demo\nsandboxes: {größe: {}}\n", encoding="utf-8")
    command = (sys.executable, "-m", "nexusctl", "validate", "--json")
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env=environ, check=False)
    assert done.returncode == 1, done.stderr
    assert "größe" in json.dumps(json.loads(done.stdout), ensure_ascii=False)
