"""What an option says that was given something else than it takes."""

from __future__ import annotations

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


@pytest.mark.parametrize("verb", [["destroy", "--yes"], ["status"], ["logs"], ["drift"]])
def test_whoever_has_lost_what_the_file_needs_hears_that_a_stack_can_be_named(verb: list[str], tmp_path: Path) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text("name: shop\nsandboxes: {api: {image: i, uploads: [{source: ./gone, target: /x}]}}\n")
    done = CliRunner().invoke(nexusctl, [*verb, "-f", str(file)], standalone_mode=False)
    assert isinstance(done.exception, InputError)
    assert "./gone" in done.exception.diagnostics[0].summary
    assert done.exception.diagnostics[-1].hint == "`--stack NAME` names it, and needs no file"
