"""`${...}` in a text: which parts are literal, and which stand for something else.

$            literal, wherever no `{` follows
$${          a literal `${`
${var.port}  a reference: a namespace, and words after dots
${file:./a}  a reference: a namespace, and an argument after a colon
${env.A:-b}  a reference with what stands in for it; `b` may hold references too, and braces in pairs
${env.A:?b}  a reference with what to say where there is nothing
${env.A:+b}  what stands there where there is something
${env.A-b}   without the colon an empty text counts as something
"""

from __future__ import annotations

import re
from typing import NamedTuple

from nexusctl.model.values.late_regex import late_regex

OPENING = "${"
DEPTH_LIMIT = 8

REFERENCE = late_regex(
    r"(?P<namespace>[A-Za-z_][A-Za-z0-9_]*)(?P<words>(?:\.[A-Za-z0-9_-]+)*)(?P<rest>(?::.*)?)\Z", re.S
)
_OPTIONAL = late_regex(r"(?P<namespace>env)(?P<words>\.[A-Za-z_][A-Za-z0-9_]*)(?P<rest>[-?+].*)\Z", re.S)
_OPERATOR = late_regex(r":?[-?+]")


class Expression(NamedTuple):
    """One reference: `text` is all of it as written, `at` is where it begins in its scalar's text.

    `operator` is `-`, `?` or `+`, with a `:` before it or none, or empty; `operand` are the parts behind it.
    """

    at: int
    text: str
    namespace: str
    words: tuple[str, ...]
    argument: str | None
    operator: str
    operand: tuple[Part, ...]


class MalformedReference(NamedTuple):
    """What begins like a reference and is none; with `quotes`, the words about it repeat it.

    `hint` is empty where all of `text` has to be looked at to give one.
    """

    at: int
    text: str
    summary: str
    hint: str
    quotes: bool = True


Part = str | Expression | MalformedReference


def parse(text: str, at: int = 0, depth: int = 0) -> tuple[Part, ...]:
    """The parts of `text` in order, escapes resolved; `at` is where it begins in the text of its scalar."""
    parts: list[Part] = []
    literal, position = "", 0
    while (begin := text.find(OPENING, position)) >= 0:
        if begin > position and text[begin - 1] == "$":
            literal += text[position : begin - 1] + OPENING
            position = begin + len(OPENING)
            continue
        literal += text[position:begin]
        if literal:
            parts.append(literal)
        literal = ""
        end = _end(text, begin)
        if end < 0:
            hint = "close it with `}`, or write `$${` for a literal `${`"
            return (
                *parts,
                MalformedReference(at + begin, text[begin:], "this `${` is never closed", hint, quotes=False),
            )
        parts.append(_reference(text[begin:end], at + begin, depth))
        position = end
    literal += text[position:]
    if literal:
        parts.append(literal)
    return tuple(parts)


def escape(text: str) -> str:
    """`text` so that `parse` finds nothing in it but itself."""
    return text.replace(OPENING, "$" + OPENING)


def _end(text: str, begin: int) -> int:
    """Where the reference that begins at `begin` ends, those inside of it counted; -1 where it never does."""
    # A brace that is not closed is a letter like others, and so is a literal `${`.
    for opening in (r"\{", r"\$\{", r"(?<!\$)\$\{"):
        depth = 0
        for match in re.compile(rf"{opening}|\}}").finditer(text, begin + (opening == r"\{")):
            depth += 1 if match.group() != "}" else -1
            if depth == 0:
                return match.end()
    return -1


def _reference(text: str, at: int, depth: int) -> Expression | MalformedReference:
    inside = text[len(OPENING) : -1]
    match = _OPTIONAL.match(inside) or REFERENCE.match(inside)
    if not match:
        return MalformedReference(at, text, f"`{shorten(text)}` is no reference", hint="")
    words = tuple(match["words"].split(".")[1:])
    operator, argument = _tail(match["rest"])
    if argument is not None and words:
        hint = f"write `{OPENING}{match['namespace']}{match['words']}}}`, or `:-` before what stands in for it"
        return MalformedReference(at, text, f"`{shorten(text)}` has a `:` where a reference ends", hint)
    if operator and depth >= DEPTH_LIMIT:
        summary = f"references stand more than {DEPTH_LIMIT} deep inside of each other"
        return MalformedReference(at, text, summary, "nest them less", quotes=False)
    behind = match.start("rest") + len(OPENING) + len(operator)
    operand = parse(text[behind:-1], at + behind, depth + 1) if operator else ()
    return Expression(at, text, match["namespace"], words, argument, operator, operand)


def _tail(rest: str) -> tuple[str, str | None]:
    """The operator, or the argument, of what stands behind the words."""
    if found := _OPERATOR.match(rest):
        return found[0], None
    return "", rest[1:] if rest else None


def shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "..."
