"""A file that is not what it is read as keeps its lines to itself, whatever door it comes in by.

The paths are written out in the stack file, so that nothing else stands in the way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nexusctl.cli.main import main
from tests.attacks.stranger import KEPT, MARK, keep, run, said

Door = Callable[[Path, Path], list[str]]
"""Writes the files of a stranger into a folder, for the path of what is kept; returns what is called then."""


def _stack(folder: Path, text: str) -> list[str]:
    (folder / "nexus.yaml").write_text(text)
    return ["validate"]


def by_env_file(folder: Path, path: Path) -> list[str]:
    return _stack(folder, f"name: x\nsandboxes: {{a: {{image: debian, env_file: {path}}}}}\n")


def by_include(folder: Path, path: Path) -> list[str]:
    return _stack(folder, f"name: x\ninclude: [{path}]\nsandboxes: {{a: {{image: debian}}}}\n")


def by_template(folder: Path, path: Path) -> list[str]:
    (folder / "t.yaml").symlink_to(path)
    return _stack(folder, "name: x\nsandboxes: {a: {template: ./t.yaml}}\n")


def by_extended_template(folder: Path, path: Path) -> list[str]:
    (folder / "t.yaml").write_text(f"name: t\ndescription: x\nextends: {path}.yaml\n")
    (path.parent / f"{path.name}.yaml").write_text(path.read_text())
    return _stack(folder, "name: x\nsandboxes: {a: {template: ./t.yaml}}\n")


def by_template_folder(folder: Path, path: Path) -> list[str]:
    (folder / "templates").mkdir()
    (folder / "templates" / "mine.yaml").symlink_to(path)
    return _stack(folder, "name: x\nsandboxes: {a: {template: mine}}\n")


def by_requirements(folder: Path, path: Path) -> list[str]:
    text = f"name: x\nsandboxes: {{a: {{image: debian, packages: {{pip: {{from: {path}}}}}}}}}\n"
    return _stack(folder, text)


def by_variable_file(folder: Path, path: Path) -> list[str]:
    text = "name: x\nvariables: {port: {default: 1}}\nsandboxes: {a: {image: debian}}\n"
    return [*_stack(folder, text), "--var-file", str(path)]


def by_stack_file(folder: Path, path: Path) -> list[str]:
    (folder / "nexus.yaml").symlink_to(path)
    return ["validate"]


def by_several_stack_files(folder: Path, path: Path) -> list[str]:
    return [*_stack(folder, "name: x\n"), "-f", "nexus.yaml", "-f", str(path)]


def by_compose_file(folder: Path, path: Path) -> list[str]:
    return ["import", "compose", str(path), "--stdout"]


def by_env_file_of_compose(folder: Path, path: Path) -> list[str]:
    (folder / "compose.yaml").write_text(f"services: {{a: {{image: debian, env_file: [{path}]}}}}\n")
    return ["import", "compose", "compose.yaml", "--stdout"]


def by_defaults_of_compose(folder: Path, path: Path) -> list[str]:
    (folder / "compose.yaml").write_text("services: {a: {image: debian}}\n")
    (folder / ".env").symlink_to(path)
    return ["import", "compose", "compose.yaml", "--stdout"]


def by_devcontainer(folder: Path, path: Path) -> list[str]:
    return ["import", "devcontainer", str(path), "--stdout"]


def by_dockerfile(folder: Path, path: Path) -> list[str]:
    (folder / "Dockerfile").symlink_to(path)
    return ["init", "--from-dir", "."]


def by_package_json(folder: Path, path: Path) -> list[str]:
    (folder / "package.json").symlink_to(path)
    return ["init", "--from-dir", "."]


def by_pyproject(folder: Path, path: Path) -> list[str]:
    (folder / "pyproject.toml").symlink_to(path)
    return ["init", "--from-dir", "."]


def by_requirements_of_a_project(folder: Path, path: Path) -> list[str]:
    (folder / "requirements.txt").symlink_to(path)
    return ["init", "--from-dir", "."]


def by_lock_of_a_project(folder: Path, path: Path) -> list[str]:
    (folder / "package.json").write_text('{"name": "x", "dependencies": {"a": "1"}}')
    (folder / "package-lock.json").symlink_to(path)
    return ["init", "--from-dir", "."]


def by_encrypted_file(folder: Path, path: Path) -> list[str]:
    return ["secrets", "list", "--file", str(path)]


def by_package_lock(folder: Path, path: Path) -> list[str]:
    (folder / "package.json").write_text("{}")
    (folder / "package-lock.json").symlink_to(path)
    return _stack(folder, "name: x\nsandboxes: {a: {image: debian, packages: {npm: {from: ./package-lock.json}}}}\n")


def by_text_file_of_a_pattern(folder: Path, path: Path) -> list[str]:
    (folder / "kept").symlink_to(path)
    return _stack(folder, "name: x\nvariables: {a: {pattern: x, default: '${file:./kept}'}}\n")


def by_lock_file(folder: Path, path: Path) -> list[str]:
    (folder / "nexus.lock").symlink_to(path)
    _stack(folder, "name: x\nsandboxes: {a: {image: debian}}\n")
    return ["plan", "--locked"]


def by_saved_plan(folder: Path, path: Path) -> list[str]:
    return ["apply", str(path), "--yes"]


DOORS = [value for name, value in sorted(globals().items()) if name.startswith("by_")]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_no_line_is_shown_of_what_does_not_look_like_what_it_is_read_as(
    tmp_path: Path, door: Door, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path / "home")
    for number, kept in enumerate(KEPT):
        folder = tmp_path / f"checkout{number}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", ["nexusctl", *door(folder, tmp_path / "home" / kept)])
        code = main()
        shown = "".join(capfd.readouterr())
        assert code in (0, 1), kept + shown
        assert MARK not in shown.lower(), kept + shown


@pytest.mark.parametrize("as_json", [["--json"], ["--format", "github"]], ids=["json", "github"])
def test_nor_in_what_programs_read(tmp_path: Path, as_json: list[str]) -> None:
    keep(tmp_path / "home")
    done = run(tmp_path, *by_env_file(tmp_path, tmp_path / "home" / ".ssh/id_rsa"), *as_json)
    assert done.returncode == 1
    assert MARK not in said(done)
    assert "does not look like an env file" in said(done)


def test_a_value_of_an_env_file_is_never_shown_where_another_line_of_it_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("A=1\nB=2\nPASSWORD='canary\nmore canary lines\n")
    done = run(tmp_path, *by_env_file(tmp_path, Path("./app.env")))
    assert "app.env:3:10" in done.stderr
    assert "PASSWORD=..." in done.stderr
    assert "app.env:4:1" in done.stderr
    assert MARK not in said(done)


def test_the_wrong_line_of_a_file_that_is_what_it_should_be_is_shown(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("sandboxes:\n  b: {imag: debian}\n")
    done = run(tmp_path, *by_include(tmp_path, Path("./more.yaml")))
    assert "2 |   b: {imag: debian}" in done.stderr
