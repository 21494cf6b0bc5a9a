"""Texts that files get wrong, a stack file with values that YAML 1.1 reads otherwise, and JSON that is YAML too."""

from __future__ import annotations

import json

from hypothesis import strategies as st

LIVING = """\
# What everybody shares.\r
name: shop\r
sandboxes:\r
  db:\r
    image: 'postgres:16'   # pinned\r
    env: {DEBUG: True, OFFSET: +1, OFF: FALSE, ZERO: -0, NOT: .NaN, DAY: 2001-12-14, AT: 12:30:45, OCT: 0o17}\r
"""

WORDS = ["no", "1.10", "0755", "22:22", "null", "~", "#x", "true", "-", "?", ":", "|", ">", '"', "'", "{}", "[1"]
TEXTS = ["&a", "*a", "!x", "%", "@", "`", "é", "a:", "a,b", "", " ", "a: b", "- a", "a\nb\n", "a\n\n", " a\n", "\ta\n"]
ODD = ["\\n", "\u2028", "a #b", "a \nb", "\r\n", "x" * 300, "😀\n", "\ufeff", "\x7f", "a\x85b\n"]
SIGNS = [
    "#",
    "#\n",
    "a\n#\nb\n",
    "a\n\n#\n\n",
    "#!/bin/sh\n#\n  #\n#\nx\n",
    "\n#\n",
    "a\n# b\n#\n",
    " #\n#\n",
    "a\n\n\n",
]
ALL = [*WORDS, *TEXTS, *ODD, *SIGNS]
texts = st.sampled_from(ALL) | st.text(
    st.characters(exclude_characters="\0", max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=12
)
lines = st.lists(st.sampled_from(["", "#", " #", "# a", "a", "  b", "-", "---", "...", "a: b", "\ta"]), max_size=6).map(
    "\n".join
)
odd = texts | lines | lines.map("{}\n".format)


def printable(value: object) -> str:
    """A file that both of JSON and YAML can say."""
    signs = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in signs)
