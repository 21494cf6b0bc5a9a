"""Variables in a text that colons take apart, some of which may be the variables' own."""

from __future__ import annotations

import re

from nexusctl.config.document.expression import Expression, parse
from nexusctl.model.values.frozen import dataclass

# Each variable is one character while the rest is read.
_FIRST = 0xE000
ANY = "[\ue000-\uf8ff]"

UNKNOWN = "`{}` is known only with its variables; write it by hand"
"""Why a text has no place that cannot be taken apart without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """`text` with a character of `ANY` in the place of each of the `variables`."""

    text: str
    variables: tuple[str, ...]

    def show(self, part: str) -> str:
        """`part` of the text with its variables."""
        return re.sub(ANY, lambda found: self.variables[ord(found[0]) - _FIRST], part)


def mask(text: str) -> Masked:
    """The references in `text` out of the way."""
    variables = tuple(part.text for part in parse(text) if isinstance(part, Expression))
    for number, variable in enumerate(variables):
        text = text.replace(variable, chr(_FIRST + number), 1)
    return Masked(text=text, variables=variables)
