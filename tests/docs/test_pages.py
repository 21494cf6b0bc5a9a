"""README and the pages say what is so."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from nexusctl.config.load import load
from tests.docs.pages import DOCS, README, ROOT, list_pages

PAGES = {page: page.read_text() for page in list_pages()}
NAMED = sorted({line for text in PAGES.values() for line in re.findall(r"`nexusctl ([a-z]+(?: [a-z|\\]+)?)[ `]", text)})
ROOTS = ("nexusctl", "schemas", "stacks", "tests", "docs", "bench", ".ci")
PATHS = sorted({
    (str(page.relative_to(ROOT)), path)
    for page, text in PAGES.items()
    for path in re.findall(rf"`((?:{'|'.join(map(re.escape, ROOTS))})/[\w./-]*)(?:::\w+)?`", text)
})  # fmt: skip


def test_the_readme_is_short() -> None:
    assert len(PAGES[README].splitlines()) <= 200, "what else a user has to know stands on a page in docs/"


def test_the_first_stack_is_short_and_valid(tmp_path: Path) -> None:
    found = re.search(r"<!-- first stack -->\n```yaml\n(.*?)```.*?```js\n(.*?)```", PAGES[README], re.DOTALL)
    assert found
    (tmp_path / "nexus.yaml").write_text(found[1])
    (tmp_path / "server.js").write_text(found[2])
    assert len(found[1].splitlines()) <= 15
    assert list(load(tmp_path / "nexus.yaml").sandboxes) == ["db", "api"]


@pytest.mark.parametrize("line", NAMED)
def test_every_command_that_is_named_exists(line: str) -> None:
    verb, _, rest = line.partition(" ")
    for word in rest.replace("\\", "").split("|"):
        named = [verb, word] if word and verb in ("template", "engine", "import", "secrets") else [verb]
        assert CliRunner().invoke(nexusctl, [*named, "--help"]).exit_code == 0


@pytest.mark.parametrize(("page", "path"), PATHS)
def test_every_path_that_is_named_exists(page: str, path: str) -> None:
    assert (ROOT / path).exists(), f"{page} names {path}"


def test_every_promise_names_tests() -> None:
    table = PAGES[DOCS / "explanation" / "promises.md"].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 40
    for row in rows:
        assert re.search(r"\| `tests/[^`]+`(, `tests/[^`]+`)* \|$", row), row


def test_the_readme_has_a_row_for_every_verb() -> None:
    """Its table is read as the whole of what there is."""
    rows = re.findall(r"^\| (.*?) \| ", README.read_text().replace("\\|", "|"), re.MULTILINE)
    named = {verb for row in rows for verbs in re.findall(r"nexusctl ([a-z|]+)", row) for verb in verbs.split("|")}
    assert isinstance(nexusctl, click.Group)
    assert [verb for verb in nexusctl.list_commands(click.Context(nexusctl)) if verb not in named] == []
