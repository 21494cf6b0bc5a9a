"""The wheel is built from the source archive, put into an empty virtual environment, and used from another folder."""

from __future__ import annotations

import email
import os
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 11


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # As whoever publishes it: the archive first, and out of that the wheel.
    run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], cwd=folder)
    (built,) = folder.glob("nexusctl-*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed `nexusctl`, in an environment where nothing else was."""
    folder = tmp_path_factory.mktemp("venv")
    run([sys.executable, "-m", "venv", str(folder)], cwd=folder)
    run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)], cwd=folder)
    return folder / "bin" / "nexusctl"


def run(argv: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    # Nothing of the checkout may help: neither its folder nor a path that names it.
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{argv}:\n{done.stdout}\n{done.stderr}"
    return done


def test_the_schemas_and_every_template_are_in_the_wheel(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    schemas = {f"nexusctl/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    templates = {str(path.relative_to(ROOT)) for path in (ROOT / "nexusctl" / "templates").glob("*.[yj]*")}
    assert "nexusctl/templates/measured.json" in templates
    assert {"nexusctl/schemas/stack.schema.json", "nexusctl/schemas/template.schema.json"} <= schemas
    assert {Path(name).stem for name in templates} >= {"base", "node", "python", "react", "postgres"}
    assert schemas | templates <= inside


def test_the_types_are_in_the_wheel_and_its_metadata_are_whole(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    told = email.message_from_bytes(archive.read(metadata))
    assert "nexusctl/py.typed" in archive.namelist()
    assert told["License-Expression"] == "Apache-2.0"
    assert told["License-File"] == "LICENSE"
    assert told["Summary"]
    assert told["Keywords"]
    assert {"Typing :: Typed", "Environment :: Console"} <= set(told.get_all("Classifier", []))
    assert told.get_payload().startswith("# nexusctl")  # type: ignore[union-attr]


def test_nothing_that_is_no_part_of_the_program_is_in_the_wheel(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel).namelist()
    assert [name for name in inside if not name.startswith(("nexusctl/", "nexusctl-"))] == []


def test_help_answers_from_another_folder_and_its_median_is_shown(
    program: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        said = run([str(program), "--help"], tmp_path).stdout
        seconds.append(time.perf_counter() - began)
    assert all(verb in said for verb in ("plan", "apply", "status", "destroy", "engine", "doctor"))
    record_property("figure", f"nexusctl --help: median {statistics.median(seconds):.3f} s of {ROUNDS}")


def test_every_verb_of_the_installed_program_explains_itself(program: Path, tmp_path: Path) -> None:
    verbs = ["validate", "plan", "apply", "status", "logs", "exec", "destroy", "template", "engine", "doctor"]
    for verb in verbs:
        assert "Usage: nexusctl" in run([str(program), verb, "--help"], tmp_path).stdout


def test_the_installed_program_finds_its_templates(program: Path, tmp_path: Path) -> None:
    said = run([str(program), "template", "list"], tmp_path).stdout
    assert all(name in said for name in ("base", "node", "python", "react", "postgres"))


def test_the_installed_program_validates_a_file_by_its_own_schema(program: Path, tmp_path: Path) -> None:
    (tmp_path / "nexus.yaml").write_text(
        "name: box\nsandboxes:\n  one:\n    template: base\n    comand: [sleep, '1']\n"
    )
    done = subprocess.run([str(program), "validate"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "comand" in done.stderr
    assert "command" in done.stderr
