"""Did you mean?"""

from __future__ import annotations

from collections.abc import Iterable


def suggest(word: str, known: Iterable[str], what: str) -> str:
    """A hint for a wrong word: the known one that it looks like, or all of them."""
    # Deferred: only a mistake needs it.
    import difflib  # noqa: PLC0415

    names = sorted(known)
    if close := difflib.get_close_matches(word[:80], names, 1, 0.6):
        return f"did you mean `{close[0]}`?"
    if not names:
        return f"there are no {what}"
    shown = ", ".join(f"`{name}`" for name in names[:30])
    return f"{what}: {shown}" + (" and more" if len(names) > 30 else "")
