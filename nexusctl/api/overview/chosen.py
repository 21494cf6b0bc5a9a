"""What globs of names mean of a list. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TypeVar

from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.values.did_you_mean import suggest

T = TypeVar("T")


def choose(
    found: Iterable[T],
    words: tuple[str, ...],
    names_of: Callable[[T], tuple[str, ...]],
    complain: Callable[[str], str],
    kinds: str,
) -> tuple[T, ...]:
    """Those that `words`, globs of one of their names, mean, in their order; all where no word is given.

    Raises `InputError` for the words that mean none, each with what `complain` says of it, and a name of `kinds` that
    it may stand for.
    """
    listed = tuple(found)
    names = sorted({name for one in listed for name in names_of(one)})
    missing = [word for word in words if not any(fnmatchcase(name, word) for name in names)]
    if missing:
        raise InputError(*(Diagnostic(complain(word), hint=suggest(word, names, kinds)) for word in missing))
    return tuple(
        one for one in listed if not words or any(fnmatchcase(name, word) for name in names_of(one) for word in words)
    )
