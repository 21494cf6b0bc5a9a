"""What the variables of a devcontainer.json stand for after an import: as the devcontainer CLI answers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from nexusctl.config.load import load
from nexusctl.model.stack import Sandbox

CLI = "@devcontainers/cli@0.89.0"

TEXTS = {
    "LOCAL": ("${localWorkspaceFolder}/a", "{folder}/a"),
    "THERE": ("${containerWorkspaceFolder}/a", "{folder}/a"),
    "NAMES": ("${localWorkspaceFolderBasename}-${containerWorkspaceFolderBasename}", "project-project"),
    "UNSET": ("[${localEnv:NOWHERE}]", "[]"),
    "INSTEAD": ("${localEnv:NOWHERE:b}${env:NOWHERE:c}", "bc"),
    "SECOND_COLON": ("${localEnv:NOWHERE:http://x:1}", "http"),
    "SET": ("${localEnv:SOMEWHERE:b}", "some"),
    "UNKNOWN": ("${unknown}", "${unknown}"),
    "OPEN": ("${localEnv:SOMEWHERE", "${localEnv:SOMEWHERE"),
    "PAIR": ("\U0001f600 and \U0001f601", "\U0001f600 and \U0001f601"),
    "DOLLAR": ("$HOME $$ \\ \" '", "$HOME $$ \\ \" '"),
}
"""Values of `containerEnv`, with what the CLI says that they are; `{folder}` is the project's."""

COMMANDS = {
    "${localWorkspaceFolder}/run": "{folder}/run",
    "echo ${containerEnv:A:b} ${containerEnv:A}": "echo ${A-b} ${A}",
    "echo ${containerEnv:A:$b} '${localEnv:SOMEWHERE}'": "echo ${A-\\$b} 'some'",
    "echo ${A:-b} $A": "echo ${A:-b} $A",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOMEWHERE", "some")
    monkeypatch.delenv("NOWHERE", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, **said: Any) -> None:
    # The pair of one sign stands in it as JSON has it.
    (folder / ".devcontainer.json").write_text(json.dumps({"image": "img", **said}, ensure_ascii=True))


def read(folder: Path) -> Sandbox:
    done = CliRunner().invoke(nexusctl, ["import", "devcontainer", ".", "--stdout"])
    assert done.exit_code == 0, done.output
    (folder / "nexus.yaml").write_text(done.stdout)
    (sandbox,) = load(folder / "nexus.yaml").sandboxes.values()
    return sandbox


def ask_cli(folder: Path) -> Any:
    argv = ["npx", "--yes", CLI, "read-configuration", "--workspace-folder", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)["configuration"]


SAME_PATH = {
    "workspaceFolder": "${localWorkspaceFolder}",
    "workspaceMount": "source=${localWorkspaceFolder},target=${localWorkspaceFolder},type=bind",
}


def test_values_are_what_the_cli_makes_of_them(project: Path) -> None:
    write(project, containerEnv={name: text for name, (text, _) in TEXTS.items()}, **SAME_PATH)
    expected = {name: text.replace("{folder}", str(project)) for name, (_, text) in TEXTS.items()}
    assert dict(read(project).env) == expected


@pytest.mark.engine
def test_the_cli_itself_says_so(project: Path) -> None:
    write(project, containerEnv={name: text for name, (text, _) in TEXTS.items()}, **SAME_PATH)
    expected = {name: text.replace("{folder}", str(project)) for name, (_, text) in TEXTS.items()}
    answer = ask_cli(project)
    assert answer["containerEnv"] == expected
    assert answer["workspaceMount"] == f"source={project},target={project},type=bind"


def test_a_workspace_may_have_one_path_on_both_sides(project: Path) -> None:
    write(project, **SAME_PATH)
    sandbox = read(project)
    assert sandbox.working_dir == str(project)
    assert [(mount.source, mount.target) for mount in sandbox.mounts] == [(str(project), str(project))]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_gets_its_folders_and_leaves_to_the_shell_what_the_container_knows(
    project: Path, command: str
) -> None:
    write(project, postCreateCommand=command)
    expected = COMMANDS[command].replace("{folder}", str(project))
    assert read(project).startup == expected


@pytest.mark.parametrize("known", [{}, {"A": "x y"}, {"A": ""}])
def test_words_of_a_command_stay_words(project: Path, known: dict[str, str]) -> None:
    words = ["printf", "<%s>", "a'b", "${containerEnv:A}", 'q"$b ${containerEnv:A:c d}', "${localEnv:SOMEWHERE} $HOME"]
    write(project, onCreateCommand=words)
    startup = read(project).startup or ""
    env = {name: value for name, value in os.environ.items() if name != "A"} | known
    done = subprocess.run(["sh", "-c", startup], env=env, capture_output=True, text=True, check=True)
    own, other = known.get("A", ""), known.get("A", "c d")
    assert done.stdout == f"<a'b><{own}><q\"$b {other}><some $HOME>"


def test_the_name_of_a_devcontainer_is_made_as_the_cli_makes_it(project: Path) -> None:
    write(project, containerEnv={"ID": "x-${devcontainerId}"}, postCreateCommand="echo ${devcontainerId}")
    labels = {
        "devcontainer.config_file": str(project / ".devcontainer.json"),
        "devcontainer.local_folder": str(project),
    }
    digest = hashlib.sha256(json.dumps(labels, separators=(",", ":")).encode()).hexdigest()
    code = "console.log(BigInt('0x' + process.argv[1]).toString(32).padStart(52, '0'))"
    expected = subprocess.run(["node", "-e", code, digest], capture_output=True, text=True, check=True).stdout.strip()
    sandbox = read(project)
    assert sandbox.env == {"ID": f"x-{expected}"}
    assert sandbox.startup == f"echo {expected}"
