"""What a package manager has to tell so that somebody else can run it. Nothing here runs anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """What a failed installation says for itself: the package that it stumbled over, and a hint; empty for none.

    `certain` says that it was not the way to the package index, whatever else is in the output.
    """

    package: str = ""
    hint: str = ""
    certain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """A file of the user's that tells a manager of its indexes, in lines `key=value`.

    It lies in the home folder as `home`, or where one of `variables` says; the first of those tells the manager.
    Lines whose key `kept` matches count for an install. What `secret` matches, a line with its end, is for the
    manager's eyes only. `bundle` is the key of certificates.
    """

    home: str
    variables: tuple[str, ...]
    kept: re.Pattern[str]
    secret: re.Pattern[str]
    bundle: str


ALTERED_HINT = "what the index has is not what was locked or told: find out who changed it before you go on"
NEEDS_COMPILER = "it is built from source: add `apt: [build-essential]` to the sandbox's packages"


LockForm = Literal["package-lock", "requirements", "alone"]
"""A lock takes along what a package-lock.json does, what a requirements.txt does, or what its manager names."""


class PackageManager(Protocol):
    """All commands are run as root in the folder where the sandbox works, with `env` besides the host's settings.

    A lock file with what belongs to it lies in that folder where `keeps_lock` is set, because it is a part of what
    is installed; otherwise its path is given to `install`. In a sandbox that runs it lies elsewhere: see `change`.
    """

    @property
    def name(self) -> str: ...

    @property
    def pattern(self) -> re.Pattern[str]:
        """A package as one text, with the groups `name` and `version`: neither begins with a dash, as options do."""

    @property
    def joint(self) -> str:
        """What stands between name and version in that."""

    @property
    def exactly(self) -> str:
        """What makes of a version that just this one will do, in front of it."""

    @property
    def example(self) -> str: ...

    @property
    def locks(self) -> tuple[str, ...] | None:
        """The names of the lock files that it installs from; empty for whichever, None where it knows none."""

    @property
    def lock_beside(self) -> str:
        """The file that has to lie beside a lock; empty for none."""

    @property
    def lock_form(self) -> LockForm:
        """Who finds the files that go along with a lock."""

    @property
    def lock_along(self) -> tuple[str, ...]:
        """The files that go along with a lock that stands alone, where they lie beside it."""

    @property
    def lock_elsewhere(self) -> re.Pattern[str] | None:
        """What a lock that stands alone has of folders and files of its project, in one of the groups of this."""

    @property
    def follows_locks(self) -> bool:
        """Whether a lock can take the place of another in a sandbox that runs, with nothing left of the former."""

    @property
    def site(self) -> str:
        """Where its packages lie, which only one manager can look after: each would call the other's drift."""

    @property
    def writes(self) -> tuple[str, ...]:
        """The files that it writes itself in the working folder."""

    @property
    def builds_others(self) -> bool:
        """Whether others build from source with what it installs, so that it comes first."""

    @property
    def built_with(self) -> tuple[str, ...]:
        """What of Debian's packages it needs besides a compiler to build from source."""

    def carried(self, room: str) -> dict[str, str]:
        """The variables by which it takes what was fetched into `room`, where it cannot reach the index."""

    @property
    def cache(self) -> str:
        """The variable that names the folder for downloads, which outlives a build; empty for none."""

    @property
    def env(self) -> Mapping[str, str]: ...

    @property
    def index_addresses(self) -> tuple[str, ...]:
        """The user's variables that name its indexes, or folders of this machine, which no sandbox has."""

    @property
    def index_options(self) -> tuple[str, ...]:
        """The user's variables that say how it is to talk to them."""

    @property
    def settings_file(self) -> SettingsFile | None:
        """Where the user tells it more than variables can say."""

    def spell(self, variable: str) -> str:
        """What it calls a variable of the environment that it knows in several spellings."""

    @property
    def keeps_lock(self) -> bool: ...

    @property
    def nests(self) -> bool:
        """Whether a package may have others below it, which only it finds."""

    def install(self, packages: PackageSet, lock_path: str = "") -> tuple[str, ...]:
        """The command that installs the list, or all that the lock names, which wins."""

    @property
    def fetches_into_place(self) -> bool:
        """Whether what is fetched lies where the sandbox has it already, and not in a place of its own."""

    def fetch(self, packages: PackageSet, place: str, lock_path: str = "") -> tuple[str, ...]:
        """The command that brings what `install` would, and starts no program that comes with it.

        It exits with 0 where all is done, with `guard.LEFT` where `settle` has to go on, with `guard.BLOCKED` where
        this cannot be had without running something; it notes in the folder `place` what `settle` needs.
        """

    def settle(self, packages: PackageSet, place: str, lock_path: str = "", *, alone: bool = False) -> tuple[str, ...]:
        """The command that goes on after `fetch` and can run whatever came; `place` can only be read.

        It is `alone` where it cannot reach the index, and takes all from `place`.
        """

    def missing(self, output: str) -> Package | None:
        """What a `settle` that was alone and failed with `output` would have needed besides; None for nothing."""

    def query(self, packages: PackageSet) -> tuple[str, ...]:
        """The command that asks what is there."""

    def read(self, answer: str, packages: PackageSet) -> tuple[Package, ...]:
        """The asked-for packages in the answer to `query`, by name, with the versions that are really there.

        For a lock: those that it names itself, as far as the manager tells them from what they need.
        For no package in particular: all that the answer names.
        Raises ValueError for an answer that cannot be read.
        """

    def inventory(self) -> tuple[str, ...]:
        """The command that names all that is there, whoever needs it: a line each, as `name` or `name==version`.

        A package below others is named by its place, such as `express > debug`.
        """

    def find(self, inventory: str, packages: PackageSet) -> tuple[Package, ...] | None:
        """What `read` would return, where the answer to `inventory` tells it; None where `query` has to be asked."""

    def roots(self) -> tuple[str, ...]:
        """The command that names, in the same form, only what nothing else needs.

        Empty where an answer to `query` for no package in particular has nothing else.
        """

    def change(self, wanted: PackageSet, changed: Sequence[Package], lock_path: str = "") -> tuple[str, ...]:
        """The command that brings `changed`, or all that the lock names, into a sandbox that runs.

        It has the rest of `wanted` already, maybe other versions of `changed`, and programs that work with them.
        """

    def remove(self, wanted: PackageSet, names: Sequence[str]) -> tuple[str, ...]:
        """The command that removes `names`, places among them, from a sandbox that runs and keeps `wanted`.

        What something else needs may stay.
        """

    def pin(self, name: str, version: str) -> Package:
        """The package in exactly that version, as the manager names both in its answers."""

    def freeze(self) -> tuple[str, ...]:
        """The command that prints the manager's own lock of all that is there now, as JSON: documents by file name.

        What it prints fits every package index. Empty for a manager whose answers tell as much.
        """

    def explain(self, output: str) -> Blame:
        """Why the installation that wrote `output` failed."""

    @property
    def noise(self) -> re.Pattern[str] | None:
        """Lines of its output that help nobody who looks for a failure."""

    @property
    def error_prefix(self) -> re.Pattern[str] | None:
        """What it writes in front of all that it says of a failure, which looks like an error itself."""

    @property
    def stands_for(self) -> Mapping[str, str]:
        """What is written for it by habit, such as another tool's name, with what has to be said besides."""


def shell(script: str, *arguments: str) -> tuple[str, ...]:
    """A command that runs `script` and stops at the first failure; the arguments are never read as code."""
    return ("/bin/sh", "-ec", script, "sh", *arguments)


def by_name(packages: Sequence[Package]) -> tuple[Package, ...]:
    return tuple(sorted(packages, key=lambda package: package.name))


def pick(inventory: str, packages: PackageSet, normal: Callable[[str], str]) -> tuple[Package, ...]:
    """The asked-for packages among the lines `name==version` of an inventory; `normal` tells which names are one."""
    wanted = {normal(package.name) for package in packages.packages}
    rows = (line.strip().partition("==") for line in inventory.splitlines())
    found = {normal(name): Package(name=name, version=version) for name, _, version in rows if version}
    return by_name([package for name, package in found.items() if name in wanted])


def require_texts(versions: dict[Any, Any]) -> dict[str, str]:
    """`versions` by name, where all is text in it. Raises `ValueError`."""
    if not all(isinstance(word, str) for pair in versions.items() for word in pair):
        raise ValueError("a name or a version in it is no text")
    return versions
