"""What stands somewhere in a file, in words that a message can hold."""

from __future__ import annotations

from nexusctl.config.document.node import Mapping, Node, Sequence

Path = tuple[str | int, ...]
"""To a part of a document: keys and indexes."""


def describe(node: Node) -> str:
    """What `node` is, in words that can follow `not`: a list, nothing, the text with what it says."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if node.withheld:
        return "something else"
    if isinstance(node.value, bool):
        return f"`{node.text}`"
    return f"the {'text' if isinstance(node.value, str) else 'number'} `{cut(node.text)}`" if node.text else "empty"


def cut(text: str) -> str:
    """The first line of `text`, or the first 60 characters of it, with dots where that is not all."""
    line = text.split("\n", 1)[0]
    return line if line == text and len(line) <= 60 else line[:60] + "..."
