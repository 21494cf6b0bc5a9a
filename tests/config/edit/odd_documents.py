"""Stack files in every way that YAML has to write them, with what they say."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import assume
from hypothesis import strategies as st

WORDS = (
    "a",
    "True",
    "FALSE",
    "+1",
    "-0",
    "0o17",
    "1_000",
    "0x1F",
    ".NaN",
    "1e3",
    "2001-12-14T21:59:43.10-05:00",
    "yes",
)
WORDS += ("a b", "~", "null", "1.10", "=", "a#b", "x:y", "http://x/#y")
QUOTED = ("", " ", "#", "a: b", "- a", "é", "'", '"', "\\", "\\n", "😀", "a,b", "{", "]", "*a", "&a", "!a", "%", "@")
TEXTS = (
    "a\n",
    "a\nb",
    "a\n\nb\n",
    "#\n",
    "a\n#\nb\n",
    "x: y\n- z\n",
    "a\n\n",
    "\na\n",
    "  a\nb\n",
    "a \nb\n",
    "a\tb\n",
    "---\n",
)
KEYS = ("a", "b", "c", "d-e", "f.g", "8080", "true", "a b", "#k", "é")

# A NUL can be in no stack file, not even as an escape.
USABLE = st.characters(codec="utf-8", exclude_characters="\0")

keys = st.sampled_from(KEYS)
texts = st.sampled_from(WORDS + QUOTED + TEXTS) | st.text(USABLE, max_size=8)
values = st.recursive(
    texts | st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=6,
)


class Writer:
    """Writes one document; each part of it draws how it looks."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.comments = 0
        self.anchors: list[str] = []
        self.mappings: list[str] = []

    def comment(self, indent: str) -> str:
        self.comments += 1
        return f"{indent}# comment {self.comments}.\n"

    def tail(self) -> str:
        if self.draw(st.integers(0, 3)):
            return "\n"
        return self.draw(st.sampled_from(("  ", " ", "\t"))) + self.comment("")

    def scalar(self, flow: bool) -> str:
        kind = self.draw(st.sampled_from(("word", "single", "double", "alias")))
        if kind == "alias" and self.anchors and not self.draw(st.integers(0, 2)):
            return f"*{self.draw(st.sampled_from(self.anchors))} "
        word = self.draw(st.sampled_from(WORDS))
        if kind in ("word", "alias"):
            return word if not flow else word.replace(",", "")
        text = self.draw(st.sampled_from(QUOTED + WORDS))
        if kind == "single":
            return "'" + text.replace("'", "''") + "'"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def flow(self, depth: int) -> str:
        if depth > 3 or self.draw(st.integers(0, 2)) == 0:
            return self.scalar(flow=True)
        gap = self.draw(st.sampled_from(("", " ")))
        end = self.draw(st.sampled_from(("", ",", " ,")))
        if self.draw(st.booleans()):
            items = [self.flow(depth + 1) for _ in range(self.draw(st.integers(0, 2)))]
            return f"[{gap}{', '.join(items)}{end if items else ''}{gap}]"
        names = self.draw(st.lists(keys, max_size=3, unique=True))
        pairs = [f"{self.key(name)}: {self.flow(depth + 1)}" for name in names]
        return f"{{{gap}{', '.join(pairs)}{end if pairs else ''}{gap}}}"

    def key(self, name: str) -> str:
        if name in ("a", "b", "c", "d-e", "f.g") and self.draw(st.booleans()):
            return name
        return self.draw(st.sampled_from(("'", '"'))).join(("", name, ""))

    def block(self, indent: str) -> str:
        """What stands beside a key or `-`, and below it."""
        kind = self.draw(
            st.sampled_from(("scalar", "flow", "text", "mapping", "sequence", "indentless", "nothing", "wrapped"))
        )
        inner = indent + self.draw(st.sampled_from(("  ", "    ", " ")))
        if kind == "nothing":
            return self.tail()
        if kind == "text":
            sign = self.draw(st.sampled_from(("|", "|-", "|+", ">", ">-", "| # said")))
            lines = self.draw(st.lists(st.sampled_from(("x", "# no comment", "y: z", "")), min_size=1, max_size=4))
            return f" {sign}\n{inner}first\n" + "".join(f"{inner}{line}\n" if line else "\n" for line in lines)
        if kind == "wrapped":
            return f" one\n{inner}two{self.tail()}"
        if kind in ("scalar", "flow") or len(indent) > 8:
            anchor = ""
            if kind == "scalar" and not self.draw(st.integers(0, 5)):
                anchor = f"&n{len(self.anchors)} "
            written = self.scalar(flow=False) if kind == "scalar" else self.flow(0)
            if anchor and not written.startswith("*"):
                self.anchors.append(anchor[1:-1])
                written = anchor + written
            return f" {written}{self.tail()}"
        anchor = ""
        if kind == "mapping" and not self.draw(st.integers(0, 5)):
            anchor = f" &m{len(self.anchors)}"
        below = self.mapping(inner) if kind == "mapping" else self.sequence(indent if kind == "indentless" else inner)
        if anchor:
            anchor = f" &m{len(self.anchors)}"
            self.anchors.append(anchor[2:])
            self.mappings.append(anchor[2:])
        return f"{anchor}{self.tail()}{below}"

    def between(self, indent: str) -> str:
        kind = self.draw(st.integers(0, 5))
        return {0: "\n", 1: self.comment(indent), 2: "\n" + self.comment(indent)}.get(kind, "")

    def mapping(self, indent: str, first: str = "") -> str:
        names = self.draw(st.lists(keys, min_size=1, max_size=4, unique=True))
        written = []
        for name in names:
            before = self.between(indent) + indent if written or not first else first
            merge = ""
            if self.mappings and not self.draw(st.integers(0, 3)) and not any("<<" in line for line in written):
                merge = f"<<: *{self.draw(st.sampled_from(self.mappings))}\n{indent}"
            written.append(f"{before}{merge}{self.key(name)}:{self.block(indent)}")
        return "".join(written)

    def sequence(self, indent: str) -> str:
        written = []
        for _ in range(self.draw(st.integers(1, 3))):
            before = f"{self.between(indent)}{indent}-"
            if len(indent) < 6 and not self.draw(st.integers(0, 2)):
                written.append(self.mapping(f"{indent}  ", f"{before} "))
            else:
                # A list without indentation can only stand below a key.
                written.append(before + self.block(indent + " "))
        return "".join(written)


@st.composite
def documents(draw: Any) -> str:
    """The text of a mapping, with Unix or Windows line ends, a byte order mark or none."""
    text = draw(st.sampled_from(("", "# head\n", "---\n", "\n"))) + Writer(draw).mapping("")
    text += draw(st.sampled_from(("", "# foot\n", "...\n", "\n\n")))
    if draw(st.integers(0, 4)) == 0:
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    try:
        yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        # A tab, a wrapped word or a mark that hangs together with what stands beside it.
        assume(False)
    return draw(st.sampled_from(("", "\ufeff"))) + text
