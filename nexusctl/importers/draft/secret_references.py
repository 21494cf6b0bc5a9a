"""Secrets that an import found, and the references that stand for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nexusctl.config.document.expression import Expression, Part, escape, parse
from nexusctl.config.document.node import Node
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.draft.names import fit_name
from nexusctl.importers.draft.references import settle
from nexusctl.model.values.secret_detection import find_passwords, holds_secret, looks_secret, takes_secret

IN_TEXT = "a secret seems to stand in it, where file, plan and engine show it; let it read a variable or a file"
"""Why a command or the content of a file is listed: there is no place for a reference in it."""

_ANYTHING = "anything"
"""Stands for what nobody knows yet."""
_SHORTEST = 5
"""Characters of a value that is looked for elsewhere; a shorter one stands in other words too."""


class Secrets:
    """Gathers while one import lasts; one value under one variable is one secret, whoever uses it."""

    def __init__(self, leftovers: Leftovers) -> None:
        self._leftovers = leftovers
        self._names: dict[tuple[str, str], str] = {}
        self._sources: dict[str, str] = {}
        self.section: dict[str, Any] = {}

    def protect(self, owner: str, variable: str, value: str, place: Node | None = None) -> str:
        """`value`, or the reference to a secret where it looks like one; what to do then is said."""
        if not looks_secret(variable, value):
            return escape(value)
        return self._refer(owner, variable, value, place)

    def protect_references(self, owner: str, variable: str, text: str, place: Node | None = None) -> str:
        """`text`, which has its references and escapes already, without what looks like a secret between them or as
        what stands in for one.
        """
        parts = parse(text)
        literal = "".join(part for part in parts if isinstance(part, str))
        whole = all(isinstance(part, str) for part in parts)
        if holds_secret(literal) or (whole and looks_secret(variable, literal)):
            return self._refer(owner, variable, text, place)
        found = [part for part in parts if isinstance(part, Expression) and _gives_away(variable, part, parts)]
        if len(found) > 1:
            # What a live container has for two of them could not be told apart.
            return self._refer(owner, variable, text, place)
        for part in found:
            reference = self._stand_for(owner, variable, part.words[0], place)
            text = text[: part.at] + reference + text[part.at + len(part.text) :]
        return text

    def find_in_commands(self, sandbox: Mapping[str, Any]) -> Iterator[str]:
        """The keys of the drafted `sandbox` whose commands seem to have a secret in them."""
        probe = sandbox.get("health")
        commands = {key: sandbox.get(key, "") for key in ("command", "startup")}
        commands["health"] = probe.get("command", "") if isinstance(probe, Mapping) else ""
        for key, command in commands.items():
            if self.seem_in(command if isinstance(command, str) else shlex.join(command)):
                yield key

    def seem_in(self, text: str) -> bool:
        """Whether a secret seems to stand in `text`: as an option's, by a variable's name, or known from elsewhere."""
        values = (secret for _, value in self._names for secret in (value, *find_passwords(value)))
        return (
            takes_secret(text)
            or any(map(_names_secret, parse(text)))
            or any(secret in text for secret in values if len(secret) >= _SHORTEST)
        )

    def _refer(self, owner: str, variable: str, value: str, place: Node | None) -> str:
        known = self._names.get((variable, value))
        if known is None:
            known = self._names[variable, value] = self._name(owner, variable)
        source = self.section[known]["env"]
        self._leftovers.add(
            f"{owner}.env.{variable}",
            f"it looks like a secret: `${{secret.{known}}}` stands for it, and apply takes it from {source}",
            place,
            shown=False,
        )
        return f"${{secret.{known}}}"

    def declare(self, name: str, source: dict[str, Any]) -> str:
        """The name of a secret that was declared as `name`."""
        fitted = fit_name(name)
        self.section[fitted] = source
        return fitted

    def _stand_for(self, owner: str, variable: str, source: str, place: Node | None) -> str:
        """The reference to the secret that the variable `source` of the environment has."""
        name = self._sources.get(source) or self._name(owner, source)
        self._sources[source] = name
        self.section[name] = {"env": source}
        reason = f"it looks like a secret: `${{secret.{name}}}` stands for `${{{source}}}`"
        self._leftovers.add(
            f"{owner}.env.{variable}", f"{reason}, and apply takes it from {source}", place, shown=False
        )
        return f"${{secret.{name}}}"

    def _name(self, owner: str, variable: str) -> str:
        name, source = fit_name(variable), variable
        if name in self.section:
            name, source = fit_name(f"{owner}-{variable}"), f"{owner}_{variable}".upper().replace("-", "_")
        self.section[name] = {"env": source}
        return name


def _names_secret(part: Part) -> bool:
    """Whether `part` is a variable of the environment that is called like a secret."""
    return isinstance(part, Expression) and part.namespace == "env" and looks_secret(part.words[0], _ANYTHING)


def _gives_away(variable: str, part: Expression, parts: Sequence[Part]) -> bool:
    """Whether the value of `part`, or what stands in for it, is a secret by its name or by where it stands."""
    value = settle((part,)) or _ANYTHING
    if part.namespace != "env" or any(looks_secret(name, value) for name in (variable, part.words[0])):
        return part.namespace == "env"
    with_it, without = ("".join(text if other is part else settle((other,)) for other in parts) for text in (value, ""))
    return holds_secret(with_it) and not holds_secret(without)
