"""Compose's variables in a text, as a stack file writes them.

Compose takes them from its environment and from `.env` beside the file, and an unset one is an empty text
(https://github.com/compose-spec/compose-spec, "Interpolation").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nexusctl.config.document.expression import parse
from nexusctl.config.document.node import Node
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.draft.secret_detection import looks_secret

_SIGN = re.compile(r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\{))")
_BRACE = re.compile(r"\$\{|\}")
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<mark>:?[-?+])(?P<rest>.*))?\Z", re.DOTALL)


class Substitution:
    """Rewrites texts; `defaults` are the values in `.env`, which end up as defaults in the stack file.

    Those of the names in `referring` have variables in them. With `guarded` no default is written that looks like a
    secret; without, others have to see to that.
    """

    def __init__(
        self,
        defaults: Mapping[str, str],
        leftovers: Leftovers,
        referring: frozenset[str] = frozenset(),
        *,
        guarded: bool = True,
    ) -> None:
        self._defaults = defaults
        self._leftovers = leftovers
        self._referring = referring
        self._guarded = guarded

    def unguarded(self) -> Substitution:
        return Substitution(self._defaults, self._leftovers, self._referring, guarded=False)

    def rewrite(self, text: str, place: Node) -> str:
        """`text` with every `$NAME` and `${NAME...}` as `${env.NAME...}`, and `$$` as a plain `$`."""
        written, position = "", 0
        while match := _SIGN.search(text, position):
            written += text[position : match.start()]
            position = _find_end(text, match.start()) if match["open"] else match.end()
            written += self._replace(match, text[match.start() : position], place)
        return written + text[position:]

    def _replace(self, match: re.Match[str], whole: str, place: Node) -> str:
        if match["escaped"]:
            # A dollar before a brace would begin a reference.
            return "$$" if match.string.startswith("{", match.end()) else "$"
        parts = _BRACED.match(match["bare"] or whole[2:-1])
        if parts is None:
            self._leftovers.add(whole, "this is no variable that Compose knows; it stands as it is", place)
            return whole.replace("${", "$${")
        return self._reference(parts["name"], parts["mark"] or "", parts["rest"] or "", whole, place)

    def _reference(self, name: str, mark: str, rest: str, whole: str, place: Node) -> str:
        if mark.endswith("+"):
            self._leftovers.add(whole, "there is no form for `if it is set`; the variable itself is used", place)
            return f"${{env.{name}:-}}"
        if (mark == "-" and rest) or mark == "?":
            self._leftovers.add(whole, "an empty value counts like none, not like one that is set", place)
        known = self._defaults.get(name)
        if known or (known is not None and mark in ("-", "?")):
            return self._with_default(name, self._settle_default(name, known, place), place)
        if mark.endswith("?"):
            return f"${{env.{name}:?{self.rewrite(rest, place) or f'set {name}'}}}"
        return self._with_default(name, self.rewrite(rest, place), place)

    def _settle_default(self, name: str, known: str, place: Node) -> str:
        if name not in self._referring:
            return known.replace("${", "$${")
        # One that names itself means the variable that the environment has.
        others = {other: value for other, value in self._defaults.items() if other != name}
        below = Substitution(others, self._leftovers, self._referring - {name}, guarded=self._guarded)
        return below.rewrite(known, place)

    def _with_default(self, name: str, default: str, place: Node) -> str:
        literal = "".join(part for part in parse(default) if isinstance(part, str))
        if self._guarded and looks_secret(name, literal):
            reason, shown = f"its default looks like a secret; set {name} for apply", False
        elif default.count("}") != default.count("${"):
            reason, shown = f"a default with a brace of its own has no form; set {name} for apply", True
        else:
            return f"${{env.{name}:-{default}}}"
        self._leftovers.add(f"${{{name}}}", reason, place, shown=shown)
        return f"${{env.{name}:?set {name}}}"


def _find_end(text: str, begin: int) -> int:
    """Where the reference that begins at `begin` ends, those inside it counted; behind its brace if it never does."""
    depth = 0
    for match in _BRACE.finditer(text, begin):
        depth += 1 if match.group() != "}" else -1
        if depth == 0:
            return match.end()
    return begin + len("${")
