"""The instructions that say how a container runs: ENV, WORKDIR, USER, CMD, EXPOSE, HEALTHCHECK and their like."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from nexusctl.importers.dockerfile.instructions import Instruction
from nexusctl.importers.dockerfile.stage import Stage
from nexusctl.importers.dockerfile.words import read_pairs, read_words, split_words

_TIMES = {"interval": "30s", "timeout": "30s", "start-period": ""}
_SHELL = ["/bin/sh", "-c"]
_PORT = re.compile(r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<protocol>tcp|udp))?\Z", re.IGNORECASE)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?\Z")
_MOST_PORTS = 1000


def _set_env(stage: Stage, instruction: Instruction) -> None:
    # All values of one instruction see what was set before it.
    found: dict[str, str] = {}
    for name, value, expands in read_pairs(instruction.rest):
        text = stage.expand(value, instruction) if expands else value
        if text is not None:
            found[name] = text
    stage.env |= found
    stage.variables |= found


def _declare_argument(stage: Stage, instruction: Instruction) -> None:
    for word in split_words(instruction.rest):
        name, equals, value = word.partition("=")
        if name in stage.env:
            continue
        if name in stage.arguments:
            stage.variables[name] = stage.arguments[name]
        elif equals:
            stage.variables[name] = stage.expand(value, instruction)
        elif name in stage.above:
            stage.variables[name] = stage.above[name]
        else:
            stage.variables.setdefault(name, None)
            if stage.variables[name] is None:
                stage.note(instruction, f"nobody gives a value for {name}; it counts as empty")


def _enter(stage: Stage, instruction: Instruction) -> None:
    folder = stage.expand(" ".join(split_words(instruction.rest)), instruction)
    if folder is not None:
        stage.folder = stage.working_dir = posixpath.normpath(posixpath.join(stage.folder, folder))


def _become(stage: Stage, instruction: Instruction) -> None:
    user = stage.expand(instruction.rest, instruction)
    if user is not None and _USER.match(user):
        stage.user, stage.places["USER"] = user, instruction
    elif user is not None:
        stage.note(instruction, "write the user's name or number under `user`")


def _read_program(stage: Stage, text: str) -> list[str] | str:
    """The shell form as a text where the shell is the usual one."""
    words = read_words(text)
    return words if isinstance(words, list) or stage.shell == _SHELL else [*stage.shell, words]


def _set_command(stage: Stage, instruction: Instruction) -> None:
    stage.command, stage.has_command = _read_program(stage, instruction.rest) or None, True


def _set_entrypoint(stage: Stage, instruction: Instruction) -> None:
    stage.entrypoint = _read_program(stage, instruction.rest) or None
    if not stage.has_command:
        # One from below was for the entrypoint from there.
        stage.command = None
    stage.places["ENTRYPOINT"] = instruction
    if not stage.entrypoint:
        stage.note(instruction, "nothing says to have none; the image's own is used")


def _set_shell(stage: Stage, instruction: Instruction) -> None:
    words = read_words(instruction.rest)
    if isinstance(words, list) and words:
        stage.shell = words


def _expose(stage: Stage, instruction: Instruction) -> None:
    text = stage.expand(instruction.rest, instruction)
    for word in (text or "").split():
        match = _PORT.match(word)
        first, last = (int(match["first"]), int(match["last"] or match["first"])) if match else (0, 0)
        if not match or not 0 < first <= last <= 65535 or last - first >= _MOST_PORTS:
            stage.note(instruction, f"`{word}` is no port that a stack file takes")
            continue
        suffix = "/udp" if (match["protocol"] or "").lower() == "udp" else ""
        for number in range(first, last + 1):
            port = f"{number}{suffix}" if suffix else number
            if port not in stage.ports:
                stage.ports.append(port)


def _probe(stage: Stage, instruction: Instruction) -> None:
    kind, _, rest = instruction.rest.partition(" ")
    if kind.upper() == "NONE":
        stage.health = "none"
        return
    if kind.upper() != "CMD":
        stage.note(instruction, "write it as `health`")
        return
    health: dict[str, Any] = {"command": _read_program(stage, rest.strip())}
    # Docker's own defaults.
    for name, usual in _TIMES.items():
        if time := stage.expand(instruction.flag(name), instruction) or usual:
            health[name.replace("-", "_")] = time
    retries = stage.expand(instruction.flag("retries"), instruction) or "3"
    health["retries"] = int(retries) if retries.isdecimal() and int(retries) else 3
    stage.health = health


def _mount(stage: Stage, instruction: Instruction) -> None:
    words = read_words(instruction.rest)
    for word in words if isinstance(words, list) else split_words(words):
        path = stage.expand(word, instruction)
        if path and path.startswith("/") and ":" not in path:
            stage.volumes += [path] if path not in stage.volumes else []
        elif path is not None:
            stage.note(instruction, "write it as one of `volumes`, with an absolute path")


def _stop_by(stage: Stage, instruction: Instruction) -> None:
    stage.stop_signal = stage.expand(instruction.rest, instruction)


SETTINGS: Mapping[str, Callable[[Stage, Instruction], None]] = {
    "ENV": _set_env,
    "ARG": _declare_argument,
    "WORKDIR": _enter,
    "USER": _become,
    "CMD": _set_command,
    "ENTRYPOINT": _set_entrypoint,
    "SHELL": _set_shell,
    "EXPOSE": _expose,
    "HEALTHCHECK": _probe,
    "VOLUME": _mount,
    "STOPSIGNAL": _stop_by,
}


def as_list(command: list[str] | str | None) -> list[str]:
    """A command as the words that Docker starts."""
    return [*_SHELL, command] if isinstance(command, str) else list(command or ())
