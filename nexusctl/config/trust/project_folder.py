"""Which folder a stranger's files may not lead out of."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from nexusctl.config.trust.closed_paths import why_private
from nexusctl.model.trust import Trust

GIT = ".git"


def around(trust: Trust, file: Path) -> Trust:
    """`trust` for `file`, which was named by whoever calls nexusctl, and for all that it names."""
    return replace(trust, project=project_of(file)) if trust.untrusted else trust


def project_of(file: Path) -> Path:
    """The git work tree around `file`, without links; the file's own folder where there is none.

    A work tree that holds the home folder is none: whoever keeps that in git keeps more in it than a project. Links on
    the way to the file are not followed, as they come out of the work tree as well as the file does.
    """
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100 - pathlib keeps `..`
    home = Path(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111 - pathlib raises where there is none
    for above in (folder, *folder.parents):
        if (above / GIT).exists():
            real = Path(os.path.realpath(above))
            return Path(os.path.realpath(folder)) if home.is_relative_to(real) else real
    return Path(os.path.realpath(folder))


def inside(trust: Trust) -> tuple[Path, ...]:
    """The folders in one of which a file has to lie that a caller named; none where it may lie anywhere."""
    return (trust.project,) if trust.project else ()


def why_outside(path: Path, project: Path | None) -> str:
    """Why `path`, whatever links lead there, is none of a project's files; empty where it is one."""
    real = Path(os.path.realpath(path))
    if project is None or not real.is_relative_to(project):
        return "leads out of the project"
    if any(part.lower() == GIT for part in real.relative_to(project).parts):
        return f"leads into `{GIT}`, where a checkout keeps its credentials"
    return "leads to what this machine keeps for you" if why_private(real) else ""
