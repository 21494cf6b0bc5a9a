"""The problems of one load, gathered so that a user sees all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from dataclasses import replace

from nexusctl.config.node import Node, Source
from nexusctl.errors import Diagnostic, InputError, Location, Note

SHOWN_AT_MOST = 100

SENSITIVE = "sensitive"
"""The word that every file has in it which declares something sensitive."""


class Problems:
    """Lives as long as one load.

    `sandbox` is the one that is looked at now and is named in each problem; `caller` is where it names its template.
    `sources` are the files that were read, by the names that messages have for them. They are those of `above` too,
    where these problems become a part of others.
    """

    def __init__(self, above: Problems | None = None) -> None:
        self._found: dict[tuple[Location | None, str], Diagnostic] = {}
        self.sandbox: str | None = None
        self.caller: Node | None = None
        self.sources: dict[str, Source] = above.sources if above is not None else {}

    def know(self, source: Source) -> None:
        """Take note of a file, so that what is hidden in it stays hidden."""
        self.sources[source.display] = source

    def add(self, place: Node, summary: str, hint: str | None = None, *notes: Note) -> None:
        """Report what is wrong at `place`; the same problem reached again through an alias counts once."""
        location = place.source.location(place.line, place.column)
        self.know(place.source)
        excerpt = place.source.excerpt(place.line)
        # Only a value that a reference brought here has one.
        origin = getattr(place, "origin", None)
        if origin is not None:
            by = getattr(origin, "by", None)
            notes = (*notes, note(f"its value was set by {by}" if by else "its value was written here", origin))
        if self.caller is not None and place.source.is_template:
            notes = (*notes, note("the template is used here", self.caller))
        self.extend([Diagnostic(summary, location, excerpt, hint, notes, sandbox=self.sandbox)])

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            self._found.setdefault((diagnostic.location, diagnostic.summary), diagnostic)
        # Nobody reads on, and a hostile file could make very many.
        if len(self._found) > SHOWN_AT_MOST:
            self.raise_any()

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_any(self) -> None:
        """Raise `InputError` with everything found so far, by file and line; do nothing where all is well."""
        if not self._found:
            return
        ordered = sorted(self._found.values(), key=lambda d: d.location or Location("", 0, 0))
        if len(ordered) > SHOWN_AT_MOST:
            hint = "put these right first, then look again"
            ordered[SHOWN_AT_MOST:] = [Diagnostic(f"there are more than {SHOWN_AT_MOST} problems", hint=hint)]
        raise InputError(*_without_hidden(ordered, self.sources))


def _without_hidden(problems: list[Diagnostic], sources: MappingType[str, Source]) -> list[Diagnostic]:
    """`problems` without lines that were hidden after they were found, or that nobody has cleared."""
    # Only needed where something is wrong.
    from nexusctl.config.given_lines import find_given, may_give  # noqa: PLC0415

    if not any(each.hidden or SENSITIVE in each.text or may_give(each.text) for each in sources.values()):
        return problems
    given = {name: find_given(source) for name, source in sources.items()}

    def shown(location: Location | None, excerpt: str | None) -> str | None:
        if location is None or not excerpt:
            return excerpt
        source = sources.get(location.file)
        # Nobody can tell what is sensitive in a file that could not be read.
        if source is None or location.line in source.hidden:
            return None
        before = given[location.file].get(location.line)
        return excerpt if before is None else _cut(excerpt, location.column, before)

    def without(problem: Diagnostic) -> Diagnostic:
        notes = tuple(replace(each, excerpt=shown(each.location, each.excerpt)) for each in problem.notes)
        return replace(problem, excerpt=shown(problem.location, problem.excerpt), notes=notes)

    return list(map(without, problems))


def _cut(excerpt: str, column: int, before: int) -> str | None:
    """The first `before` characters of a line, None where they say nothing about `column`."""
    if column > before:
        return None
    return excerpt if not excerpt[before:].strip() else f"{excerpt[:before]} ..."


def note(text: str, place: Node) -> Note:
    """A second place that belongs to a problem."""
    return Note(text, place.source.location(place.line, place.column), place.source.excerpt(place.line))
