"""`validate` for programs: JSON for editors, annotations for pull requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nexusctl.cli.main import nexusctl
from nexusctl.errors import Diagnostic, Location, Note
from nexusctl.render.problems import render_annotations

WRONG = "name: shop\nsandboxes:\n  api:\n    templat: node\n    resources: {memory: 12q}\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("nexus.yaml")


def validate(*options: str) -> Result:
    return CliRunner().invoke(nexusctl, ["validate", *options], standalone_mode=False)


def test_github_gets_an_annotation_a_problem_with_its_place_and_what_to_do(file: Path) -> None:
    file.write_text(WRONG)
    done = validate("--format", "github")
    assert done.return_value == 1
    assert done.output.splitlines() == [
        "::error file=nexus.yaml,line=4,col=5,title=unknown key `templat` in `sandboxes.api`::did you mean `template`?",
        (
            "::error file=nexus.yaml,line=5,col=25,title=`sandboxes.api.resources.memory` cannot be `12q`"
            "::write a size such as `512m` or `2g`, at least `6m`, or `none`"
        ),
    ]


def test_json_gets_every_problem_with_line_and_column(file: Path) -> None:
    file.write_text(WRONG)
    done = validate("--format", "json")
    assert done.return_value == 1
    document = json.loads(done.output)
    assert document["format_version"]
    assert [error["location"] for error in document["errors"]] == [
        {"file": "nexus.yaml", "line": 4, "column": 5},
        {"file": "nexus.yaml", "line": 5, "column": 25},
    ]
    assert validate("--json").output == done.output


@pytest.mark.parametrize(
    ("form", "output"), [("github", ""), ("text", "nexus.yaml is valid: stack shop with 0 sandboxes.\n")]
)
def test_a_right_file_has_no_problems(file: Path, form: str, output: str) -> None:
    file.write_text("name: shop\n")
    done = validate("--format", form)
    assert (done.return_value, done.output) == (0, output)


def test_nothing_in_a_message_can_end_an_annotation_or_begin_another() -> None:
    place = Location("a,b:c.yaml", 1, 2)
    problem = Diagnostic(
        "50% of `a,b`: wrong\n::error::x", place, notes=(Note("first here", place),), hint="mend\r\nit"
    )
    assert render_annotations([problem]) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=50%25 of `a%2Cb`%3A wrong%0A%3A%3Aerror%3A%3Ax"
        "::first here (a,b:c.yaml:1:2)%0Amend%0D%0Ait\n"
    )
