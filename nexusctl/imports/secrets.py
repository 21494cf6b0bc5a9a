"""Secrets that an import found, and the references that stand for them."""

from __future__ import annotations

from typing import Any

from nexusctl.config.node import Node
from nexusctl.imports.draft import Leftovers
from nexusctl.imports.names import fit_name
from nexusctl.imports.secretlike import looks_secret


class Secrets:
    """Gathers while one import lasts; one value under one variable is one secret, whoever uses it."""

    def __init__(self, leftovers: Leftovers) -> None:
        self._leftovers = leftovers
        self._names: dict[tuple[str, str], str] = {}
        self.section: dict[str, Any] = {}

    def protect(self, owner: str, variable: str, value: str, place: Node | None = None) -> str:
        """`value`, or the reference to a secret where it looks like one; what to do then is said."""
        if not looks_secret(variable, value):
            return value.replace("${", "$${")
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

    def _name(self, owner: str, variable: str) -> str:
        name, source = fit_name(variable), variable
        if name in self.section:
            name, source = fit_name(f"{owner}-{variable}"), f"{owner}_{variable}".upper().replace("-", "_")
        self.section[name] = {"env": source}
        return name
