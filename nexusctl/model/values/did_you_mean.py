"""Did you mean?"""

from __future__ import annotations

from collections.abc import Iterable

# Comparing is slow, and a hostile file can hold very many names.
_COMPARED = 300
_LISTED = 30


def suggest(word: str, known: Iterable[str], what: str) -> str:
    """A hint for a wrong word: the known one that it looks like, or all of them."""
    names = sorted(known)
    if close := nearest(word, names):
        return f"did you mean `{close}`?"
    if not names:
        return f"there are no {what.removeprefix('the ')}"
    shown = ", ".join(f"`{name}`" for name in names[:_LISTED])
    return f"{what}: {shown}" + (" and more" if len(names) > _LISTED else "")


def nearest(word: str, names: Iterable[str], like: float = 0.6) -> str | None:
    """The one of `names` that `word` looks like, None where there is none; `like` is 1 for what is the same."""
    # Deferred: only a mistake needs it.
    import difflib  # noqa: PLC0415 - deferred: start-up time

    near = [name for name in names if abs(len(name) - len(word)) <= 3][:_COMPARED]
    close = difflib.get_close_matches(word, near, 1, like)
    return close[0] if close else None
