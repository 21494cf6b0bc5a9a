"""What click and the standard library import for uses that no command of ours makes of them, left out of its start.

Imported before anything else by the process of a command. While click, dataclasses and pathlib are imported, others
stand in the places of these modules; each becomes the real one for whoever asks it for more than is here. Nobody else
meets them: afterwards `import inspect` is what it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """In the place of a module of its name, with `known` of what that has."""

    def __init__(self, name: str, known: dict[str, Any]) -> None:
        super().__init__(name)
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # Another release of Python or click may want more of it already while it is imported.
        _leave(self)
        return getattr(import_module(self.__name__), name)


@contextmanager
def _standing_in(known: dict[str, dict[str, Any]]) -> Iterator[dict[str, _StandIn]]:
    made = {name: _StandIn(name, what) for name, what in known.items() if name not in sys.modules}
    sys.modules.update(made)
    try:
        yield made
    finally:
        for stand_in in made.values():
            _leave(stand_in)


def _leave(stand_in: _StandIn) -> None:
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]


def _clean(text: str) -> str:
    """As `inspect.cleandoc`, which click asks for each option's help."""
    return import_module("inspect").cleandoc(text) if "\n" in text or "\t" in text else text.lstrip()


def _say(text: str) -> str:
    return text


def _say_number(one: str, many: str, number: int) -> str:
    return one if number == 1 else many


class _NoUuid:
    """What click's type for UUIDs is a type of, which no option of ours has."""


class _NoDate:
    """The same of its type for dates."""

    @staticmethod
    def strptime(text: str, form: str) -> Any:
        return import_module("datetime").datetime.strptime(text, form)


def _quote(path: bytes) -> str:
    """What pathlib asks for to make a URL of a path."""
    return str(import_module("urllib.parse").quote_from_bytes(path))


_KNOWN: dict[str, dict[str, Any]] = {
    # It brings ast, dis and tokenize, which take as long as all of click.
    "inspect": {"cleandoc": _clean},
    # It brings platform.
    "uuid": {"UUID": _NoUuid},
    # It takes longer to load than a parser of ours to read a date.
    "datetime": {"datetime": _NoDate},
    # Brought in for paths as URLs, of which we make none; it has an expression to compile.
    "urllib.parse": {"quote_from_bytes": _quote},
    # What click says stands beside what we say, which is English everywhere.
    "gettext": {"gettext": _say, "ngettext": _say_number},
    # For paths of another system.
    "ntpath": {},
}

with _standing_in(_KNOWN) as _made:
    import dataclasses  # noqa: F401 - for others
    import pathlib  # noqa: F401 - for others

    import click  # noqa: F401 - for others

# From here on they are the real ones.
if "uuid" in _made:
    del _made["uuid"].UUID
if "datetime" in _made:
    del _made["datetime"].datetime
