"""The map of the house: every folder of the package, with the first paragraph of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.docs.pages import ROOT

PACKAGE = ROOT / "nexusctl"


def render_folders() -> str:
    """A table of all folders with modules in them, in the order of their names."""
    rows = ["| folder | what is in it |", "|---|---|"]
    for folder in list_folders():
        said = first_paragraph(folder).replace("|", "\\|")
        rows.append(f"| `{folder.relative_to(ROOT)}/` | {said} |")
    return "\n".join(rows)


def list_folders() -> list[Path]:
    return sorted(init.parent for init in PACKAGE.rglob("__init__.py"))


def first_paragraph(folder: Path) -> str:
    """What `__init__.py` says first; its docstring may be longer. Empty where it says nothing."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return " ".join(said.partition("\n\n")[0].split())
