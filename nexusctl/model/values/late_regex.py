"""Regular expressions that are compiled when they are first asked, for start-up time.

`re.compile` takes as long as importing a module. A command asks few of the patterns of the modules that it imports.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

__all__ = ["late_regex"]

if TYPE_CHECKING:
    from re import compile as late_regex
else:

    class late_regex:  # noqa: N801 - in the place of a function
        """As `re.compile(source, flags)`, but what is wrong with `source` is raised by the first use."""

        def __init__(self, source: str, flags: int = 0) -> None:
            self._source = source
            self._flags = flags

        def __getattr__(self, name: str) -> Any:
            found = getattr(re.compile(self._source, self._flags), name)
            setattr(self, name, found)
            return found
