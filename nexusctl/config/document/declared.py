"""The names in a section of a stack file, and those that a file laid over it took out."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nexusctl.config.document.node import Mapping
from nexusctl.config.document.problems import note
from nexusctl.errors import Note


class Declared(Collection[str]):
    """The keys below `key` in `document`; whoever names another one may want to know who deleted it."""

    def __init__(self, document: Mapping, key: str) -> None:
        section = document.get(key)
        self._names = section.values.keys() if isinstance(section, Mapping) else {}.keys()
        self._deleted = section.deleted if isinstance(section, Mapping) else {}
        self._key, self._whole = key, document.deleted.get(key)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def deletions(self, name: str) -> tuple[Note, ...]:
        """Where `name`, or all of its section, was deleted; nothing where it never was there."""
        if place := self._deleted.get(name):
            return (note(f"`{name}` is deleted here", place),)
        return (note(f"`{self._key}` is deleted here", self._whole),) if self._whole else ()
