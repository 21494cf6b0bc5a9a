"""Reading a service: nodes of a Compose file as plain texts, and what was not looked at."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.config.document.expression import parse
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.importers.compose.texts.substitution import Substitution
from nexusctl.importers.compose.texts.yaml11_scalars import write_plain
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.draft.references import settle

NO_MAPPING = "keys with values are needed here"
_NO_TEXT = "a text is needed here"


class Reader:
    """Looks at one mapping of the file; `where` is its path. What was never asked for is left over at the end."""

    def __init__(self, node: Mapping, where: str, substitution: Substitution, leftovers: Leftovers) -> None:
        self.node = node
        self.where = where
        self._substitution = substitution
        self._leftovers = leftovers
        self._asked: set[str] = set()

    def get(self, key: str) -> Node | None:
        self._asked.add(key)
        node = self.node.get(key)
        return None if isinstance(node, Scalar) and node.value is None else node

    def text(self, key: str) -> str | None:
        """A scalar as text, None where there is none; another kind of value is left over."""
        node = self.get(key)
        if node is None:
            return None
        if isinstance(node, Scalar):
            return self.rewrite(node)
        self.drop(key, _NO_TEXT)
        return None

    def flag(self, key: str) -> bool:
        """Whether it is true; what only its variables tell counts as false, and is left over."""
        node = self.get(key)
        if not isinstance(node, Scalar):
            if node is not None:
                self.drop(key, "true or false is needed here")
            return False
        text = self.rewrite(node).lower()
        if text not in ("true", "false"):
            self.drop(key, f"`{node.text}` is neither true nor false by itself; it counts as false")
        return text == "true"

    def number(self, key: str) -> int | float | str | None:
        """A number, or the text that is none. Instead of one that a variable gives, what stands in for it."""
        text = self.text(key)
        if text is not None and "${" in text:
            text = settle(parse(text)) or None
            self.drop(key, f"no variable can give a number here; it is {text or 'left out'}")
        try:
            number = float(text or "")
        except ValueError:
            return text
        return int(number) if number.is_integer() else number

    def texts(self, key: str) -> list[str]:
        """A text or a list of texts as a list."""
        return [self.rewrite(item) for item in self.scalars(key)]

    def scalars(self, key: str) -> list[Scalar]:
        """A text or a list of texts as a list; what else stands in it is left over."""
        items = self.items(key)
        for item in items:
            if not isinstance(item, Scalar):
                self.drop_at(self.path(key), _NO_TEXT, item)
        return [item for item in items if isinstance(item, Scalar)]

    def items(self, key: str) -> list[Node]:
        """A list as it is, a text as the only one; a mapping is left over."""
        node = self.get(key)
        if isinstance(node, Sequence):
            return list(node.items)
        if isinstance(node, Mapping):
            self.drop(key, "a list is needed here")
        return [node] if isinstance(node, Scalar) else []

    def pairs(self, key: str) -> Iterator[tuple[str, str | None, Node]]:
        """`KEY: value` and `- KEY=value` alike, with None for a key without a value.

        Defaults of variables may be secrets.
        """
        node, plain = self.get(key), self._substitution.unguarded()
        if not isinstance(node, Mapping):
            for item in self.scalars(key):
                name, equals, text = item.text.partition("=")
                yield name, plain.rewrite(text, item) if equals else None, item
            return
        for name, value in node.values.items():
            if not isinstance(value, Scalar):
                self.drop_at(f"{self.path(key)}.{name}", _NO_TEXT, value)
            elif value.bare and value.value is None:
                yield name, None, value
            else:
                text = write_plain(value.text) if value.bare else value.text
                yield name, plain.rewrite(text, value), value

    def below(self, key: str) -> Reader | None:
        """The mapping under `key`, with a reader of its own; another kind of value is left over."""
        node = self.get(key)
        if node is not None and not isinstance(node, Mapping):
            self.drop(key, NO_MAPPING)
        return self.inside(key, node) if isinstance(node, Mapping) else None

    def inside(self, key: str, node: Mapping) -> Reader:
        return Reader(node, self.path(key), self._substitution, self._leftovers)

    def path(self, key: str) -> str:
        """What messages call the value under `key`."""
        return f"{self.where}.{key}" if self.where else key

    def rewrite(self, node: Scalar) -> str:
        return self._substitution.rewrite(node.text, node)

    def refer(self, name: str, place: Node) -> str:
        """What a variable of that name says where the file is read."""
        return self._substitution.unguarded().rewrite(f"${{{name}}}", place)

    def drop(self, key: str, reason: str) -> None:
        """Say that the value under `key` has no place, or another meaning."""
        self._asked.add(key)
        self._leftovers.add(self.path(key), reason, self.node.keys.get(key, self.node))

    def drop_at(self, what: str, reason: str, place: Node) -> None:
        self._leftovers.add(what, reason, place)

    def finish(self, reasons: dict[str, str], otherwise: str) -> None:
        """Leave over every key that was not asked for."""
        for key in self.node.keys:
            if key not in self._asked:
                reason = "an extension field of Compose" if key.startswith("x-") else reasons.get(key, otherwise)
                self.drop(key, reason)
