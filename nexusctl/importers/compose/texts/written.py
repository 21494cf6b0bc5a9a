"""Texts and references as a stack file writes them, so that its own reader finds in them what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nexusctl.config.document.expression import Expression, MalformedReference, Part, escape, parse

# The variable is one that nobody sets to anything else.
_DOLLAR = "${env.DOLLAR:-$}"

# What a text means: literals, and a name, an operator and a meaning for each reference.
_Meaning = tuple[object, ...]


def write_parts(parts: Sequence[Part]) -> str:
    """The text that is read as `parts`, whatever of them stands side by side."""
    written, literal = "", ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        written += _escape_before(literal, part.text) + part.text
        literal = ""
    return written + escape(literal)


def _escape_before(literal: str, following: str) -> str:
    """`literal` so that it means itself where `following` stands right behind it: a dollar would be a part of that."""
    kept = literal.rstrip("$") if following.startswith("${") else literal
    return escape(kept) + _DOLLAR * (len(literal) - len(kept))


def write_reference(name: str, operator: str, operand: str) -> str | None:
    """`${env.NAME...}` with what is written behind its operator; None where the braces in that leave it no form."""
    whole = _close(name, operator, operand)
    if whole is not None or not operator.endswith("+"):
        return whole
    # One after the other they stand there as one would.
    pieces = [_close(name, operator, write_parts(piece)) for piece in _split_at_braces(parse(operand)) if piece]
    return None if None in pieces else "".join(map(str, pieces))


def may_be_empty(parts: Sequence[Part]) -> bool:
    """Whether all that is read there can come to nothing, whatever the variables are."""
    return all(isinstance(part, Expression) and (part.operator != ":-" or may_be_empty(part.operand)) for part in parts)


def _close(name: str, operator: str, operand: str) -> str | None:
    parts = parse(operand)
    written = f"${{env.{name}{operator}{operand}}}"
    read = parse(written)
    wanted = ((f"env.{name}", operator, _mean(parts)),)
    return written if _is_sound(parts) and _is_sound(read) and _mean(read) == wanted else None


def _is_sound(parts: Sequence[Part]) -> bool:
    """Whether no reference in them is malformed, however deep."""
    return not any(
        isinstance(part, MalformedReference) or (isinstance(part, Expression) and not _is_sound(part.operand))
        for part in parts
    )


def _mean(parts: Sequence[Part]) -> _Meaning:
    found: list[object] = []
    for part in parts:
        if isinstance(part, Expression):
            name = ".".join((part.namespace, *part.words))
            found.append((name, part.operator, _mean(part.operand)))
        else:
            found.append(part)
    return tuple(found)


def _split_at_braces(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts cut at each `{` that nothing closes, which is one of its own."""
    signs: list[Part] = [sign for part in parts for sign in (part if isinstance(part, str) else [part])]
    lone: list[int] = []
    for at, sign in enumerate(signs):
        if sign == "{":
            lone.append(at)
        elif sign == "}" and lone:
            lone.pop()
    begin = 0
    for at in lone:
        yield signs[begin:at]
        yield ["{"]
        begin = at + 1
    yield signs[begin:]
