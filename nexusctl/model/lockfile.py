"""What `nexus.lock` holds: which image and which versions a stack was resolved to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from nexusctl.model.value import dataclass

RECIPE = "recipe:"
"""The prefix of a digest that names the tag of an image which a template's recipe makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """`asked` is the version or range that the stack file names, `version` the one that was installed for it."""

    asked: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedSandbox:
    """`image` is the reference as the engine writes it, `digest` the registry's, or the id of an image that was never
    in one, or a recipe's tag behind `RECIPE`. `packages` are by manager and name; those of a lock file are not in it.
    `needs` are the versions of what came with them because they need it, by manager and name.
    """

    image: str
    digest: str
    packages: Mapping[str, Mapping[str, LockedPackage]] = field(default_factory=dict)
    needs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockfile:
    """`sandboxes` are by the name in the stack file; replicas share one entry."""

    sandboxes: Mapping[str, LockedSandbox] = field(default_factory=dict)
