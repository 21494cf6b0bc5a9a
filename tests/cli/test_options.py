"""What an option says that was given something else than it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from nexusctl.errors import InputError


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["s3cr3t"], "has no `=`; write `--var NAME=VALUE`"),
        (["=s3cr3t"], "has no name before its `=`; write `--var NAME=VALUE`"),
        (["a=1", "s3cr3t", "c=3"], "number 2 of 3 has no `=`, behind `--var a=...`; write `--var NAME=VALUE`"),
        (["a=s3cr3t", "=3"], "number 2 of 2 has no name before its `=`, behind `--var a=...`; write"),
        (["s3cr3t", "a=1"], "number 1 of 2 has no `=`; write `--var NAME=VALUE`"),
    ],
)
def test_a_variable_without_its_sign_is_told_by_its_place_and_never_shown(given: list[str], said: str) -> None:
    words = [word for pair in given for word in ("--var", pair)]
    done = CliRunner().invoke(nexusctl, ["validate", *words], standalone_mode=False)
    assert isinstance(done.exception, click.BadParameter)
    message = done.exception.format_message()
    assert message.startswith(f"Invalid value for --var: {said}")
    assert "s3cr3t" not in message


@pytest.mark.parametrize("verb", [["destroy", "--yes"], ["status"], ["logs"], ["drift"], ["exec"], ["unlock"]])
def test_whoever_has_lost_what_the_file_needs_hears_that_a_stack_can_be_named(verb: list[str], tmp_path: Path) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text("sandboxes: {api: {image: i}}\n")
    words = ["api", "true"] if verb == ["exec"] else []
    done = CliRunner().invoke(nexusctl, [*verb, "-f", str(file), *words], standalone_mode=False)
    assert isinstance(done.exception, InputError)
    assert "lacks `name`" in done.exception.diagnostics[0].summary
    assert done.exception.diagnostics[-1].hint == "`--stack NAME` names it, and needs no file"


@pytest.mark.parametrize(("state", "hint"), [("runing", "did you mean `running`?"), ("foo", "states: `absent`")])
def test_a_state_that_there_is_not_is_a_mistake(state: str, hint: str) -> None:
    done = CliRunner().invoke(nexusctl, ["status", "--stack", "x", "--state", state])
    assert done.exit_code == 2
    assert hint in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up"], "there is no command `up`; did you mean `nexusctl apply`?"),
        (["down"], "did you mean `nexusctl destroy`?"),
        (["ps"], "did you mean `nexusctl status`?"),
        (["list"], "did you mean `nexusctl ls`?"),
        (["sttus"], "did you mean `status`?"),
        (["hlep", "apply"], "did you mean `help`?"),
        (["template", "ls"], "there is no command `ls`; did you mean `list`?"),
        (["import", "compos"], "did you mean `compose`?"),
        (["plan", "-json"], "there is no option `-json`; write `--json`"),
        (["status", "-stack", "x"], "write `--stack`"),
        (["apply", "-file", "x"], "write `--file`"),
        (["apply", "-var=a=s3cr3t"], "write `--var=`"),
        (["exec", "-user", "root", "web", "ls"], "write `--user`"),
        (["secrets", "list", "-json"], "write `--json`"),
        (["-version"], "write `--version`"),
    ],
)
def test_a_word_of_others_leads_to_ours(words: list[str], said: str) -> None:
    done = CliRunner().invoke(nexusctl, words)
    assert done.exit_code == 2
    assert said in done.output
    assert "s3cr3t" not in done.output


@pytest.mark.parametrize("words", [["version"], ["help"], ["help", "plan"], ["help", "import", "compose"]])
def test_version_and_help_are_commands_too(words: list[str]) -> None:
    option = ["--version"] if words == ["version"] else [*words[1:], "--help"]
    asked, usual = CliRunner().invoke(nexusctl, words), CliRunner().invoke(nexusctl, option)
    assert asked.exit_code == usual.exit_code == 0
    # The usage begins with the program's name, which each way of asking finds for itself.
    assert asked.output.splitlines()[1:] == usual.output.splitlines()[1:]


def test_a_stack_file_comes_from_stdin_and_names_what_lies_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.env").write_text("A=b\n")
    text = "name: shop\nsandboxes: {api: {image: i, env_file: a.env}}\n"
    done = _run("validate", "-f", "-", stdin=text)
    assert (done.returncode, done.stdout) == (0, "stdin is valid: stack shop with 1 sandbox.\n")
    wrong = _run("validate", "-f", "-", stdin=text.replace("a.env", "b.env"))
    assert "stdin:2:" in wrong.stderr
    assert "stdin can be read only once" in _run("validate", "-f", "-", "-f", "-", stdin=text).stderr


def test_the_other_ending_is_found_and_compose_files_offer_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docker-compose.yml").write_text("services: {}\n")
    missing = _run("validate")
    assert missing.returncode == 1
    assert "`nexusctl import compose docker-compose.yml` writes one" in missing.stderr
    (tmp_path / "nexus.yml").write_text("name: shop\nsandboxes: {}\n")
    assert "nexus.yml is valid: stack shop" in _run("validate").stdout
    (tmp_path / "nexus.yaml").write_text("name: other\nsandboxes: {}\n")
    assert "nexus.yaml is valid: stack other" in _run("validate").stdout


def _run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexusctl", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
