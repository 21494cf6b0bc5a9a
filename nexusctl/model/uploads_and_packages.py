"""What nexusctl puts into a sandbox: files and packages.

Sizes are bytes, modes are the usual permission bits as an integer. Fields marked `OUTSIDE` help to carry a value out
(where a file lies on this host) and are neither compared nor recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from nexusctl.model.values.frozen import dataclass

Manager = Literal["npm", "pnpm", "pip", "uv", "apt"]
Omitted = Literal["dev", "optional", "peer"]

OUTSIDE: Mapping[str, Any] = {"recorded": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFile:
    """One entry of an upload: `path` is relative to the upload's target, empty for the target itself.

    `digest` is the SHA-256 of the content in hex, empty for a folder; `link` is a symlink's target.
    """

    path: str
    digest: str
    mode: int
    size: int = 0
    kind: Literal["file", "folder", "link"] = "file"
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What follows where an uploaded file has changed in a running sandbox; exactly one of the three is set."""

    restart: bool = False
    signal: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Files that nexusctl puts into the sandbox before it starts.

    `ignore` are gitignore patterns of what is not uploaded, and does not count as added where the sandbox has it.
    It and `on_change` are recorded for an import to find, and say nothing of what is live: uploads do not differ by
    them.
    """

    target: str
    files: tuple[UploadFile, ...]
    owner: str | None = None
    ignore: tuple[str, ...] = field(default=(), compare=False)
    on_change: Reaction | None = field(default=None, compare=False)
    source: str | None = field(default=None, compare=False, metadata=OUTSIDE)
    content: str | None = field(default=None, compare=False, metadata=OUTSIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`version` is what the manager understands after the name (npm: a range, pip: `==2.1` and the like)."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSet:
    """What one manager installs: a list of packages, or everything that a lock file names, or both.

    A lock beside a list was made from it, and fixes what its packages need. Without a `lock_name` the files are where
    the manager starts from. Their content lies in `lock_folder`, or in `lock_texts` by their names.
    With `ignore_scripts` no script of a package runs when it is installed, or none of those that it names, sorted;
    `omit` are kinds of dependencies, sorted, that are not installed. npm has the two, pnpm the first.
    """

    manager: Manager
    packages: tuple[Package, ...] = ()
    lock_name: str = ""
    lock_files: tuple[UploadFile, ...] = ()
    ignore_scripts: bool | tuple[str, ...] = False
    omit: tuple[Omitted, ...] = ()
    lock_folder: str | None = field(default=None, compare=False, metadata=OUTSIDE)
    lock_texts: Mapping[str, str] = field(default_factory=dict, compare=False, metadata=OUTSIDE)

    @property
    def fixed(self) -> bool:
        """Whether it is a list whose every need is fixed by a lock."""
        return bool(self.lock_name and self.packages)

    @property
    def options(self) -> tuple[bool | tuple[str, ...], tuple[Omitted, ...]]:
        """How its packages are installed, whichever they are."""
        return self.ignore_scripts, self.omit
