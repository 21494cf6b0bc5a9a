"""First stack files: what is written is valid, works as it stands, and is never written over something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from nexusctl.config.load import load, load_template, template_names
from nexusctl.errors import InputError
from nexusctl.model.stack import Sandbox
from tests.stacks.stack_copy import FIRST_APPLY, TIMEOUT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my_Project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*words: str, **more: Any) -> str:
    done = CliRunner().invoke(nexusctl, words, catch_exceptions=False, **more)
    assert done.exit_code == 0, done.output
    return done.output


def propose(folder: Path, **files: str) -> Sandbox:
    """The sandbox that is proposed for a folder with these files; `__` is a dot in their names."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    run("init", "--from-dir", ".")
    return load(folder / "nexus.yaml").sandboxes["app"]


@pytest.mark.parametrize("name", template_names())
def test_a_stack_from_a_template_is_valid(folder: Path, name: str) -> None:
    run("init", "--template", name)
    stack = load(folder / "nexus.yaml")
    assert (stack.name, stack.sandboxes["app"].template) == ("my-project", name)


def test_nothing_is_written_over(folder: Path) -> None:
    (folder / "nexus.yaml").write_text("name: mine\n")
    with pytest.raises(InputError, match=r"there is a `nexus\.yaml` already"):
        run("init", "--template", "node")
    assert (folder / "nexus.yaml").read_text() == "name: mine\n"
    assert [path.name for path in folder.iterdir()] == ["nexus.yaml"]


def test_without_a_terminal_it_says_what_to_pass(folder: Path) -> None:
    with pytest.raises(InputError, match="no terminal"):
        run("init")
    assert list(folder.iterdir()) == []


def test_an_unknown_template_writes_nothing(folder: Path) -> None:
    with pytest.raises(InputError, match="there is no template `nod`"):
        run("init", "--template", "nod")
    assert list(folder.iterdir()) == []


def test_a_node_project(folder: Path) -> None:
    package = {"name": "@shop/Api", "scripts": {"start": "node server.js"}, "dependencies": {"express": "^4.19"}}
    server = "require('express')().listen(process.env.PORT || 4000)"
    sandbox = propose(folder, package__json=json.dumps(package), server__js=server)
    assert (sandbox.template, sandbox.command, sandbox.ports[0].container) == ("node", ("npm", "start"), 4000)
    assert [package.name for package in sandbox.packages[0].packages] == ["express"]
    assert {file.path for file in sandbox.uploads[0].files} == {"", "package.json", "server.js"}
    assert load(folder / "nexus.yaml").name == "shop-api"


def test_a_python_project(folder: Path) -> None:
    sandbox = propose(folder, requirements__txt="flask==3.0\n", app__py="app = 1\n")
    assert (sandbox.template, sandbox.packages[0].lock_name) == ("python", "requirements.txt")
    assert sandbox.command
    assert sandbox.command[:3] == ("flask", "--app", "app")


def test_a_python_project_that_names_its_packages_in_pyproject(folder: Path) -> None:
    text = '[project]\nname = "Tool Box"\ndependencies = ["requests >= 2.31", "x @ https://example.com/x.whl"]\n'
    done = CliRunner()
    (folder / "pyproject.toml").write_text(text)
    (folder / "main.py").write_text("print(1)\n")
    said = done.invoke(nexusctl, ["init", "--from-dir", "."], catch_exceptions=False)
    assert "pip cannot install it by its name" in said.output
    stack = load(folder / "nexus.yaml")
    assert stack.name == "tool-box"
    assert [package.version for package in stack.sandboxes["app"].packages[0].packages] == [">=2.31"]


def test_a_dockerfile(folder: Path) -> None:
    text = (
        "FROM golang AS build\nRUN go build\nFROM debian:bookworm-slim\nWORKDIR /srv\nENV A=1 B='2 3'\nCOPY run.sh ./\n"
        'RUN apt-get update && \\\n  apt-get install -y curl\nEXPOSE 8080\nCMD ["sh", "run.sh"]\n'
    )
    sandbox = propose(folder, Dockerfile=text, run__sh="echo\n")
    assert (sandbox.image, sandbox.working_dir, sandbox.command) == ("debian:bookworm-slim", "/srv", ("sh", "run.sh"))
    assert (sandbox.env, sandbox.ports[0].container) == ({"A": "1", "B": "2 3"}, 8080)
    assert sandbox.uploads[0].target == "/srv/run.sh"


def test_a_folder_that_says_nothing(folder: Path) -> None:
    with pytest.raises(InputError, match="nothing in"):
        run("init", "--from-dir", ".")


@pytest.mark.parametrize("text", ["{", "[]", '{"dependencies": 3, "scripts": []}', '{"main": {}}'])
def test_a_package_json_that_is_none_is_no_crash(folder: Path, text: str) -> None:
    (folder / "package.json").write_text(text)
    done = CliRunner().invoke(nexusctl, ["init", "--from-dir", "."])
    assert done.exception is None or isinstance(done.exception, InputError)
    assert (folder / "nexus.yaml").exists() == (done.exception is None)


