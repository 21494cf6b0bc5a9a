"""RUN: what it installs as packages, and what else it does."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from pathlib import Path
from typing import Any

from nexusctl.config.build.packages import is_package
from nexusctl.importers.dockerfile.copies import locate, set_executable
from nexusctl.importers.dockerfile.install_commands import InstallCommand, read_commands, shell_text
from nexusctl.importers.dockerfile.instructions import Instruction
from nexusctl.importers.dockerfile.stage import Stage
from nexusctl.importers.dockerfile.words import read_words

OTHERS = "only what apt, npm or pip installs has a place; make the rest `startup`, or build the image"
_TWICE = "there is a {} already, and a stack file takes one or a list; put them together"
_RECOMMENDS = "only what was named and what that needs is installed, without what it recommends"
_LARGEST = 1024 * 1024


def run(stage: Stage, instruction: Instruction) -> None:
    """Take what is installed into the packages of `stage`; the rest is noted."""
    mounts = [value for name, value in instruction.flags if name == "mount"]
    if instruction.heredocs:
        _leave(stage, instruction, "\n".join(heredoc.text for heredoc in instruction.heredocs.values()))
        return
    if any(word in mount for mount in mounts for word in ("type=secret", "type=ssh", "from=")):
        _leave(stage, instruction, instruction.rest)
        return
    words = read_words(instruction.rest)
    text = shell_text(instruction.rest, stage.variables) if isinstance(words, str) else _quote(words)
    found = read_commands(text, stage.folder)
    for path in found.made:
        if path not in stage.made:
            stage.made[path] = instruction
    for path in found.executable:
        if not set_executable(stage, path):
            found.left.append(f"chmod {path}")
    for install in found.installs:
        _take(stage, instruction, install)
    for left in found.left:
        _leave(stage, instruction, left)


def _quote(words: list[str]) -> str:
    return words[2] if words[:2] in (["/bin/sh", "-c"], ["sh", "-c"]) and len(words) == 3 else shlex.join(words)


def _leave(stage: Stage, instruction: Instruction, text: str) -> None:
    stage.undone.append(text)
    stage.note(instruction, OTHERS, f"RUN {_shorten(text)}")


def _shorten(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 40 else f"{words[:40]}..."


def _take(stage: Stage, instruction: Instruction, install: InstallCommand) -> None:
    match install.manager:
        case "apt":
            if install.recommends:
                stage.note(instruction, _RECOMMENDS, "RUN apt-get install")
            _add(stage, instruction, "apt", install.names)
        case "pip" if install.file:
            source = locate(stage, install.file) or _bound(stage, instruction, install.file)
            if source is None:
                stage.note(instruction, f"no file that is copied lies at {install.file}", "RUN pip install")
            else:
                _set_file(stage, instruction, "pip", {"from": source})
        case "pip":
            _add(stage, instruction, "pip", install.names)
        case _:
            _take_npm(stage, instruction, install)


def _bound(stage: Stage, instruction: Instruction, path: str) -> str | None:
    """The file of the context that is mounted at `path` while the command runs."""
    for name, value in instruction.flags:
        said = dict(part.partition("=")[::2] for part in value.split(","))
        goal = said.get("target") or said.get("dst") or said.get("destination") or ""
        if name == "mount" and said.get("type") == "bind" and posixpath.join(stage.folder, goal) == path:
            return next(iter(stage.context.find(said.get("source") or said.get("src") or ".")), None)
    return None


def _take_npm(stage: Stage, instruction: Instruction, install: InstallCommand) -> None:
    how: dict[str, Any] = {"ignore_scripts": True} if install.ignore_scripts else {}
    omit = list(install.omit)
    if stage.env.get("NODE_ENV") == "production" and "dev" not in omit:
        omit.append("dev")
    if omit:
        how["omit"] = omit
    stage.npm_folder = install.folder
    stage.places["npm"] = instruction
    if install.names:
        _add(stage, instruction, "npm", install.names)
        return
    lock = locate(stage, f"{install.folder.rstrip('/')}/package-lock.json")
    if lock:
        _set_file(stage, instruction, "npm", {"from": lock, **how})
        return
    told = locate(stage, f"{install.folder.rstrip('/')}/package.json")
    if told is None:
        stage.note(instruction, f"no package.json that is copied lies in {install.folder}", "RUN npm install")
        return
    wanted = _read_wanted(stage.context.folder / told, dev="dev" not in omit)
    if wanted is None:
        stage.note(instruction, f"{told} cannot be read", "RUN npm install")
        return
    _add(stage, instruction, "npm", tuple(f"{name}@{version}" for name, version in wanted.items()))


def _read_wanted(path: Path, *, dev: bool) -> dict[str, str] | None:
    try:
        with path.open(encoding="utf-8") as file:
            told = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    found: dict[str, str] = {}
    for key in ("dependencies", "optionalDependencies", *(["devDependencies"] if dev else [])):
        section = told.get(key) if isinstance(told, dict) else None
        found |= {name: str(version) for name, version in section.items()} if isinstance(section, dict) else {}
    return found


def _add(stage: Stage, instruction: Instruction, manager: str, names: tuple[str, ...]) -> None:
    known = stage.packages.setdefault(manager, [])
    for name in names:
        if not is_package(manager, name):
            stage.undone.append(name)
            stage.note(instruction, f"{manager} cannot install it by its name", f"RUN {manager} install {name}")
        elif isinstance(known, dict):
            stage.note(instruction, _TWICE.format(known["from"]), f"RUN {manager} install {name}")
        elif name not in known:
            # The later one of two versions is what is there in the end.
            known[:] = [former for former in known if _name(manager, former) != _name(manager, name)]
            known.append(name)


def _name(manager: str, text: str) -> str:
    return text[0] + re.split({"npm": "@", "pip": r"[=<>~!\[]", "apt": "="}[manager], text[1:])[0]


def _set_file(stage: Stage, instruction: Instruction, manager: str, said: dict[str, Any]) -> None:
    known = stage.packages.get(manager)
    if isinstance(known, dict) and known["from"] != said["from"]:
        stage.note(instruction, _TWICE.format(known["from"]), f"RUN {manager} install")
        return
    for name in known if isinstance(known, list) else ():
        stage.note(instruction, _TWICE.format(said["from"]), f"RUN {manager} install {name}")
    stage.packages[manager] = said
