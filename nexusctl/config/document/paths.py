"""Files and folders of this machine that a stack file names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nexusctl.config.document.node import Scalar
from nexusctl.config.document.problems import Problems
from nexusctl.config.trust.project_folder import why_outside
from nexusctl.model.files_read import note_file
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.late_regex import late_regex

_ADDRESS = late_regex(r"[a-z+]+://|git@[^/]+:", re.IGNORECASE)


def host_path(node: Scalar, text: str | None = None) -> Path:
    """The absolute path that `node` names, relative to the file that it stands in; `~` is the home folder."""
    given = node.text if text is None else text
    if given.startswith("~"):
        given = os.path.expanduser(given)  # noqa: PTH111  (pathlib raises for an unknown user)
    return Path(os.path.abspath(node.source.folder / given))  # noqa: PTH100  (pathlib keeps `..`)


def confine(node: Scalar, text: str | None = None) -> Path | None:
    """The folder that what `node` names has to lie in, whatever links lead there; None where it may lie anywhere.

    A path says in its own words where it starts from: an absolute one and `~` anywhere, `..` from the folder above.
    A link says so without the one who wrote the file, as a sandbox can put one into a folder that it mounts.
    """
    given = path_text(node, text)
    if given.startswith(("/", "~")):
        return None
    parts = os.path.normpath(given).split("/")
    start = node.source.folder.joinpath(*(part for part in parts if part == ".."))
    # As `host_path` does it: what `..` means is decided before any link is followed.
    return Path(os.path.realpath(os.path.abspath(start)))  # noqa: PTH100


def folders_of(node: Scalar, text: str | None = None) -> tuple[Path, ...]:
    """The folders in one of which what `node` names has to lie; none where it may lie anywhere."""
    if node.source.trust.untrusted:
        return (_bounds(node) or Path(os.devnull),)
    within = confine(node, text)
    return () if within is None else (within, Path(os.path.realpath(node.source.root)))


def strays(node: Scalar, path: Path, text: str | None = None) -> str:
    """Where the links of `path` lead, if that is out of where it has to lie; else empty."""
    folders = folders_of(node, text)
    real = os.path.realpath(path)
    return "" if not folders or any(Path(real).is_relative_to(folder) for folder in folders) else real


def _bounds(node: Scalar) -> Path | None:
    """What a stranger's file may not lead out of."""
    return node.source.within or node.source.trust.project


def why_refused(node: Scalar, path: Path) -> str:
    """Why a stranger's file cannot name `path`, empty where it can. Nothing is said of what is there."""
    return why_outside(path, _bounds(node)) if node.source.trust.untrusted else ""


def locate(
    node: Scalar, field: str, problems: Problems, text: str | None = None, *, outside: bool = False
) -> Path | None:
    """The path that `node` names where it exists; otherwise None, and the problem says what lies near.

    With `outside` it may be a link to anywhere.
    """
    path = host_path(node, text)
    if leads_out(node, path):
        summary = f"the `{field}` path `{path_text(node, text)}` leads out of the template's repository"
        problems.add(node, summary, "a template from git can only name files of its own commit")
        return None
    if why := why_refused(node, path):
        problems.add(node, f"the `{field}` path `{path_text(node, text)}` {why}", node.source.trust.hint)
        return None
    if _ADDRESS.match(path_text(node, text)):
        hint = "download it first and name the file: nothing is fetched here"
        problems.add(node, f"the `{field}` path `{path_text(node, text)}` is an address", hint)
        return None
    note_file(path)
    try:
        path.stat()
    except FileNotFoundError:
        problems.add(node, f"the `{field}` path `{path_text(node, text)}` does not exist", nearest_path(path))
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        hint = "check the path and its permissions"
        problems.add(node, f"the `{field}` path `{path_text(node, text)}` cannot be read: {reason}", hint)
    else:
        if outside or not (real := strays(node, path, text)):
            return path
        summary = f"the `{field}` path `{path_text(node, text)}` is a link that leads out of its folder, to `{real}`"
        own = "say `outside: true` beside it" if field == "source" else "write that path itself"
        problems.add(node, summary, f"put the file here, or {own} if it is meant")
    return None


def leads_out(node: Scalar, path: Path) -> bool:
    """Whether a file that may only name what lies in its own folder names something else."""
    within = node.source.within
    return within is not None and not path.resolve().is_relative_to(within)


def display(node: Scalar, text: str | None = None) -> str:
    """The file that `node` names as messages call it: beside the file that names it, as that one is called."""
    given = node.text if text is None else text
    if given.startswith(("/", "~")):
        return given
    # A file from git is called by an address, which is no path.
    address, colon, path = node.source.display.rpartition(":") if node.source.within else ("", "", node.source.display)
    return address + colon + os.path.normpath(os.path.join(os.path.dirname(path), given))  # noqa: PTH118, PTH120


def path_text(node: Scalar, text: str | None = None) -> str:
    return node.text if text is None else text


_START = "relative paths start from the folder of the file that names them"


def nearest_path(path: Path) -> str:
    """A hint for a path that does not exist: what lies in its folder."""
    folder = path.parent
    if any(sign in path.name for sign in "*?["):
        return "no patterns are known here: name each file by itself"
    try:
        beside = [entry.name for entry in folder.iterdir()]
    except OSError:
        return f"{_START}; its parent folder is missing too"
    return suggest(path.name, beside, f"{_START}; there") if beside else f"{_START}; `{folder.name}` is empty"
