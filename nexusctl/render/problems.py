"""What is wrong with a file, for programs: JSON for editors, workflow commands for annotations of a pull request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nexusctl.errors import Diagnostic
from nexusctl.render.event import diagnostic_document
from nexusctl.render.format import FORMAT_VERSION


def problems_document(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """All of them as plain JSON values."""
    return {"format_version": FORMAT_VERSION, "errors": [diagnostic_document(problem) for problem in diagnostics]}


def render_annotations(diagnostics: Iterable[Diagnostic]) -> str:
    """A workflow command of GitHub Actions a problem, which shows it beside the line in a pull request.

    The form and its escapes are those of
    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
    """
    return "".join(f"{_annotation(diagnostic)}\n" for diagnostic in diagnostics)


def _annotation(diagnostic: Diagnostic) -> str:
    place = diagnostic.location
    properties = {"file": place.file, "line": str(place.line), "col": str(place.column)} if place else {}
    properties["title"] = diagnostic.summary
    listed = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    return f"::{diagnostic.severity} {listed}::{_escape(_message(diagnostic))}"


def _message(diagnostic: Diagnostic) -> str:
    """What the title does not say: places that belong to it, output, and what to do."""
    notes = [f"{note.text} ({note.location})" if note.location else note.text for note in diagnostic.notes]
    return "\n".join([*notes, *diagnostic.output, diagnostic.hint or ""]).strip() or diagnostic.summary


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
