"""What a load starts from: the files that a user names, and what was said beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from nexusctl.model.trust import OURS, Trust
from nexusctl.model.values.frozen import dataclass

VARIABLE = "NEXUS_VAR_"
"""What a variable of the environment begins with that sets one of a stack."""

STDIN = Path("-")
"""What a stack file is called that comes from stdin; what it names starts from the folder where one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values of variables: `values` as `--var` names them, `files` as `--var-file` does, of which a later one wins."""

    values: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


NOTHING = Given()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """`files` are stack files, at least one, each laid over the ones before it; `given` is for their variables.

    `profiles` were asked for and have to be known; `ambient_profiles` come from the environment, where they may be
    meant for other stacks.
    `lock` is the lock file that pins what they ask for, where one is used. `trust` says what the files may reach.
    `instance` is which of several of the same file is meant, as `model/instance.py` writes it; empty for the only one.
    `branch` is the git branch that it is named after; empty where it was named otherwise.
    `settings` is the text of those that count instead of the ones that this machine has. `texts` are the contents of
    those of the `files` that nobody has written yet.
    """

    files: tuple[Path, ...]
    given: Given = NOTHING
    profiles: tuple[str, ...] = ()
    ambient_profiles: tuple[str, ...] = ()
    lock: Path | None = None
    trust: Trust = OURS
    settings: str | None = None
    instance: str = ""
    branch: str = ""
    texts: Mapping[Path, bytes] = field(default_factory=dict)

    @property
    def lock_path(self) -> Path:
        """Where the lock file of the stack lies: beside its first file, with the ending `.lock`."""
        return Path("nexus.lock") if self.files[0] == STDIN else self.files[0].with_suffix(".lock")
