"""What the pages say of fields, commands and folders is made from these."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.commands import list_commands
from tests.docs.folders import first_paragraph, list_folders
from tests.docs.generate import PARTS, make_anew
from tests.docs.pages import DOCS, ROOT


@pytest.mark.parametrize("part", PARTS)
def test_each_generated_part_is_current(part: str) -> None:
    page, text = make_anew(part)
    assert page.read_text() == text, "run `python -m tests.docs.generate`"


@pytest.mark.parametrize("words", list_commands(), ids=" ".join)
def test_each_command_has_its_help(words: tuple[str, ...]) -> None:
    text = (DOCS / "reference" / "commands.md").read_text()
    assert f"# {' '.join(('nexusctl', *words))}\n\n```text\nUsage: nexusctl {' '.join(words)}".rstrip() in text


@pytest.mark.parametrize("folder", list_folders(), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_each_folder_says_what_is_in_it(folder: Path) -> None:
    assert first_paragraph(folder)
