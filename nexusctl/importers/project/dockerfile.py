"""A Dockerfile as a sandbox: what it says about the container. What it builds into the image has no place in one."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Scalar, Source
from nexusctl.config.read.reader import read_source
from nexusctl.config.trust.project_folder import inside
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.trust import Trust

_INSTRUCTION = re.compile(r"\s*(?P<word>[A-Za-z]+)\s+(?P<rest>.*)\Z", re.DOTALL)
_REASONS = {
    "RUN": "nothing is built here; name packages under `packages`, or make it a template's `bootstrap`",
    "ARG": "nothing is built here; write the value where it is used, or make it a variable",
    "ADD": "name a file under `uploads`; nothing is fetched or unpacked",
    "SHELL": "a `command` that is a text is run by /bin/sh",
    "STOPSIGNAL": "a sandbox is stopped as its image says",
    "ONBUILD": "nothing is built here",
    "VOLUME": "write it as one of `volumes`",
    "HEALTHCHECK": "write it as `health`",
}


def read_dockerfile(path: Path, leftovers: Leftovers, trust: Trust) -> dict[str, Any]:
    """The sandbox that the last stage of the Dockerfile describes. Raises `InputError` where it cannot be read."""
    source = read_source(path, kind="Dockerfile", within=inside(trust), trust=trust)
    stage = _Stage(leftovers)
    instructions = _instructions(source)
    if not any(word.upper() == "FROM" for _, word, _ in instructions):
        hint = "write `FROM` and an image, or take `--template NAME`"
        raise InputError(Diagnostic(f"`{path}` begins no image: it has no `FROM`", hint=hint))
    for line, word, rest in instructions:
        stage.take(word.upper(), rest, Scalar(source, line, 1, rest, False))
    return stage.sandbox()


def _instructions(source: Source) -> list[tuple[int, str, str]]:
    """Line, first word and rest of each instruction, lines that go on joined."""
    found: list[tuple[int, str, str]] = []
    begun, text = 0, ""
    for number, line in enumerate(source.lines, 1):
        if line.lstrip().startswith("#") or not (text or line.strip()):
            continue
        begun = begun or number
        text += line.rstrip()
        if text.endswith("\\"):
            text = text[:-1]
            continue
        if match := _INSTRUCTION.match(text):
            found.append((begun, match["word"], match["rest"].strip()))
        begun, text = 0, ""
    return found


class _Stage:
    """What is known of the stage that is being read."""

    def __init__(self, leftovers: Leftovers) -> None:
        self.leftovers = leftovers
        self.begin("")

    def begin(self, image: str) -> None:
        self.image = image
        self.folder = "/"
        self.entrypoint: list[str] | str | None = None
        self.command: list[str] | str | None = None
        self.parts: dict[str, Any] = {}
        self.env: dict[str, str] = {}
        self.ports: list[Any] = []
        self.uploads: list[dict[str, Any]] = []

    def take(self, word: str, rest: str, place: Scalar) -> None:
        match word:
            case "FROM":
                self.begin(next((part for part in rest.split() if not part.startswith("--")), ""))
            case "WORKDIR":
                self.folder = posixpath.join(self.folder, rest)
                self.parts["working_dir"] = self.folder
            case "USER":
                self.parts["user"] = rest
            case "ENV":
                self.env |= _pairs(rest)
            case "LABEL":
                pass
            case "EXPOSE":
                self.ports += [int(port) if port.isdecimal() else port for port in rest.removesuffix("/tcp").split()]
            case "CMD":
                self.command = _words(rest)
            case "ENTRYPOINT":
                self.entrypoint, self.command = _words(rest), None
            case "COPY" if not rest.startswith("--from"):
                self._copy(rest, place)
            case _:
                self.leftovers.add(
                    f"{word} {rest.split(maxsplit=1)[0] if rest else ''}".strip(), self._reason(word), place
                )

    def _reason(self, word: str) -> str:
        return _REASONS.get(word, "it has no place in a stack file")

    def _copy(self, rest: str, place: Scalar) -> None:
        parts = _words(rest)
        names = [part for part in (parts if isinstance(parts, list) else rest.split()) if not part.startswith("--")]
        if len(names) < 2 or any(set("*?$") & set(name) for name in names):
            self.leftovers.add(f"COPY {rest}", "name what it copies under `uploads`", place)
            return
        *sources, target = names
        goal = posixpath.normpath(posixpath.join(self.folder, target))
        for source in sources:
            self.uploads.append({"source": source, "target": goal + "/" if target.endswith("/") else goal})

    def sandbox(self) -> dict[str, Any]:
        """The sandbox of the last stage."""
        sandbox: dict[str, Any] = {"image": self.image, **self.parts}
        command = _joined(self.entrypoint, self.command)
        for key, value in (("command", command), ("env", self.env), ("ports", self.ports), ("uploads", self.uploads)):
            if value:
                sandbox[key] = value
        return sandbox


def _words(text: str) -> list[str] | str:
    """The exec form as a list, the shell form as the text that it is."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            return text
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
    return text


def _joined(entrypoint: list[str] | str | None, command: list[str] | str | None) -> list[str] | str | None:
    if isinstance(entrypoint, list) and isinstance(command, list):
        return [*entrypoint, *command]
    return entrypoint or command


def _pairs(text: str) -> dict[str, str]:
    """`A=1 B="2 3"`, or the old form `A 1`."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    if words and "=" not in words[0]:
        return {words[0]: text.split(maxsplit=1)[1] if len(words) > 1 else ""}
    return dict(word.split("=", 1) for word in words if "=" in word)
