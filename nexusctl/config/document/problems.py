"""The problems of one load, gathered so that a user sees all of them at once."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.config.document.hidden_lines import Discreet
from nexusctl.config.document.node import Node, Source
from nexusctl.errors import Diagnostic, InputError, Location, Note

SHOWN_AT_MOST = 100


class Problems:
    """Lives as long as one load.

    `sandbox` is the one that is looked at now and is named in each problem; `caller` is where it names its template.
    `sources` are the files that were read, by the names that messages have for them. They are those of `above` too,
    where these problems become a part of others.
    """

    def __init__(self, above: Problems | None = None) -> None:
        self._found: dict[tuple[Location | None, str], Diagnostic] = {}
        self._discreet: dict[tuple[Location | None, str], Discreet] = {}
        self.sandbox: str | None = None
        self.caller: Node | None = None
        self.sources: dict[str, Source] = above.sources if above is not None else {}

    def know(self, source: Source) -> None:
        """Take note of a file, so that what is hidden in it stays hidden."""
        self.sources[source.display] = source

    def add(
        self, place: Node, summary: str, hint: str | None = None, *notes: Note, discreet: Discreet | None = None
    ) -> None:
        """Report what is wrong at `place`; the same problem reached again through an alias counts once.

        `discreet` is said instead where `place` turns out to hold something sensitive.
        """
        location = place.source.location(place.line, place.column)
        if discreet:
            self._discreet[location, summary] = discreet
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
        if self._found:
            raise InputError(*self.list_all())

    def list_all(self) -> tuple[Diagnostic, ...]:
        """Everything found so far, by file and line."""
        if not self._found:
            return ()
        ordered = sorted(self._found.values(), key=lambda d: d.location or Location("", 0, 0))
        if len(ordered) > SHOWN_AT_MOST:
            hint = "put these right first, then look again"
            ordered[SHOWN_AT_MOST:] = [Diagnostic(f"there are more than {SHOWN_AT_MOST} problems", hint=hint)]
        # Only needed where something is wrong.
        from nexusctl.config.document.redact import be_discreet  # noqa: PLC0415 - deferred: start-up time
        from nexusctl.config.document.strange_files import be_reserved  # noqa: PLC0415 - deferred: start-up time

        return tuple(be_discreet(be_reserved(ordered, self.sources), self.sources, self._discreet))


def note(text: str, place: Node) -> Note:
    """A second place that belongs to a problem."""
    return Note(text, place.source.location(place.line, place.column), place.source.excerpt(place.line))
