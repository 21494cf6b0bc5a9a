"""What programs say, without the secrets that they were given: a script that prints its variables is none of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nexusctl.model.secret import REDACTED, Conceal, Secret

SHORTEST = 4
"""Characters. What is shorter stands in any text by chance, so that hiding it would only tell where it is."""

PIECE = 16
"""Characters of a long value that tell that a line holds a part of it, as lines are cut where they are very long."""


def make_conceal(secrets: Iterable[Secret]) -> Conceal:
    """A function that leaves the values of `secrets` out of a line of text, those of several lines line by line."""
    values = "\n".join(secret.reveal().decode(errors="replace") for secret in secrets)
    lines = {line.strip() for line in values.splitlines() if len(line.strip()) >= SHORTEST}
    whole = re.compile("|".join(map(re.escape, sorted(lines, key=len, reverse=True))))
    pieces = {line[at : at + PIECE] for line in lines for at in range(0, len(line) - PIECE + 1, PIECE)}

    def conceal(text: str) -> str:
        left = whole.sub(REDACTED, text) if lines else text
        cut = any(left[at : at + PIECE] in pieces for at in range(len(left) - PIECE + 1))
        return REDACTED if cut else left

    return conceal
