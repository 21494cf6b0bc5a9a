"""What a sandbox with `for_each` gives to its template out of what it is made for."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nexusctl.config.document.derived import MixedText
from nexusctl.config.document.expression import Expression, parse
from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.interpolate.for_each import Kept

Words = tuple[str, ...]


def find_each_given(pattern: Mapping, sensitive: Collection[str] | None) -> list[Words]:
    """The words behind `each.value` of what `pattern` gives to `sensitive` parameters, and uses nowhere else.

    What it uses elsewhere, too, anybody may read there. Without `sensitive`, any parameter may be it.
    """
    given = pattern.get("with")
    own, others = _split(given, sensitive) if given else (set(), set())
    for key, node in pattern.values.items():
        if key not in ("with", "for_each"):
            others |= set(_find_words(node))
    return sorted(words for words in own if not any(_overlap(words, other) for other in others))


def _split(given: Node, sensitive: Collection[str] | None) -> tuple[set[Words], set[Words]]:
    """What sensitive parameters get, and what others do."""
    if not isinstance(given, Mapping):
        whole = set(_find_words(given))
        return whole if sensitive is None else {(*words, name) for words in whole for name in sensitive}, set()
    own: set[Words] = set()
    others: set[Words] = set()
    for name, node in given.values.items():
        (own if sensitive is None or name in sensitive else others).update(_find_words(node))
    return own, others


def _find_words(node: Node) -> Iterator[Words]:
    if isinstance(node, Scalar):
        for part in node.parts if isinstance(node, MixedText) else ():
            yield from _words_of(part) if isinstance(part, Kept) else ()
    else:
        for inner in node.values.values() if isinstance(node, Mapping) else node.items:
            yield from _find_words(inner)


def _words_of(reference: Kept) -> Iterator[Words]:
    for part in parse(reference.text):
        if isinstance(part, Expression) and part.namespace == "each" and part.words[:1] == ("value",):
            yield part.words[1:]


def _overlap(words: Words, others: Words) -> bool:
    least = min(len(words), len(others))
    return words[:least] == others[:least]
