"""One pattern of git's wildmatch as a regular expression, which takes no longer than the text is long. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

_SPECIAL = re.compile(rb"[*?\[\\]")
_BLANKS = b" \t\r\n"
_PRINTED = bytes(range(0x20, 0x7F))
_LETTERS = bytes((*range(0x41, 0x5B), *range(0x61, 0x7B)))
_DIGITS = b"0123456789"
_CLASSES = {
    b"alnum": _LETTERS + _DIGITS,
    b"alpha": _LETTERS,
    b"blank": b" \t",
    b"cntrl": bytes((*range(1, 0x20), 0x7F)),
    b"digit": _DIGITS,
    b"graph": _PRINTED.strip(),
    b"lower": _LETTERS.lower()[26:],
    b"print": _PRINTED,
    b"punct": bytes(set(_PRINTED.strip()) - set(_LETTERS + _DIGITS)),
    b"space": _BLANKS,
    b"upper": _LETTERS.upper()[:26],
    b"xdigit": _DIGITS + b"abcdefABCDEF",
}
_ANY = b"[^/]"
_UNCLOSED = "a `[` in it is not closed"


class _Token(NamedTuple):
    kind: Literal["one", "star", "folders", "some folders", "rest"]
    """`one` byte that `regex` matches, any within a name, any folders or none, one folder or more, all that is left."""
    regex: bytes = b""


class MalformedPattern(ValueError):
    """What no pattern can be, and why; git lets it match nothing."""


def compile_wildmatch(pattern: bytes, *, by_name: bool) -> re.Pattern[bytes]:
    """An expression whose `match` tells whether `pattern` matches a whole path, of which none is empty.

    With `by_name` the path is a name without slashes. Raises `MalformedPattern`.
    """
    special = _SPECIAL.search(pattern)
    # git compares what comes before the first wildcard by itself, so that `**` after it counts as the beginning.
    start = special.start() if special else 0
    return re.compile(_join(list(_read_tokens(pattern, -1 if by_name else start))), re.DOTALL)


def _join(tokens: list[_Token]) -> bytes:
    """Of each star the first place is enough where the next one can take what is left: nothing is tried twice."""
    last = max((at for at, token in enumerate(tokens) if token.kind != "one"), default=-1)
    last_deep = max((at for at, token in enumerate(tokens) if "folders" in token.kind), default=-1)
    text, closing = b"", b""
    for at, token in enumerate(tokens):
        if "folders" in token.kind:
            text += closing
            once = b"(?:[^/]*/)"
            many = once + (b"*?" if token.kind == "folders" else b"+?")
            text, closing = (text + many, b"") if at == last_deep else (text + b"(?>" + many, b")")
        elif token.kind == "star":
            following = _until_star(tokens, at + 1)
            text += _ANY + b"*" if at == last else b"(?>" + _ANY + b"*?" + following + b")"
        elif token.kind == "rest":
            text += b".*"
        elif not _is_taken(tokens, at, last):
            text += token.regex
    return text + closing + rb"\Z"


def _until_star(tokens: list[_Token], at: int) -> bytes:
    text = b""
    while at < len(tokens) and tokens[at].kind == "one":
        text += tokens[at].regex
        at += 1
    return text


def _is_taken(tokens: list[_Token], at: int, last: int) -> bool:
    """Whether the group of the star before has it."""
    while at >= 0 and tokens[at].kind == "one":
        at -= 1
    return at >= 0 and tokens[at].kind == "star" and at != last


def _read_tokens(pattern: bytes, start: int) -> Iterator[_Token]:
    """`start` is where the literal beginning ends, -1 where there are no folders to be told of."""
    at, size = 0, len(pattern)
    while at < size:
        sign = pattern[at : at + 1]
        if sign == b"*":
            end = at
            while pattern[end : end + 1] == b"*":
                end += 1
            deep = end - at > 1 and start >= 0 and (at in (0, start) or pattern[at - 1 : at] == b"/")
            if deep and end == size:
                yield _Token("rest")
            elif deep and pattern[end : end + 1] == b"/":
                yield _Token("folders")
                end += 1
            elif deep and pattern[end : end + 2] == b"\\/":
                yield _Token("some folders")
                end += 2
            else:
                yield _Token("star")
            at = end
        elif sign == b"?":
            yield _Token("one", _ANY)
            at += 1
        elif sign == b"[":
            members, at = _read_set(pattern, at + 1)
            yield _Token("one", b"[" + b"".join(rb"\x%02x" % byte for byte in sorted(members)) + b"]")
        else:
            at += sign == b"\\"
            if at == size:
                raise MalformedPattern("nothing follows its last `\\`")
            yield _Token("one", re.escape(pattern[at : at + 1]))
            at += 1


def _read_set(pattern: bytes, at: int) -> tuple[set[int], int]:
    """What a set in brackets stands for, and where it ends; `at` is behind its first bracket."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members: set[int] = set()
    before = 0
    first = True
    while True:
        sign = _byte(pattern, at)
        if sign == ord("]") and not first:
            break
        first = False
        if sign == ord("\\"):
            at += 1
            sign = _byte(pattern, at)
            members.add(sign)
        elif sign == ord("-") and before and pattern[at + 1 : at + 2] not in (b"", b"]"):
            at += 1
            sign = _byte(pattern, at)
            if sign == ord("\\"):
                at += 1
                sign = _byte(pattern, at)
            members.update(range(before, sign + 1))
            sign = 0
        elif pattern[at : at + 2] == b"[:":
            end = pattern.find(b"]", at + 2)
            if end < 0:
                raise MalformedPattern(_UNCLOSED)
            if end > at + 2 and pattern[end - 1 : end] == b":":
                members.update(_find_class(pattern[at + 2 : end - 1]))
                at, sign = end, 0
            else:
                members.add(sign)
        else:
            members.add(sign)
        before = sign
        at += 1
    found = (set(range(1, 256)) - members if negated else members) - {ord("/")}
    if not found:
        raise MalformedPattern("a `[` in it stands for nothing")
    return found, at + 1


def _byte(pattern: bytes, at: int) -> int:
    if at >= len(pattern):
        raise MalformedPattern(_UNCLOSED)
    return pattern[at]


def _find_class(name: bytes) -> bytes:
    if name not in _CLASSES:
        raise MalformedPattern(f"there is no class `[:{name.decode('utf-8', 'replace')}:]`")
    return _CLASSES[name]
