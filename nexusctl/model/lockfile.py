"""What `nexus.lock` holds: which image and which versions a stack was resolved to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass

LOCK_NAME, ASKED_NAME = "package-lock.json", "package.json"
"""The files of a tree: which version lies where, and which packages were asked for."""

BELOW = " > "
"""Stands in the place of a package in a tree, between what finds it there and its name."""

RECIPE = "recipe:"
"""The prefix of a digest that names the tag of an image which a template's recipe makes."""

_FOLDER = "node_modules/"
_SOMETIMES = ("optional", "dev", "devOptional", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """`asked` is the version or range that the stack file names, `version` the one that was installed for it."""

    asked: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedSandbox:
    """`image` is the reference as the engine writes it, `digest` the registry's, or the id of an image that was never
    in one, or a recipe's tag behind `RECIPE`. `packages` are by manager and name; those of a lock file are not in it.
    `needs` are the versions of what came with them because they need it, by manager and name. `trees` are the files
    in which a manager writes that down itself, by manager and file name, each as the JSON document that it is: npm
    may bring one name in several versions, so only its own lock tells where each of them lies.
    """

    image: str
    digest: str
    packages: Mapping[str, Mapping[str, LockedPackage]] = field(default_factory=dict)
    needs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trees: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockfile:
    """`sandboxes` are by what `lock_keys` calls them."""

    sandboxes: Mapping[str, LockedSandbox] = field(default_factory=dict)


def lock_keys(stack: Stack) -> dict[str, str]:
    """What a lock calls each sandbox: by the name in the stack file, or by its own where its group is not all alike."""
    asked: dict[str, set[Any]] = {}
    for sandbox in stack.sandboxes.values():
        asked.setdefault(sandbox.group, set()).add((sandbox.image, sandbox.packages, sandbox.working_dir))
    return {name: s.group if len(asked[s.group]) == 1 else name for name, s in stack.sandboxes.items()}


def tree_versions(tree: Mapping[str, Any], *, everywhere: bool = False) -> dict[str, str]:
    """The versions in a tree of npm's, by place: `debug`, or `express > debug` for what only express finds.

    With `everywhere` only of what is installed on every machine, whatever it runs on and is used for. Raises
    `ValueError`, `TypeError`, `AttributeError` or `KeyError` for a tree that is none.
    """
    entries: Mapping[str, Mapping[str, Any]] = tree[LOCK_NAME].get("packages", {})
    return {
        place.removeprefix(_FOLDER).replace(f"/{_FOLDER}", BELOW): str(entry["version"])
        for place, entry in sorted(entries.items())
        if place.startswith(_FOLDER)
        and "version" in entry
        and not (everywhere and any(entry.get(mark) for mark in _SOMETIMES))
    }