@pytest.mark.engine
@pytest.mark.parametrize("name", ["node", "python"])
def test_what_is_written_from_a_template_is_applied_and_healthy(folder: Path, name: str) -> None:
    stack = f"init-{uuid4().hex[:8]}"
    run("init", "--template", name)
    text = (folder / "nexus.yaml").read_text()
    (folder / "nexus.yaml").write_text(text.replace("name: my-project", f"name: {stack}"))
    command = [sys.executable, "-m", "nexusctl"]
    try:
        subprocess.run([*command, "apply", "--yes"], cwd=folder, check=True, timeout=FIRST_APPLY)
        ask = [*command, "status", "--json"]
        shown = subprocess.run(ask, cwd=folder, check=True, capture_output=True, timeout=TIMEOUT)
        (sandbox,) = json.loads(shown.stdout)["sandboxes"]
        assert sandbox["health"] == "healthy"
    finally:
        subprocess.run([*command, "destroy", "--yes", "--stack", stack], cwd=folder, check=True, timeout=TIMEOUT)


def test_a_template_to_start_from_is_valid_listed_and_used(folder: Path) -> None:
    run("template", "init", "worker", "--extends", "python")
    assert load_template("worker").image == load_template("python").image
    assert "worker" in run("template", "list")
    (folder / "nexus.yaml").write_text("name: x\nsandboxes: {a: {template: worker, with: {port: 80}}}\n")
    assert load(folder / "nexus.yaml").sandboxes["a"].env == {"PORT": "80"}
    with pytest.raises(InputError, match="already"):
        run("template", "init", "worker")
    with pytest.raises(InputError, match="cannot be the name"):
        run("template", "init", "../x")


def test_a_page_of_next_is_served_while_it_is_written_because_nothing_has_built_it(folder: Path) -> None:
    scripts = {"dev": "next dev -p 4000", "build": "next build", "start": "next start -p 4000"}
    package = {"scripts": scripts, "dependencies": {"next": "14.2.3"}, "devDependencies": {"typescript": "^5"}}
    sandbox = propose(folder, package__json=json.dumps(package))
    assert (sandbox.command, sandbox.ports[0].container) == (("npm", "run", "dev"), 4000)
    assert [package.name for package in sandbox.packages[0].packages] == ["typescript", "next"]
    assert ".next/" in (folder / "nexus.yaml").read_text()


def test_a_project_of_poetry(folder: Path) -> None:
    wanted = 'python = "^3.11"\nflask = "^3.0.2"\nclick = "~8.1"\nattrs = "^0.2"\nsix = "1.16"\nrich = "*"\n'
    more = 'requests = {version = "^2", extras = ["socks"]}\nmine = {path = "../mine"}\n'
    more += 'late = {version = "1", optional = true}\n'
    text = f'[tool.poetry]\nname = "Shop"\n[tool.poetry.dependencies]\n{wanted}{more}'
    sandbox = propose(folder, pyproject__toml=text, app__py="")
    named = {package.name: package.version for package in sandbox.packages[0].packages}
    assert named == {
        "flask": ">=3.0.2,<4",
        "click": ">=8.1,<8.2",
        "attrs": ">=0.2,<0.3",
        "six": "==1.16",
        "rich": "",
        "requests[socks]": ">=2,<3",
    }
    assert sandbox.command is not None
    assert load(folder / "nexus.yaml").name == "shop"


def test_of_requirements_that_no_file_can_bring_along_the_packages_are_named(folder: Path) -> None:
    text = "-e .\nflask==3.0.0 \\\n    --hash=sha256:00\nrequests >= 2 ; python_version > '3.8'\n"
    sandbox = propose(folder, requirements__txt=text, app__py="")
    assert [package.name for package in sandbox.packages[0].packages] == ["flask", "requests"]


def test_a_dockerfile_without_an_image_is_said_to_have_none(folder: Path) -> None:
    (folder / "Dockerfile").write_text("RUN true\n")
    with pytest.raises(InputError, match="it has no `FROM`"):
        run("init", "--from-dir", ".")
    assert [path.name for path in folder.iterdir()] == ["Dockerfile"]


def test_a_project_of_several_packages_says_that_it_needs_a_lock(folder: Path) -> None:
    (folder / "package.json").write_text('{"workspaces": ["packages/*"], "scripts": {"start": "x"}}')
    assert "its members need a package-lock.json" in run("init", "--from-dir", ".")


def test_a_template_to_start_from_shows_an_image_and_a_recipe_that_work(folder: Path) -> None:
    path = folder / "templates" / "worker.yaml"
    run("template", "init", "worker", "--extends", "base")
    above, mark, rest = path.read_text().partition("# In the place")
    shown, _, below = rest.partition("\n\n")
    recipe = [line.removeprefix("# ") for line in shown.splitlines()[1:]]
    assert mark
    path.write_text(above.replace("extends: base\n", "") + "\n".join(recipe) + "\n" + below)
    made = load_template("worker")
    assert made.image == "python:3.12-slim-bookworm"
    assert made.recipe
    assert made.recipe.apt == ("python3", "python3-pip")
