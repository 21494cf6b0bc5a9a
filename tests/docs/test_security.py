"""The page "Security" promises nothing that no test holds."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, README, ROOT

PAGE = DOCS / "security.md"
TEXT = PAGE.read_text()
PROMISED = TEXT.split("## What is promised")[1].split("\n## ")[0]
ROWS = [line for line in PROMISED.splitlines() if line.startswith("| ")][1:]
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", TEXT)))


@pytest.mark.parametrize("row", ROWS)
def test_each_promise_names_its_test(row: str) -> None:
    promise, _, tests = row.strip("| ").rpartition(" | ")
    assert promise
    assert re.fullmatch(r"`tests/[^`]+`(, `tests/[^`]+`)*", tests), row


@pytest.mark.parametrize("named", NAMED)
def test_each_test_that_is_named_exists(named: str) -> None:
    file, _, name = named.partition("::")
    path = ROOT / file
    assert path.exists(), file
    if name:
        assert re.search(rf"^def {re.escape(name)}\(", path.read_text(), re.MULTILINE), named


def test_the_page_says_what_is_not_promised_and_how_to_report() -> None:
    assert len(ROWS) > 15
    assert "## What is not promised" in TEXT
    assert "`SECURITY.md`" in TEXT
    assert (ROOT / "SECURITY.md").is_file()
    assert "docs/security.md" in README.read_text()
