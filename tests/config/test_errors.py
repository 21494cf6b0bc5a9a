"""What a user reads who wrote something wrong: every folder in `errors/` is one mistake and the words for it.

`NEXUS_UPDATE_GOLDEN=1 pytest tests/config` writes the words anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.config.templates import builtin as template_found
from nexusctl.errors import Diagnostic, InputError
from nexusctl.render.diagnostic import render_diagnostics
from tests.config.folder import read_environment, read_inputs

HERE = Path(__file__).parent
CASES = sorted(folder.name for folder in (HERE / "errors").iterdir() if folder.is_dir())


def problems_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Diagnostic, ...]:
    """What is wrong with the file in `folder`, loaded with what its `inputs.json` says."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(template_found, "FOLDER", HERE / "templates")
    for name, value in read_environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as caught:
        load(read_inputs())
    return caught.value.diagnostics


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_told_in_these_words(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = HERE / "errors" / case
    said = render_diagnostics(problems_of(folder, monkeypatch))
    expected = folder / "expected.txt"
    if os.environ.get("NEXUS_UPDATE_GOLDEN"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_problem_says_what_to_do_about_it(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_of(HERE / "errors" / case, monkeypatch)
    assert [problem.summary for problem in problems if not problem.hint] == []
