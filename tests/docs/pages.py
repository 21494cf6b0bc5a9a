"""The pages: README.md and what lies in `docs/`, and how a part of one is made anew."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
EDITOR_PAGE = DOCS / "how-to" / "editor-and-ci.md"

_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def list_pages() -> list[Path]:
    """README.md first, then every page of the site."""
    return [README, *sorted(DOCS.rglob("*.md"))]


def insert(text: str, part: str, made: str) -> str:
    """`text` with what stands between the two marks of `part` replaced by `made`."""
    mark = re.compile(rf"(<!-- {part}: [^\n]*-->\n).*?(<!-- end of {part} -->)", re.DOTALL)
    assert len(mark.findall(text)) == 1, f"the page has no marks of {part}, or several"
    return mark.sub(lambda found: f"{found[1]}\n{made}\n\n{found[2]}", text)


def prose(text: str) -> str:
    """`text` without what is shown as it stands: code, and comments."""
    return _CODE.sub("", _COMMENT.sub("", _FENCE.sub("", text)))


def find_links(text: str) -> list[str]:
    """Where the links of a page lead to, as they are written."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(text))


def find_anchors(text: str) -> set[str]:
    """The anchors of a page's headings that both GitHub and the site give."""
    anchors: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", _COMMENT.sub("", _FENCE.sub("", text)), re.MULTILINE):
        words = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
        if (github := words.replace(" ", "-")) == re.sub(r"[-\s]+", "-", words):
            anchors[github] = anchors.get(github, 0) + 1
    # Of several alike each gives the later ones another name.
    return set(anchors)
