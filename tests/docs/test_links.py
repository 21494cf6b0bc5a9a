"""Every link of README.md and of the pages leads somewhere, on GitHub and on the site; no network is asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, README, ROOT, find_anchors, find_links, list_pages

LINKS = [(page, link) for page in list_pages() for link in find_links(page.read_text()) if "://" not in link]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda part: str(part).removeprefix(f"{ROOT}/"))
def test_each_link_leads_to_a_page_and_a_heading(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.is_file()
    if page != README:
        assert target.is_relative_to(DOCS), "the site has nothing outside of docs/: write a plain path"
    if anchor:
        assert anchor in find_anchors(target.read_text())


def test_each_page_is_in_the_navigation_and_can_be_reached_from_the_readme() -> None:
    pages = {str(page.relative_to(DOCS)) for page in list_pages() if page != README}
    navigation = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(navigation) == sorted(pages)
    linked = {link.removeprefix("docs/") for page, link in LINKS if page == README}
    assert pages - {"index.md"} <= linked


def test_links_and_anchors_are_found() -> None:
    text = (
        "# A b\n\n## `c.d` e-f\n\n```\n# no [x](y)\n```\n[one](two.md#three), `[no](no)` <!-- [no](no) --> [a\nb](c)\n"
    )
    assert find_anchors(text) == {"a-b", "cd-e-f"}
    assert find_links(text) == ["two.md#three", "c"]
