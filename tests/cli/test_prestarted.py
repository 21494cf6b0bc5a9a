"""What most tests run commands with is `python -m nexusctl`, but for the time that its start takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import prestarted
from tests.prestarted import NEXUSCTL

FILE = """\
name: begun
sandboxes: {box: {image: debian, command: [echo, "${env.WORD}"]}}
"""

LONG = FILE + f"# {'-' * 80}\n" * 2000
"""More than a pipe holds."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORD", "as it is now")
    (tmp_path / "nexus.yaml").write_text(FILE)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "fed"),
    [
        (["--version"], None),
        ([], None),
        (["validat"], None),
        (["validate", "-f", "none.yaml"], None),
        (["config"], None),
        (["plan"], None),
        (["fmt", "-"], LONG),
        (["fmt", "-"], ""),
    ],
)
def test_it_says_and_ends_as_a_process_does_that_starts_anew(folder: Path, words: list[str], fed: str | None) -> None:
    command = [*NEXUSCTL, *words]
    if fed is None:
        real = subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    else:
        real = subprocess.run(command, cwd=folder, capture_output=True, input=fed.encode(), check=False)
    for _ in range(2):
        done = prestarted.run(command, cwd=folder, capture_output=True, input=fed)
        assert (done.returncode, done.stdout, done.stderr) == (real.returncode, real.stdout, real.stderr)


def test_each_has_the_environment_and_the_folder_that_it_is_run_with(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nexus.yaml").write_text(FILE.replace("begun", name))
        environ = {**os.environ, "WORD": f"of the {name}"}
        command = [*NEXUSCTL, "config"]
        done = prestarted.run(command, cwd=tmp_path / name, env=environ, capture_output=True, text=True, check=True)
        assert f"name: {name}\n" in done.stdout
        assert f"of the {name}" in done.stdout


def test_what_python_goes_by_when_it_starts_is_gone_by(folder: Path) -> None:
    environ = {**os.environ, "PYTHONVERBOSE": "1"}
    done = prestarted.run([*NEXUSCTL, "--version"], cwd=folder, env=environ, capture_output=True, text=True)
    assert "import 'nexusctl.cli.main'" in done.stderr


def test_what_forks_has_loaded_nothing_that_a_command_has_not() -> None:
    program = """
import sys
import nexusctl.__main__
known = {*sys.modules}
import tests.forking
new = [sys.modules[name] for name in {*sys.modules} - known]
print(*sorted(module.__name__ for module in new if (getattr(module, "__file__", None) or "").endswith(".py")))
"""
    house = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=house, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tests", "tests.forking"]


def test_who_takes_too_long_is_killed(folder: Path) -> None:
    with socket.create_server(str(folder / "mute.sock"), family=socket.AF_UNIX) as mute:
        environ = {**os.environ, "DOCKER_HOST": f"unix://{folder}/mute.sock"}
        with pytest.raises(subprocess.TimeoutExpired):
            prestarted.run([*NEXUSCTL, "plan"], cwd=folder, env=environ, capture_output=True, timeout=2)
        mute.settimeout(8)
        asking, _ = mute.accept()
        with asking:
            asking.settimeout(8)
            while asking.recv(1 << 16):
                pass
