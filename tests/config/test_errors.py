"""What a user reads who wrote something wrong: every folder in `errors/` is one mistake and the words for it.

`NEXUS_UPDATE_GOLDEN=1 pytest tests/config` writes the words anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexusctl.config import template
from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.render.diagnostic import render_diagnostics

HERE = Path(__file__).parent
CASES = sorted(folder.name for folder in (HERE / "errors").iterdir() if folder.is_dir())


def said_about(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(template, "FOLDER", HERE / "templates")
    with pytest.raises(InputError) as caught:
        load(Path("nexus.yaml"))
    return render_diagnostics(caught.value.diagnostics)


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_told_in_these_words(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = HERE / "errors" / case
    said = said_about(folder, monkeypatch)
    expected = folder / "expected.txt"
    if os.environ.get("NEXUS_UPDATE_GOLDEN"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_problem_says_what_to_do_about_it(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "errors" / case)
    monkeypatch.setattr(template, "FOLDER", HERE / "templates")
    with pytest.raises(InputError) as caught:
        load(Path("nexus.yaml"))
    assert [problem.summary for problem in caught.value.diagnostics if not problem.hint] == []
