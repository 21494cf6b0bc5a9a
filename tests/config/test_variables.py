"""Where the value of a variable comes from, and what a text from outside is read as."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.model.load_request import Given, Inputs


def env_of(folder: Path, variables: str, value: str = "${var.x}", given: Given = Given()) -> str:  # noqa: B008
    """What an environment variable with `value` comes to in a stack with these variables."""
    path = folder / "nexus.yaml"
    path.write_text(
        f"name: shop\nvariables:\n  {variables}\nsandboxes:\n  api: {{image: debian, env: {{X: '{value}'}}}}\n"
    )
    return load(Inputs(files=(path,), given=given)).sandboxes["api"].env["X"]


def test_the_command_line_wins_over_files_over_the_environment_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("x: first file\n")
    second.write_text("x: second file\n")
    declared = "x: {default: default}"
    assert env_of(tmp_path, declared) == "default"
    monkeypatch.setenv("NEXUS_VAR_x", "environment")
    assert env_of(tmp_path, declared) == "environment"
    assert env_of(tmp_path, declared, given=Given(files=(first,))) == "first file"
    assert env_of(tmp_path, declared, given=Given(files=(first, second))) == "second file"
    assert env_of(tmp_path, declared, given=Given(files=(first,), values={"x": "--var"})) == "--var"


@pytest.mark.parametrize(
    ("kind", "text", "value", "shown"),
    [
        ("string", "007", "${var.x}", "007"),
        ("string", "", "<${var.x}>", "<>"),
        ("string", "a: [b", "${var.x}", "a: [b"),
        ("integer", " 3000 ", "${var.x}", "3000"),
        ("number", "1.50", "${var.x}", "1.50"),
        ("boolean", "true", "${var.x}", "true"),
        ("list", "[a, {b: c}]", "${var.x.1.b}", "c"),
        ("list", "- a\n- b", "${var.x.1}", "b"),
        ("map", '{"a": {"b": 1.0}}', "${var.x.a.b}", "1.0"),
    ],
)
def test_a_text_from_outside_is_read_as_the_type_says(
    kind: str, text: str, value: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = f"x: {{type: {kind}}}"
    assert env_of(tmp_path, declared, value, Given(values={"x": text})) == shown
    monkeypatch.setenv("NEXUS_VAR_x", text)
    assert env_of(tmp_path, declared, value) == shown


def test_what_comes_from_outside_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("x: ${env.HOME} $${y}\n")
    assert env_of(tmp_path, "x:", given=Given(files=(tmp_path / "values.yaml",))) == "${env.HOME} $${y}"
    assert env_of(tmp_path, "x:", given=Given(values={"x": "${var.x}"})) == "${var.x}"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, b"NEXUS_TEST_BYTES", b"a\xff")
    monkeypatch.setitem(os.environb, b"NEXUS_VAR_x", b"a\xff")
    with pytest.raises(InputError) as caught:
        env_of(tmp_path, "x:", "${var.x}${env.NEXUS_TEST_BYTES}")
    assert [problem.summary for problem in caught.value.diagnostics] == [
        "the variable `x`, set by NEXUS_VAR_x, is not UTF-8",
        "the variable `NEXUS_TEST_BYTES` of the environment is not UTF-8",
    ]


def test_a_pipe_or_device_is_not_read_as_a_text(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/zero")
    (tmp_path / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    for name, problem in (
        ("pipe", "is a socket"),
        ("null", "leads out of its folder, to `/dev/zero`"),
        ("large", "is larger than 1 MiB"),
    ):
        with pytest.raises(InputError, match=problem):
            env_of(tmp_path, "x: {default: a}", "${file:./" + name + "}")
