"""Compose's variables in a text, as a stack file writes them.

Compose takes them from its environment and from `.env` beside the file, and an unset one is an empty text
(https://github.com/compose-spec/compose-spec, "Interpolation").
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from nexusctl.config.document.expression import Part, escape, parse
from nexusctl.config.document.node import Node
from nexusctl.importers.compose.texts.written import may_be_empty, write_parts, write_reference
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.values.secret_detection import looks_secret

_SIGN = re.compile(r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\{))")
# What stands right behind an opening one is never one that closes, or opens, to Compose.
_BRACE = re.compile(r"\{.?|\}", re.DOTALL)
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<mark>:?[-?+])(?P<rest>.*))?\Z", re.DOTALL)


class Default(NamedTuple):
    """A value in `.env`; `template` is how it was written where there are variables in it, and `above` are theirs."""

    text: str
    template: str = ""
    above: Mapping[str, Default] = MappingProxyType({})


class Substitution:
    """Rewrites texts; `defaults` are the values in `.env`, which end up as defaults in the stack file.

    With `guarded` no default is written that looks like a
    secret; without, others have to see to that.
    """

    def __init__(
        self,
        defaults: Mapping[str, Default],
        leftovers: Leftovers,
        *,
        guarded: bool = True,
    ) -> None:
        self._defaults = defaults
        self._leftovers = leftovers
        self._guarded = guarded

    def unguarded(self) -> Substitution:
        return Substitution(self._defaults, self._leftovers, guarded=False)

    def rewrite(self, text: str, place: Node) -> str:
        """`text` with every `$NAME` and `${NAME...}` as `${env.NAME...}`, and `$$` as a plain `$`."""
        parts: list[Part] = []
        position = 0
        for begin, end in find_signs(text):
            parts.append(text[position:begin])
            position = end
            parts += ["$"] if text[begin:end] == "$$" else parse(self._replace(text[begin:end], place))
        return write_parts([*parts, text[position:]])

    def _replace(self, whole: str, place: Node) -> str:
        parts = take_apart(whole)
        if parts is None:
            self._leftovers.add(whole, "this is no variable that Compose knows; it stands as it is", place)
            return escape(whole)
        return self._reference(*parts, place)

    def _reference(self, name: str, mark: str, rest: str, place: Node) -> str:
        known = self._defaults.get(name)
        if mark.endswith("+"):
            return self._if_set(name, mark, rest, known, place)
        if known and (known.text or mark in ("-", "?")):
            value = self._settle_default(known, place)
            if mark in (":-", ":?") and may_be_empty(parse(value)):
                reason = f"its file of variables makes {name} of others; where they are empty, this is, too"
                self._leftovers.add(f"${{{name}{mark}...}}", reason, place)
            return self._beside_file(name, mark, rest, value, place)
        if mark.endswith("?"):
            return self._demanding(name, mark, rest, place)
        return self._with_default(name, mark or ":-", self.rewrite(rest, place), place)

    def _if_set(self, name: str, mark: str, rest: str, known: Default | None, place: Node) -> str:
        written = self.rewrite(rest, place)
        if not known or not (known.text or mark == "+"):
            return self._standing_in(name, mark, written, place)
        if mark == ":+" and written:
            own = self._find_own(name, rest)
            surely = not may_be_empty(parse(self._settle_default(known, place)))
            if own and surely and (around := self._around_own(name, rest, written, own, place)):
                return around
            reason = f"its file of variables sets {name}, so this stands always, also where the caller empties {name}"
            self._leftovers.add(f"${{{name}:+...}}", reason, place)
        return written

    def _find_own(self, name: str, rest: str) -> tuple[int, int] | None:
        """Where the variable itself stands in what stands there for it."""
        for begin, end in find_signs(rest):
            parts = take_apart(rest[begin:end]) if rest[begin:end] != "$$" else None
            if parts and parts[0] == name and not parts[1].endswith("+"):
                return begin, end
        return None

    def _around_own(self, name: str, rest: str, written: str, own: tuple[int, int], place: Node) -> str:
        """All of it where nobody sets the variable, as its file does, and its own text alone where somebody has; empty
        where what stands around that has no form.
        """
        texts = [self.rewrite(text, place) for text in (rest[: own[0]], rest[own[1] :])]
        around = [write_reference(name, ":+", text) if text else "" for text in texts]
        if None in around:
            return ""
        return self._with_default(name, "-", written, place).join(map(str, around))

    def _standing_in(self, name: str, mark: str, written: str, place: Node) -> str:
        found = write_reference(name, mark, written)
        if found is None:
            self._leftovers.add(f"${{{name}{mark}...}}", "what stands for it has no form; write it by hand", place)
        return found or ""

    def _demanding(self, name: str, mark: str, message: str, place: Node) -> str:
        plain = f"set {name}"
        found = write_reference(name, mark, self.rewrite(message, place) or plain)
        if found is None:
            self._leftovers.add(f"${{{name}{mark}...}}", f"its message has no form, and is `{plain}`", place)
        return found or f"${{env.{name}{mark}{plain}}}"

    def _beside_file(self, name: str, mark: str, rest: str, value: str, place: Node) -> str:
        """A variable that has `value` in the file; one that the environment sets to an empty text wins over that."""
        kept = self._with_default(name, "-", value, place)
        if not mark.startswith(":") or kept == _demand(name):
            return kept
        if mark == ":?":
            emptied = self._demanding(name, mark, rest, place)
        else:
            emptied = self.rewrite(rest, place)
            if emptied == value:
                return self._with_default(name, mark, value, place)
            # A secret or an odd brace in it is looked for as where it stands alone.
            if emptied and self._with_default(name, mark, emptied, place) == _demand(name):
                return _demand(name)
        if not emptied:
            return kept
        inside = kept + self._standing_in(name, "+", emptied, place)
        return self._with_default(name, ":-", inside, place)

    def _settle_default(self, known: Default, place: Node) -> str:
        if not known.template:
            return escape(known.text)
        return Substitution(known.above, self._leftovers, guarded=self._guarded).rewrite(known.template, place)

    def _with_default(self, name: str, operator: str, default: str, place: Node) -> str:
        literal = "".join(part for part in parse(default) if isinstance(part, str))
        written = write_reference(name, operator, default)
        if (self._guarded or written is None) and looks_secret(name, literal):
            reason = f"its default looks like a secret; set {name} for apply"
            self._leftovers.add(f"${{{name}}}", reason, place, shown=False)
            return _demand(name)
        return self._put_in(name, operator, default, place) if written is None else written

    def _put_in(self, name: str, operator: str, default: str, place: Node) -> str:
        """What it says now, where what stands in for it has no form."""
        there = place.source.trust.environment(os.environ).get(name)
        if there is None or (not there and operator == ":-"):
            what, found = "what stands in for it was put in for good", default
        else:
            what, found = f"set {name} for apply", f"${{env.{name}{operator[:-1]}?set {name}}}"
        self._leftovers.add(f"${{{name}}}", f"a default with a brace of its own has no form; {what}", place)
        return found


def _demand(name: str) -> str:
    return f"${{env.{name}:?set {name}}}"


def find_signs(text: str) -> Iterator[tuple[int, int]]:
    """Where each `$$`, `$NAME` and `${NAME...}` of `text` begins and ends."""
    position = 0
    while match := _SIGN.search(text, position):
        position = _find_end(text, match.start()) if match["open"] else match.end()
        yield match.start(), position


def take_apart(whole: str) -> tuple[str, str, str] | None:
    """The name, the operator and what stands behind it of a reference, None where it is none."""
    parts = _BRACED.match(whole[2:-1] if whole.startswith("${") else whole[1:])
    return (parts["name"], parts["mark"] or "", parts["rest"] or "") if parts else None


def _find_end(text: str, begin: int) -> int:
    """Where the reference that begins at `begin` ends, all braces inside it counted; at the last one if they do not
    match, and behind its own brace if there is none.
    """
    depth = 0
    for match in _BRACE.finditer(text, begin):
        depth += 1 if match.group() != "}" else -1
        if depth == 0:
            return match.end()
    return max(text.rfind("}", begin) + 1, begin + len("${"))
