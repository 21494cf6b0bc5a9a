"""A YAML document as a tree in which every node still knows its place and every scalar its source text.

Aliases are shared nodes, so the tree is a directed graph without cycles; `size` counts what a full
expansion would hold.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as MappingType
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nexusctl.errors import Location
from nexusctl.model.trust import OURS, Trust
from nexusctl.model.values.late_regex import late_regex

# libyaml counts these as line ends, so the excerpts have to be cut in the same places.
LINE_END = late_regex("\r\n|[\r\n\x85\u2028\u2029]")

EXCERPT_LIMIT = 20_000

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOTHING: MappingType[str, Any] = MappingProxyType({})
_INTEGER = late_regex(r"[-+]?[0-9]{1,40}\Z")
_RADIX = late_regex(r"0o[0-7]{1,40}\Z|0x[0-9a-fA-F]{1,40}\Z")
_FLOAT = late_regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")


class Source:
    """A file that was read: `path` is absolute, `display` is how messages call it, `text` is what it says.

    `kind` says in words what it is read as, `trust` what it may reach. `refers` is True once a `${` was found in one of
    its values. `within` is the folder that its paths must not lead out of, where it comes from somebody else; `root` is
    the folder of the first of the files that it belongs to, in which their links may lead anywhere; `is_template` is
    True for a template, which several sandboxes may use. `hidden` are the numbers of lines that no message may show,
    `withheld` the places of values that none may quote. `cleared` are lines of what is given to templates whose
    parameters are known. `repeated` are keys that their mapping had already, with their values. `expected` are the keys
    one of which a file of variables has to have.
    """

    def __init__(self, path: Path, display: str, text: str, kind: str = "stack file", trust: Trust = OURS) -> None:
        self.path = path
        self.display = display
        self.text = text
        self.kind = kind
        self.trust = trust
        self.refers = False
        self.is_template = False
        self.within: Path | None = None
        self.root = path.parent
        self.hidden: set[int] = set()
        self.withheld: set[tuple[int, int]] = set()
        self.cleared: set[int] = set()
        self.repeated: list[tuple[Scalar, Node]] = []
        self.expected: Collection[str] = ()

    @cached_property
    def looks_right(self) -> bool:
        """Whether it looks like what it is read as; any other file may hold what nobody should see."""
        # Only asked where something is wrong.
        from nexusctl.config.document.file_kinds import looks_right  # noqa: PLC0415 - deferred: start-up time

        return looks_right(self.kind, self.text, self.expected)

    @cached_property
    def lines(self) -> list[str]:
        return LINE_END.split(self.text)

    @property
    def folder(self) -> Path:
        """The folder that relative paths in this file start from."""
        return self.path.parent

    def location(self, line: int, column: int) -> Location:
        return Location(self.display, line, column)

    def excerpt(self, line: int) -> str:
        """The text of a line that may be shown; of a monstrous one only the beginning, of a hidden one nothing."""
        if line in self.hidden or not 0 < line <= len(self.lines) or not self.looks_right:
            return ""
        # As above.
        from nexusctl.config.document.file_kinds import shown_part  # noqa: PLC0415 - deferred: start-up time

        return shown_part(self.kind, self.lines[line - 1])[:EXCERPT_LIMIT]


class Scalar:
    """`text` is what the file says; `value` is what YAML 1.2 makes of it; `bare` is True without quotes or tag.

    `end` is the last line of any node, where the file itself holds it.
    """

    __slots__ = ("bare", "column", "end", "line", "source", "text", "value")
    size = 1
    height = 0

    def __init__(self, source: Source, line: int, column: int, text: str, bare: bool) -> None:
        self.source = source
        self.line = self.end = line
        self.column = column
        self.text = text
        self.bare = bare
        self.value: Any = resolve(text) if bare else text

    @property
    def withheld(self) -> bool:
        """Whether no message may quote it."""
        return (self.line, self.column) in self.source.withheld


class Sequence:
    __slots__ = ("column", "end", "height", "items", "line", "size", "source")

    def __init__(self, source: Source, line: int, column: int) -> None:
        self.source = source
        self.line = self.end = line
        self.column = column
        self.items: list[Node] = []
        self.size = 1
        self.height = 1


class Mapping:
    """`keys` and `values` have the same keys; `dropped` are keys whose values were wrong and reported.

    `deleted` are keys that a file took away from what was below it, with the places where it did.
    """

    __slots__ = ("column", "deleted", "dropped", "end", "height", "keys", "line", "size", "source", "values")

    def __init__(self, source: Source, line: int, column: int) -> None:
        self.source = source
        self.line = self.end = line
        self.column = column
        self.keys: dict[str, Scalar] = {}
        self.values: dict[str, Node] = {}
        self.dropped: frozenset[str] = frozenset()
        self.deleted: MappingType[str, Node] = _NOTHING
        self.size = 1
        self.height = 1

    def get(self, key: str) -> Node | None:
        return self.values.get(key)

    def text(self, key: str) -> str | None:
        """The source text of a scalar value, None where the key is absent."""
        node = self.values.get(key)
        return node.text if isinstance(node, Scalar) else None

    def section(self, key: str) -> dict[str, Node]:
        """The entries of a mapping value, none where the key is absent or empty."""
        node = self.values.get(key)
        return node.values if isinstance(node, Mapping) else {}

    def lacks(self, key: str) -> bool:
        """Whether the file says nothing at all for `key`; a wrong value that was reported is not nothing."""
        return key not in self.values and key not in self.dropped


Node = Scalar | Sequence | Mapping


def find_inside(node: Node, word: str) -> Node | None:
    """What a mapping has under a key, or a list at a number that counts from 0."""
    if isinstance(node, Mapping):
        return node.values.get(word)
    if isinstance(node, Sequence) and word.isdecimal() and int(word) < len(node.items):
        return node.items[int(word)]
    return None


def resolve(text: str) -> Any:
    """What a bare scalar means in YAML 1.2's core schema, where `no` and `22:22` are plain text.

    Numbers that JSON cannot hold (infinite, or of more than 40 digits) stay text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789.+-":
        return text
    if _INTEGER.match(text):
        return int(text)
    if _RADIX.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text


def plain(node: Node) -> Any:
    """The node as JSON values, which the schema speaks about."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.values.items()}
    return [plain(item) for item in node.items]
