"""Messages without what none may show, because it may be sensitive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.config.document.hidden_lines import SENSITIVE, Discreet
from nexusctl.config.document.node import Source
from nexusctl.config.document.template_argument_lines import find_given, may_give
from nexusctl.errors import Diagnostic, Location, Note


def be_discreet(
    problems: list[Diagnostic],
    sources: Mapping[str, Source],
    instead: Mapping[tuple[Location | None, str], Discreet],
) -> list[Diagnostic]:
    """`problems` without lines that were hidden after they were found, or that nobody has cleared.

    `instead` is said of those problems, by place and summary, whose line is hidden. `sources` are the files by the
    names that messages have for them.
    """
    if not any(each.hidden or SENSITIVE in each.text or may_give(each.text) for each in sources.values()):
        return problems
    lines = _Lines(sources)
    return [lines.without_hidden(problem, instead.get((problem.location, problem.summary))) for problem in problems]


class _Lines:
    """Which lines of some files may be shown, and how far."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._given = {name: find_given(source) for name, source in sources.items()}

    def without_hidden(self, problem: Diagnostic, instead: Discreet | None) -> Diagnostic:
        notes = tuple(replace(each, excerpt=self._shown(each)) for each in problem.notes)
        is_hidden = problem.location is not None and self._is_hidden(problem.location)
        summary, hint = instead if instead and is_hidden else (problem.summary, problem.hint)
        return replace(problem, summary=summary, hint=hint, excerpt=self._shown(problem), notes=notes)

    def _shown(self, told: Diagnostic | Note) -> str | None:
        if told.location is None or not told.excerpt:
            return told.excerpt
        if self._is_hidden(told.location):
            return None
        length = self._length(told.location)
        cut = length is not None and told.excerpt[length:].strip()
        return f"{told.excerpt[:length]} ..." if cut else told.excerpt

    def _is_hidden(self, location: Location) -> bool:
        length = self._length(location)
        return length is not None and location.column > length

    def _length(self, location: Location) -> int | None:
        """How much of a line may be shown, None for all of it."""
        source = self._sources.get(location.file)
        # Nobody can tell what is sensitive in a file that could not be read.
        if source is None or location.line in source.hidden:
            return 0
        return self._given[location.file].get(location.line)
