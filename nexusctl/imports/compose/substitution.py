"""Compose's variables in a text, as a stack file writes them.

Compose takes them from its environment and from `.env` beside the file, and an unset one is an empty text
(https://github.com/compose-spec/compose-spec, "Interpolation").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nexusctl.config.node import Node
from nexusctl.imports.draft import Leftovers
from nexusctl.imports.secretlike import looks_secret

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<braced>[^{}]*)\})")
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<mark>:?[-?+])(?P<rest>.*))?\Z", re.DOTALL)


class Substitution:
    """Rewrites texts; `defaults` are the values in `.env`, which end up as defaults in the stack file."""

    def __init__(self, defaults: Mapping[str, str], leftovers: Leftovers) -> None:
        self._defaults = defaults
        self._leftovers = leftovers

    def rewrite(self, text: str, place: Node) -> str:
        """`text` with every `$NAME` and `${NAME...}` as `${env.NAME...}`, and `$$` as a plain `$`."""
        if "$" not in text:
            return text
        return _VARIABLE.sub(lambda match: self._replace(match, place), text)

    def _replace(self, match: re.Match[str], place: Node) -> str:
        if match["escaped"]:
            # A dollar before a brace would begin a reference.
            return "$$" if match.string[match.end() :].startswith("{") else "$"
        parts = _BRACED.match(match["bare"] or match["braced"] or "")
        if parts is None:
            self._leftovers.add(match[0], "this is no variable that Compose knows; it stands as it is", place)
            return match[0].replace("${", "$${")
        return self._reference(parts["name"], parts["mark"] or "", parts["rest"] or "", match[0], place)

    def _reference(self, name: str, mark: str, rest: str, whole: str, place: Node) -> str:
        if mark.endswith("?"):
            return f"${{env.{name}:?{rest or f'set {name}'}}}"
        if mark.endswith("+"):
            self._leftovers.add(whole, "there is no form for `if it is set`; the variable itself is used", place)
            return f"${{env.{name}:-}}"
        default = self._defaults.get(name, rest)
        if looks_secret(name, default):
            self._leftovers.add(
                f"${{{name}}}", f"its default looks like a secret; set {name} for apply", place, shown=False
            )
            return f"${{env.{name}:?set {name}}}"
        return f"${{env.{name}:-{default}}}"
