"""Files of others become stack files; what has no place in one is listed with its line and the reason.

`python -m tests.importers.test_golden` writes the expected files anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nexusctl.cli.main import nexusctl
from nexusctl.config.load import load
from nexusctl.errors import Diagnostic, InputError

HERE = Path(__file__).parent
CASES = sorted(path.parent for kind in ("compose", "devcontainer") for path in (HERE / kind).glob("*/compose.yaml"))
CASES += sorted(path.parent for path in (HERE / "devcontainer").glob("*/devcontainer.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_import_writes_what_fits_and_lists_the_rest(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = at_home(case, tmp_path)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    done = run(case)
    assert done.exit_code == 0, done.output
    assert done.stdout == (case / "expected.yaml").read_text()
    assert done.stderr == (case / "expected.txt").read_text()
    written = run(case, "--file", "written.yaml")
    assert written.exit_code == 0, written.output
    assert (folder / "written.yaml").read_text() == done.stdout
    assert load(folder / "written.yaml").sandboxes


def test_what_would_not_be_valid_is_shown_at_its_place_in_the_file_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = refuse('name: x\nservices: {a: {image: x, environment: ["BAD KEY=1"]}}\n')
    assert str(problem.location) == "nexus.yaml:7:7"
    assert problem.notes[-1].text == "nexus.yaml was not written; with `--stdout` this import shows what it would be"
    assert [path.name for path in tmp_path.iterdir()] == ["compose.yaml"]


def test_the_other_place_of_a_problem_is_one_of_the_file_that_was_meant_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = refuse("name: x\nservices: {a: {image: x, volumes: ['.:/x', '.:/x']}}\n")
    assert {note.location.file for note in problem.notes if note.location} == {"nexus.yaml"}


def test_a_folder_behind_a_variable_is_written_only_where_it_means_the_same_for_both_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub/data").mkdir(parents=True)
    services = "{a: {image: x, volumes: ['${D:-./data}:/a', '${ABSOLUTE}:/b'], env_file: '${E:-./data.env}'}}"
    (tmp_path / "sub/compose.yaml").write_text(f"name: x\nservices: {services}\n")
    (tmp_path / "sub/data.env").write_text("A=1\n")
    monkeypatch.setenv("ABSOLUTE", str(tmp_path / "sub"))
    for folder, file in ((tmp_path / "sub", "compose.yaml"), (tmp_path, "sub/compose.yaml")):
        monkeypatch.chdir(folder)
        done = CliRunner().invoke(nexusctl, ["import", "compose", file, "--stdout"])
        same = folder.name == "sub"
        assert ("${env.D:-./data}:/a" in done.stdout) is same
        assert ("${env.E:-./data.env}" in done.stdout) is same
        assert "${env.ABSOLUTE:-}:/b" in done.stdout
        assert done.stderr.count("is known only with its variables") == (0 if same else 2)


def refuse(compose: str) -> Diagnostic:
    """The one problem of importing this Compose file into the folder that it is written to, the current one."""
    Path("compose.yaml").write_text(compose)
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(
            nexusctl, ["import", "compose", "compose.yaml"], standalone_mode=False, catch_exceptions=False
        )
    (problem,) = caught.value.diagnostics
    return problem


@pytest.mark.parametrize(
    ("files", "way"),
    [
        ('"../compose.yaml"', "`nexusctl import compose compose.yaml` writes all services"),
        (
            '["../a.yaml", "b.yaml"]',
            "`docker compose -f a.yaml -f .devcontainer/b.yaml config > merged.yaml` makes one of them",
        ),
    ],
)
def test_a_devcontainer_that_is_a_service_of_compose_sends_to_its_files(
    files: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".devcontainer").mkdir()
    text = f'{{"dockerComposeFile": {files}, "service": "app", "customizations": {{}}, "mounts": []}}'
    (tmp_path / ".devcontainer" / "devcontainer.json").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(nexusctl, ["import", "devcontainer", "."], standalone_mode=False, catch_exceptions=False)
    (problem,) = caught.value.diagnostics
    assert (problem.hint or "").startswith(way)
    assert [note.text for note in problem.notes] == ["add to its service by hand what stands beside it: mounts"]
    assert not (tmp_path / "nexus.yaml").exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("include: [other.yaml]\nservices: {a: {image: x}}\n", "include"),
        ("services: {a: {image: x}, b: {extends: {service: a}}}\n", "services.b.extends"),
    ],
)
def test_a_file_that_is_one_of_several_parts_sends_to_what_makes_one_of_them(
    text: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = refuse(text)
    assert problem.summary == f"{what}: this file is one of several parts"
    assert "`docker compose -f compose.yaml --profile '*' config > merged.yaml`" in (problem.hint or "")
    assert problem.location


def test_a_line_with_a_secret_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    service = (
        "{image: x, devices: y, build: {context: ., args: {A_TOKEN: of-no-use}}, environment: {PASSWORD: nor-this}}"
    )
    Path("compose.yaml").write_text(f"services: {{a: {service}}}\n")
    done = CliRunner().invoke(nexusctl, ["import", "compose", "compose.yaml", "--stdout"], standalone_mode=False)
    assert "services.a.devices" in done.stderr
    assert "of-no-use" not in done.output
    assert "nor-this" not in done.output


def at_home(case: Path, place: Path) -> Path:
    """A copy of the case in the folder `place`, beside a home folder, from which some files mount what lies there."""
    shutil.copytree(case / "data", place / "home" / "data") if (case / "data").is_dir() else (place / "home").mkdir()
    return shutil.copytree(case, place / case.name)


def run(case: Path, *how: str) -> Result:
    kind = case.parent.name
    file = "compose.yaml" if kind == "compose" else "devcontainer.json"
    return CliRunner().invoke(
        nexusctl, ["import", kind, file, *(how or ("--stdout", "-f", "new.yaml"))], standalone_mode=False
    )


if __name__ == "__main__":
    import os
    import tempfile

    for place in CASES:
        with tempfile.TemporaryDirectory() as name:
            at_home(place, Path(name))
            os.environ["HOME"] = str(Path(name) / "home")
            os.chdir(Path(name) / place.name)
            result = run(place)
        (place / "expected.yaml").write_text(result.stdout)
        (place / "expected.txt").write_text(result.stderr)
