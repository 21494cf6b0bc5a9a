"""What a Procfile and a Dockerfile say of a program whose packages are known from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nexusctl.importers.dockerfile.dockerfile import join_command, read_dockerfile
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.project.folder import ProjectFolder
from nexusctl.importers.project.program import FOLDER, Program

PROCFILE, DOCKERFILE = "Procfile", "Dockerfile"

_PROCESS = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(\S.*)")
_LANGUAGES = {"node": ("node",), "react": ("node",), "python": ("python", "uvicorn", "uv")}
_FILE = re.compile(r"[\w./-]+\.(?:[mc]?js|py|sh)\b")
_TAKEN = ("env", "health", "working_dir")


def read_processes(folder: ProjectFolder) -> dict[str, str]:
    """The commands of the Procfile by their names."""
    found = (_PROCESS.match(line.strip()) for line in folder.text(PROCFILE).splitlines())
    return {match[1]: match[2].replace("${", "$${") for match in found if match}


def read_image(folder: ProjectFolder) -> Program:
    """The program of a Dockerfile alone."""
    folder.check(DOCKERFILE)
    built = read_dockerfile(folder.path / DOCKERFILE, folder.leftovers, folder.trust)
    sandbox = built.sandbox()
    ports = sandbox.pop("ports", [])
    for key in sandbox:
        folder.say(key, DOCKERFILE)
    if ports:
        folder.say("port", DOCKERFILE, ", ".join(map(str, ports)))
    return Program(sandbox=sandbox, ports=tuple(ports))


def take_dockerfile(folder: ProjectFolder, sandbox: dict[str, Any]) -> list[Any]:
    """Put into `sandbox` what the Dockerfile says of the container; returns its ports.

    Of one whose last stage is of another kind, such as a web server for what was built, nothing is taken.
    """
    left = Leftovers()
    folder.check(DOCKERFILE)
    built = read_dockerfile(folder.path / DOCKERFILE, left, folder.trust)
    image = built.base.rpartition("/")[2].partition(":")[0].partition("@")[0]
    if not any(word in image for word in _LANGUAGES.get(sandbox["template"], ())):
        reason = f"its image begins with {built.base}, which is of another kind; nothing was taken from it"
        folder.leftovers.add(DOCKERFILE, reason)
        return []
    for one in left.found:
        folder.leftovers.repeat(one)
    for key in _TAKEN:
        if value := built.settings.get(key):
            sandbox[key] = {**sandbox.get(key, {}), **value} if key == "env" else value
            folder.say(key, DOCKERFILE)
    if apt := built.settings.get("packages", {}).get("apt"):
        _add_apt(folder, sandbox, apt)
    if (target := sandbox.get("working_dir", FOLDER)) != FOLDER:
        sandbox["uploads"] = [{**entry, "target": target} for entry in sandbox["uploads"]]
    _take_command(folder, sandbox, join_command(built.entrypoint, built.command))
    return list(built.settings.get("ports", ()))


def _add_apt(folder: ProjectFolder, sandbox: dict[str, Any], apt: list[str]) -> None:
    packages = sandbox.get("packages", {})
    if isinstance(packages, list):
        packages = {"npm" if sandbox["template"] == "node" else "pip": packages}
    sandbox["packages"] = {**packages, "apt": apt}
    folder.say("packages of apt", DOCKERFILE)


def _take_command(folder: ProjectFolder, sandbox: dict[str, Any], command: list[str] | str | None) -> None:
    """What is started, where its file is there: one that a build makes is not."""
    if not command:
        return
    text = command if isinstance(command, str) else " ".join(command)
    root = sandbox.get("working_dir", FOLDER).rstrip("/") + "/"
    missing = [name for name in _FILE.findall(text) if not folder.has(name.removeprefix(root).removeprefix("./"))]
    if missing and "command" in sandbox:
        reason = f"{missing[0]} is not there before a build; the command is from elsewhere"
        folder.leftovers.add(f"CMD {text}", reason)
        return
    escaped = text.replace("${", "$${") if isinstance(command, str) else [w.replace("${", "$${") for w in command]
    sandbox["command"] = escaped
    folder.say("command", DOCKERFILE, text)


def workers(processes: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Those that are neither what answers requests nor what runs once."""
    return ((name, command) for name, command in processes.items() if name not in ("web", "release"))
