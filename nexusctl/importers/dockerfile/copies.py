"""COPY and ADD as uploads of the files that they name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Any

from nexusctl.config.document.expression import escape
from nexusctl.importers.dockerfile.instructions import Instruction
from nexusctl.importers.dockerfile.stage import Stage
from nexusctl.importers.dockerfile.words import read_words, split_words

_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tar\.\w+)\Z")
_REMOTE = re.compile(r"[a-z+]+://|git@", re.IGNORECASE)
_MODE = re.compile(r"0?[0-7]{3,4}\Z")
_FROM_STAGE = "nothing is built here; have what it copies ready, and name it under `uploads`"


def copy_files(stage: Stage, instruction: Instruction) -> None:
    """The uploads that a COPY or an ADD comes to; what it names that has no place is noted."""
    words = read_words(instruction.rest)
    listed = [stage.expand(word, instruction) for word in (words if isinstance(words, list) else split_words(words))]
    names = [name for name in listed if name is not None]
    if instruction.flag("from"):
        stage.note(instruction, _FROM_STAGE, f"{instruction.word} --from={instruction.flag('from')}")
        return
    if len(names) < 2 or len(names) < len(listed):
        if len(names) == len(listed):
            stage.note(instruction, "it names no target")
        return
    for flag in {name for name, _ in instruction.flags} & {"exclude", "parents"}:
        stage.note(instruction, f"there is no --{flag} for an upload; say it with `ignore`, or with several uploads")
    *sources, target = names
    for source in sources:
        for upload in _read_source(stage, instruction, source, target, several=len(sources) > 1):
            _put(stage, {**upload, **_read_owner(stage, instruction)})


def locate(stage: Stage, path: str) -> str | None:
    """The file of the context that lies at `path` in the container, as far as it was copied by now."""
    for upload in reversed(stage.uploads):
        source, target = upload.get("source"), upload["target"]
        if source is None:
            continue
        if target == path:
            return str(source)
        if path.startswith(target.rstrip("/") + "/") and stage.context.is_folder(source):
            below = posixpath.normpath(posixpath.join(source, path[len(target.rstrip("/")) + 1 :]))
            if stage.context.find(below) and not stage.context.is_ignored(below):
                return below
    return None


def _read_source(
    stage: Stage, instruction: Instruction, source: str, target: str, *, several: bool
) -> list[dict[str, Any]]:
    goal = posixpath.normpath(posixpath.join(stage.folder, target))
    into = bool(several or target.endswith(("/", "/.", "/..")) or target in (".", "..") or set("*?[") & set(source))
    if source.startswith("<<"):
        return _read_text(stage, instruction, source, posixpath.join(goal, "") if into else goal)
    if instruction.word == "ADD" and (_REMOTE.match(source) or _ARCHIVE.search(source)):
        stage.note(instruction, "nothing is fetched or unpacked; name files under `uploads`", f"ADD {source}")
        return []
    found = stage.context.find(source)
    if not found:
        if not set("*?[") & set(source):
            stage.note(instruction, "there is no such file to upload", f"{instruction.word} {source}")
        return []
    into = into or len(found) > 1 or _is_known_folder(stage, goal)
    return [upload for path in found for upload in _read_path(stage, instruction, path, goal, into=into)]


def _read_path(stage: Stage, instruction: Instruction, path: str, goal: str, *, into: bool) -> list[dict[str, Any]]:
    if stage.context.is_folder(path):
        if goal == "/":
            # The root itself is no target: what lies in the folder goes to where it belongs one by one.
            inside = stage.context.find(posixpath.join(path, "*"))
            return [
                upload
                for found in inside
                for upload in _read_path(stage, instruction, found, _under("/", found), into=False)
            ]
        patterns = stage.context.patterns_below(path)
        return [{"source": path, "target": goal, **({"ignore": patterns} if patterns else {})}]
    if stage.context.is_ignored(path):
        stage.note(instruction, "the .dockerignore leaves it out", f"{instruction.word} {path}")
        return []
    return [{"source": path, "target": _under(goal, path) if into else goal}]


def _under(folder: str, path: str) -> str:
    return posixpath.join(folder, posixpath.basename(path))


def _is_known_folder(stage: Stage, goal: str) -> bool:
    """Whether a folder is there already, so that a file goes into it."""
    uploaded = (upload["target"] for upload in stage.uploads if stage.context.is_folder(upload.get("source", "")))
    return goal in ("/", stage.folder, *uploaded) or stage.folder.startswith(goal + "/")


def _read_text(stage: Stage, instruction: Instruction, source: str, goal: str) -> list[dict[str, Any]]:
    name = source.lstrip("<-").strip("\"'")
    heredoc = instruction.heredocs.get(name)
    if heredoc is None:
        return []
    text = heredoc.text if heredoc.literal else stage.expand(heredoc.text, instruction)
    if text is None:
        return []
    goal += name if goal.endswith("/") else ""
    return [{"content": escape(text), "target": goal}]


def _read_owner(stage: Stage, instruction: Instruction) -> dict[str, Any]:
    """Whose the files are and their mode, where the instruction says it."""
    said: dict[str, Any] = {}
    if owner := stage.expand(instruction.flag("chown"), instruction):
        said["owner"] = owner
    if mode := instruction.flag("chmod"):
        if _MODE.match(mode):
            said["mode"] = mode.rjust(4, "0")
        else:
            stage.note(instruction, "write the mode in octal", f"{instruction.word} --chmod={mode}")
    return said


def _put(stage: Stage, upload: dict[str, Any]) -> None:
    """Add it; what it writes again is left to it."""
    kept = (_without(stage, former, upload) for former in stage.uploads)
    stage.uploads[:] = [former for former in kept if former is not None]
    stage.uploads.append(upload)


def _without(stage: Stage, former: dict[str, Any], upload: dict[str, Any]) -> dict[str, Any] | None:
    """`former` without the files that `upload` brings, too; None where nothing is left of it."""
    one, other = former["target"].rstrip("/"), upload["target"].rstrip("/")
    if not f"{one}/".startswith(f"{other}/") and not f"{other}/".startswith(f"{one}/"):
        return former
    theirs, ours = _files(stage, former), _files(stage, upload)
    again = [name for path, name in theirs.items() if path in ours]
    if len(again) == len(theirs):
        return None
    return {**former, "ignore": [*former.get("ignore", ()), *(f"/{name}" for name in again)]} if again else former


def _files(stage: Stage, upload: dict[str, Any]) -> dict[str, str]:
    """The files that it brings by their paths in the container, as they are called below its source."""
    target = upload["target"].rstrip("/")
    names = stage.context.files(upload["source"]) if "source" in upload else {"": None}
    return {f"{target}/{name}".rstrip("/"): name for name in names}


def set_executable(stage: Stage, path: str) -> bool:
    """Whether one upload brings just the file `path`, which may be executed from now on."""
    for upload in stage.uploads:
        if upload["target"] == path and not stage.context.is_folder(upload.get("source", "")):
            upload["mode"] = "0755"
            return True
    return False


def uploaded_folders(uploads: Sequence[dict[str, Any]]) -> set[str]:
    """Every folder that uploads make."""
    folders: set[str] = set()
    for upload in uploads:
        path = upload["target"]
        while path not in ("/", ""):
            folders.add(path)
            path = posixpath.dirname(path)
    return folders
