"""Variables of a devcontainer in a text, as a stack file and its commands write them."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

_VARIABLE = re.compile(r"\$\{(.*?)\}")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OF_MACHINE = ("localEnv", "env")
_OF_CONTAINER = "containerEnv"


def name_folders(project: Path, workspace: str) -> dict[str, str]:
    """The folders by their variables: on this machine, and in the container."""
    return {
        "localWorkspaceFolder": str(project),
        "localWorkspaceFolderBasename": project.name,
        "containerWorkspaceFolder": workspace,
        "containerWorkspaceFolderBasename": workspace.rstrip("/").rpartition("/")[2],
    }


def identify(project: Path, file: Path) -> str:
    """What `${devcontainerId}` stands for: it tells the devcontainers of a machine apart, and stays as it is."""
    labels = {"devcontainer.config_file": str(file), "devcontainer.local_folder": str(project)}
    text = json.dumps(labels, separators=(",", ":"), ensure_ascii=False)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = "0123456789abcdefghijklmnopqrstuv"[digit] + digits
    return digits.rjust(52, "0")


def refer(text: str, known: Mapping[str, str]) -> str:
    """`text` with what is `known`, and with `${env.NAME:-}` for each variable of this machine.

    What nobody knows is no reference of a stack file's either.
    """
    return _replace(text, known, lambda name, default: f"$${{{_OF_CONTAINER}:{name}{default and ':'}{default}}}")


def refer_in_command(text: str, known: Mapping[str, str]) -> str:
    """As above, for a shell, which knows the variables of the container itself."""
    return _replace(text, known, _for_shell)


def refer_in_word(text: str, known: Mapping[str, str]) -> str:
    """As above, for one word of a command; it is quoted so that it stays one."""
    if f"${{{_OF_CONTAINER}:" not in text:
        return shlex.quote(refer(text, known))
    pieces, end = "", 0
    for match in _VARIABLE.finditer(text):
        if match[1].startswith(f"{_OF_CONTAINER}:"):
            pieces += _escape(refer(text[end : match.start()], known)) + refer_in_command(match[0], known)
            end = match.end()
    return f'"{pieces}{_escape(refer(text[end:], known))}"'


def has_container_variable(text: str) -> bool:
    """Whether something in `text` is known only in the container."""
    return any(match[1].partition(":")[0] == _OF_CONTAINER for match in _VARIABLE.finditer(text))


def _replace(text: str, known: Mapping[str, str], inside: Callable[[str, str], str]) -> str:
    def write(match: re.Match[str]) -> str:
        # What stands behind a second colon is passed over by devcontainers.
        kind, name, default = (*match[1].split(":"), "", "")[:3]
        if kind in known:
            return known[kind].replace("${", "$${")
        if kind in _OF_MACHINE and _NAME.fullmatch(name):
            return f"${{env.{name}:-{default.replace('${', '$${')}}}"
        if kind == _OF_CONTAINER and _NAME.fullmatch(name):
            return inside(name, default)
        return f"${match[0]}"

    # Where a brace is not closed, nothing begins.
    return re.sub(r"\$\{(?![^\n]*?\})", "$${", _VARIABLE.sub(write, text)) if "${" in text else text


def _for_shell(name: str, default: str) -> str:
    return f"$${{{name}-{_escape(default)}}}" if default else f"$${{{name}}}"


def _escape(text: str) -> str:
    """`text` between double quotes of a shell. What is a reference of a stack file's is none of the shell's."""
    return re.sub(r'["\\`]|\$(?!\{|\$\{)', r"\\\g<0>", text)
