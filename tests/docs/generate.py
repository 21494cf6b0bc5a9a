"""The parts of the pages that are made from what they describe; `python -m tests.docs.generate` writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs.catalogue import render_templates
from tests.docs.commands import render_commands
from tests.docs.fields import render_fields
from tests.docs.folders import render_folders
from tests.docs.pages import DOCS, insert
from tests.docs.tools import render_tools

PARTS: Mapping[str, tuple[Path, Callable[[], str]]] = {
    "fields": (DOCS / "reference" / "stack-file.md", render_fields),
    "commands": (DOCS / "reference" / "commands.md", render_commands),
    "tools": (DOCS / "reference" / "agent-tools.md", render_tools),
    "templates": (DOCS / "reference" / "templates.md", render_templates),
    "folders": (DOCS / "explanation" / "architecture.md", render_folders),
}
"""By the name of the marks that each stands between: the page, and what makes it."""


def make_anew(part: str) -> tuple[Path, str]:
    """The page of `part`, and its text with that part as it has to be now."""
    page, render = PARTS[part]
    return page, insert(page.read_text(), part, render())


if __name__ == "__main__":
    for name in PARTS:
        path, text = make_anew(name)
        path.write_text(text)
