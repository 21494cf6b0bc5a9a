"""The YAML parser's complaints in words that say what to type instead."""

from __future__ import annotations

from typing import Any

from nexusctl.config.document.node import Node, Sequence, Source
from nexusctl.config.read.yaml_slips import find_slip
from nexusctl.errors import Diagnostic, Note

_INDENTATION = "check the indentation: entries of one mapping or list begin in the same column"

# What the parser says, what that means, what to do. The first whose words occur counts.
_MEANINGS = (
    ("found a tab character", "a tab cannot indent YAML", "indent with spaces"),
    ("mapping values are not allowed", "a `:` that no key can have here", "put a text with `: ` in quotes"),
    ("could not find expected ':'", "this line has a key without a `:`", "write `key: value`"),
    ("found unexpected end of stream", "this quote is never closed", "close it"),
    ("found unexpected document indicator", "this quote is not closed in its document", "close it"),
    (
        "found unknown escape character",
        "this escape is not known in double quotes",
        "write `\\\\` for a backslash, or put the text in single quotes",
    ),
    (
        "did not find expected hexdecimal number",
        "this escape lacks the digits of its character",
        "write `\\\\` for a backslash, or put the text in single quotes",
    ),
    ("did not find expected ',' or ']'", "a list in brackets is not closed or lacks a comma", "write `[a, b]`"),
    ("did not find expected ',' or '}'", "a mapping in braces is not closed or lacks a comma", "write `{a: 1, b: 2}`"),
    ("did not find expected key", "this does not belong to the mapping that it stands in", _INDENTATION),
    ("did not find expected '-' indicator", "this does not belong to the list that it stands in", _INDENTATION),
    ("block sequence entries are not allowed", "a list item cannot begin here", "begin the list on a line of its own"),
    (
        "did not find expected node content",
        "a value is missing here, or needs quotes",
        'put it in quotes: ":3000/health"',
    ),
    ("found undefined tag handle", "the tag is not known here", "write the value without a tag"),
    ("expected <block end>", "this does not belong to what it stands in", _INDENTATION),
)

# Where it began is what has to be changed, not where the parser noticed.
_BEGUN_WRONG = ("could not find expected ':'", "found unexpected end of stream", "found unexpected document indicator")


def explain(source: Source, error: Any, unclosed: Node | None) -> Diagnostic:
    """A diagnostic for the parser's `error`, whose marks count from 0; `unclosed` is what it was reading."""
    problem, mark, context, context_mark = error.problem, error.problem_mark, error.context, error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if unclosed and (context or "").startswith("while parsing a flow") and not _rest(source, line, column):
        kind, end = ("list", "]") if isinstance(unclosed, Sequence) else ("mapping", "}")
        place = source.location(unclosed.line, unclosed.column)
        return Diagnostic(
            f"this {kind} is never closed", place, source.excerpt(unclosed.line), f"close it with `{end}`"
        )
    text = "".join(source.lines[line - 1 : line])
    if slip := find_slip(source, problem or "", line, column, context_mark.line + 1 if context_mark else line):
        return slip
    summary, hint = _meaning(problem or "", text[column - 1 : column])
    if text.lstrip().startswith("\ufeff"):
        summary, hint = "a byte order mark, which nobody sees, begins this line", "remove it: type the line anew"
    excerpt = source.excerpt(line)
    notes: tuple[Note, ...] = ()
    if context_mark and any(words in (problem or "") for words in _BEGUN_WRONG):
        line, column = context_mark.line + 1, context_mark.column + 1
        excerpt = source.excerpt(line)
    elif context and context_mark and context_mark.line != line - 1:
        begun = context_mark.line + 1
        notes = (Note("it began here", source.location(begun, context_mark.column + 1), source.excerpt(begun)),)
    return Diagnostic(summary, source.location(line, column), excerpt, hint, notes)


def _rest(source: Source, line: int, column: int) -> str:
    """What the file says from there on, besides comments."""
    lines = [line.partition("#")[0] for line in source.lines[line - 1 :]]
    return "".join(lines)[column - 1 :].strip()


def _meaning(problem: str, character: str) -> tuple[str, str]:
    if "alphabetic or numeric character" in problem:
        return "a bare text cannot begin with `*` or `&`", "put the text in quotes"
    if "cannot start any token" in problem:
        if character == "\t":
            return "a tab cannot indent YAML", "indent with spaces"
        return f"a bare text cannot begin with {character}", "put the text in quotes"
    for words, summary, hint in _MEANINGS:
        if words in problem:
            return summary, hint
    return f"this is not valid YAML: {problem}", "check this line and the one before it"
