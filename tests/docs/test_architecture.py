"""The page on the architecture says of arrows what the contracts hold, and its four answers are true of the code."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "explanation" / "architecture.md").read_text()


def read_floors() -> list[set[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["name"].startswith("Arrows point down")]
    return [set(re.findall(r"nexusctl\.(\w+)", layer)) for layer in layers]


def test_the_table_of_arrows_is_the_contract() -> None:
    (table,) = re.findall(r"\| \| what it does \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)

    assert [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines()] == read_floors()


def find_files(tells: Callable[[ast.AST], bool]) -> set[str]:
    """The files of the product with a node of which `tells` is true."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "nexusctl").rglob("*.py")
        if any(map(tells, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }


def reports_unknown_key(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith(("f'unknown key", 'f"unknown key'))


def decides_replace(node: ast.AST) -> bool:
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Decision"
    return named and any(k.arg == "action" and ast.unparse(k.value) == "'replace'" for k in node.keywords)


def makes_tar(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "write_tar"


def takes_interrupt(node: ast.AST) -> bool:
    # With a word it is asked for by the time of an apply, which is over.
    return isinstance(node, ast.Call) and ast.unparse(node) == "interrupt.request()"


@pytest.mark.parametrize(
    ("question", "tells"),
    [
        ("Where is an unknown key reported?", reports_unknown_key),
        ("Where is a replace decided?", decides_replace),
        ("Where is a tar made?", makes_tar),
        ("Where is Ctrl-C handled?", takes_interrupt),
    ],
)
def test_each_question_of_a_newcomer_has_its_answer(question: str, tells: Callable[[ast.AST], bool]) -> None:
    (answer,) = re.findall(rf"^\| {re.escape(question)} \| `([\w./]+)`", PAGE, re.MULTILINE)

    assert find_files(tells) == {answer}
