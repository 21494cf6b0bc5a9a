"""A devcontainer.json as a draft, by the reference of https://containers.dev/implementors/json_reference/."""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from posixpath import normpath
from typing import Any

from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, Source
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose
from nexusctl.config.trust.project_folder import around, inside
from nexusctl.errors import Diagnostic, InputError, Note
from nexusctl.importers.compose.ports import read_port
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.compose.texts.substitution import Substitution
from nexusctl.importers.devcontainer.mounts import read_mounts
from nexusctl.importers.devcontainer.variables import (
    has_container_variable,
    identify,
    name_folders,
    refer,
    refer_in_command,
    refer_in_word,
)
from nexusctl.importers.draft.draft import Draft, Leftovers, move_path
from nexusctl.importers.draft.names import fit_name
from nexusctl.importers.draft.nested_binds import settle_nested
from nexusctl.importers.draft.secret_references import IN_TEXT, Secrets
from nexusctl.model.trust import OURS, Trust

_REASONS = {
    "features": "features are not installed; name what is missing under `packages`, or make a template",
    "customizations": "settings of an editor",
    "extensions": "settings of an editor",
    "settings": "settings of an editor",
    "portsAttributes": "settings of an editor",
    "otherPortsAttributes": "settings of an editor",
    "initializeCommand": "nothing is run on this machine",
    "postStartCommand": "a script that runs at every start has no place; put it into `command`",
    "postAttachCommand": "nobody attaches to a sandbox",
    "remoteUser": "there is one user, and `containerUser` is named; `nexusctl exec --user` takes another",
    "remoteEnv": "it is for the editor's processes only; what the sandbox needs goes into `env`",
    "runArgs": "what Docker should be told has a key of its own, or no place",
    "privileged": "a sandbox never has power over its machine",
    "capAdd": "a sandbox gets no further capabilities",
    "securityOpt": "every sandbox has no-new-privileges, and nothing that loosens it",
    "init": "every sandbox has an init process",
    "hostRequirements": "it says what a machine needs, not what a sandbox may use; that is `resources`",
}
_OF_COMPOSE = ("dockerComposeFile", "service", "runServices")
Known = abc.Mapping[str, str]
"""What variables of a devcontainer stand for, as far as that is known here."""

_ONCE = ("onCreateCommand", "updateContentCommand", "postCreateCommand")
_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2})|.)", re.IGNORECASE)


def read_devcontainer(path: Path, target: Path, trust: Trust = OURS) -> Draft:
    """The draft of a stack file in the folder `target`, with one sandbox. Raises `InputError` for what is no such file.

    `path` is the file, or the folder of the project that has it in its usual place. `trust` says what it may reach.
    """
    file = _find(path)
    trust = around(trust, file)
    found = read_source(file, kind="devcontainer.json", within=inside(trust), trust=trust)
    problems, leftovers = Problems(), Leftovers()
    root = compose(Source(found.path, found.display, _COMMENT.sub(_blank, found.text), found.kind, trust), problems)
    if root.values and not found.looks_right:
        problems.add(root, "this is no devcontainer.json: it has none of its keys", "name the file itself")
    problems.raise_any()
    _keep_excerpts(root, found)
    project = file.parent.parent if file.parent.name == ".devcontainer" else file.parent
    reader = Reader(root, "", Substitution({}, leftovers), leftovers)
    secrets = Secrets(leftovers)
    name = fit_name(reader.text("name") or project.absolute().name)
    if (composed := reader.get("dockerComposeFile")) is not None:
        raise InputError(_send_to_compose(composed, file.parent, _find_others(root)))
    sandbox = _read_sandbox(name, reader, project.absolute(), file.absolute(), target.absolute(), secrets)
    for key in secrets.find_in_commands(sandbox):
        leftovers.add(f"dev.{key}", IN_TEXT)
    settle_nested({"dev": sandbox}, target.absolute(), leftovers, keep=False)
    document: dict[str, Any] = {
        "name": name,
        "volumes": _named_volumes(sandbox.get("volumes", ())),
        "secrets": secrets.section,
        "sandboxes": {"dev": sandbox},
    }
    return Draft(document={key: value for key, value in document.items() if value}, leftovers=leftovers.found)


def _find_others(root: Node) -> list[str]:
    """What is said beside the Compose files, and would have a place."""
    keys = root.values if isinstance(root, Mapping) else ()
    return [key for key in keys if key not in (*_REASONS, *_OF_COMPOSE, "name")]


def _send_to_compose(node: Node, folder: Path, others: Collection[str]) -> Diagnostic:
    """The services are what the Compose files say; the `others` are added to one by hand."""
    items = node.items if isinstance(node, Sequence) else [node]
    paths = [normpath(folder / item.text) for item in items if isinstance(item, Scalar)]
    merged = f"docker compose {' '.join(f'-f {path}' for path in paths)} config > merged.yaml"
    way = f"`nexusctl import compose {paths[0] if len(paths) == 1 else 'merged.yaml'}`"
    return Diagnostic(
        "this devcontainer is a service of a Compose file",
        node.source.location(node.line, node.column),
        node.source.excerpt(node.line),
        notes=(Note(f"add to its service by hand what stands beside it: {', '.join(others)}"),) if others else (),
        hint=f"{way} writes all services" if len(paths) == 1 else f"`{merged}` makes one of them, then {way}",
    )


def _named_volumes(mounts: Iterable[str]) -> dict[str, None]:
    """Those of `mounts` that begin with a name, and not with a path or a variable that is one."""
    sources = (mount.partition(":")[0] for mount in mounts)
    return {source: None for source in sources if not source.startswith((".", "/", "~", "$"))}


def _find(path: Path) -> Path:
    if not path.is_dir():
        return path
    usual = (path / ".devcontainer" / "devcontainer.json", path / ".devcontainer.json", path / "devcontainer.json")
    return next((place for place in usual if place.is_file()), usual[0])


def _blank(match: re.Match[str]) -> str:
    """Comments become spaces, and one sign that JSON writes as two is one for YAML; everything else keeps its place."""
    text = match[0]
    if not text.startswith('"'):
        return re.sub(r"[^\n]", " ", text)
    joined = _ESCAPE.sub(_join_pair, text)
    return joined + " " * (len(text) - len(joined))


def _join_pair(match: re.Match[str]) -> str:
    if not match["high"]:
        return match[0]
    high, low = int(match["high"], 16) - 0xD800, int(match["low"], 16) - 0xDC00
    return f"\\U{0x10000 + (high << 10) + low:08X}"


def _keep_excerpts(node: Node, source: Source) -> None:
    """Let every place show the line as it was written."""
    node.source = source
    children = (
        [*node.keys.values(), *node.values.values()]
        if isinstance(node, Mapping)
        else node.items
        if isinstance(node, Sequence)
        else []
    )
    for child in children:
        _keep_excerpts(child, source)


def _read_sandbox(
    name: str, file: Reader, project: Path, origin: Path, target: Path, secrets: Secrets
) -> dict[str, Any]:
    workspace = f"/workspaces/{project.name}"
    workspace = _text(file, "workspaceFolder", name_folders(project, workspace)) or workspace
    folders = name_folders(project, workspace)
    known = {**folders, "devcontainerId": identify(project, origin)}
    sandbox: dict[str, Any] = {
        "image": _image(name, file),
        # What a devcontainer runs by itself: it only has to stay.
        "command": None if file.text("overrideCommand") == "false" else ["sleep", "infinity"],
        "working_dir": workspace,
        "user": _user(file, known),
        "env": _env(file, secrets, known),
        "volumes": list(_mounts(file, project, target, folders)),
        "startup": _startup(file, known),
        "ports": [*_forwarded(file), *_published(file)],
    }
    for key, usual in (("privileged", False), ("init", True)):
        if isinstance(node := file.node.get(key), Scalar) and node.value is usual:
            file.get(key)
    file.finish(_REASONS, "it has no place in a stack file")
    return {key: value for key, value in sandbox.items() if value not in (None, [], {}, "")}


def _user(file: Reader, known: Known) -> str | None:
    """Without a user of the container's own, the one that all its commands would run as."""
    own = _text(file, "containerUser", known)
    return own if own is not None else _text(file, "remoteUser", known)


def _mounts(file: Reader, project: Path, target: Path, names: Known) -> Iterator[str]:
    own = file.get("workspaceMount")
    if own is None:
        yield f"{move_path('.', project, target)}:{names['containerWorkspaceFolder']}"
    elif not isinstance(own, Scalar) or own.text:
        yield from read_mounts(file, "workspaceMount", project, target, names)
    yield from read_mounts(file, "mounts", project, target, names)


def _image(name: str, file: Reader) -> str:
    image = file.text("image")
    for key in ("build", "dockerFile"):
        if file.get(key) is not None:
            file.drop(key, f"nexusctl builds no Dockerfile: build it as {image or name}, or use a template")
    return image or name


def _text(file: Reader, key: str, known: Known) -> str | None:
    node = file.get(key)
    if not isinstance(node, Scalar):
        if node is not None:
            file.drop(key, "a text is needed here")
        return None
    return refer(node.text, known)


def _env(file: Reader, secrets: Secrets, known: Known) -> dict[str, str]:
    below = file.below("containerEnv")
    found = below.node.values.items() if below else ()
    env = {name: _value(name, item, secrets, known) for name, item in found if isinstance(item, Scalar)}
    for name, item in found:
        if reason := _find_reason(item):
            file.drop_at(f"containerEnv.{name}", reason, item)
            env.pop(name, None)
    return env


def _find_reason(item: Node) -> str:
    """Why the value of a variable cannot be written, empty where it can."""
    if not isinstance(item, Scalar):
        return "a text is needed here"
    if item.value is None:
        return "it has no value, and a variable of a sandbox always has one"
    return "what the image has of it is not known here; write it out" if has_container_variable(item.text) else ""


def _value(name: str, item: Scalar, secrets: Secrets, known: Known) -> str:
    if "${" not in item.text:
        return secrets.protect("dev", name, item.text, item)
    return secrets.protect_references("dev", name, refer(item.text, known), item)


def _startup(file: Reader, known: Known) -> str | None:
    """The commands that run once, in their order; each a text for a shell, a list of words, or several by name."""
    lines = [line for key in _ONCE for line in _commands(file.get(key), known)]
    return "\n".join(lines) or None


def _commands(node: Node | None, known: Known) -> list[str]:
    if isinstance(node, Scalar):
        return [refer_in_command(node.text, known)] if node.text else []
    if isinstance(node, Sequence):
        return [" ".join(refer_in_word(item.text, known) for item in node.items if isinstance(item, Scalar))]
    if isinstance(node, Mapping):
        return [line for item in node.values.values() for line in _commands(item, known)]
    return []


def _forwarded(file: Reader) -> list[int]:
    """A port alone; `host:port` of a Compose service is left over."""
    found = []
    for item in file.items("forwardPorts"):
        text = item.text if isinstance(item, Scalar) else ""
        if re.fullmatch(r"[0-9]{1,5}", text):
            found.append(int(text))
        else:
            file.drop_at("forwardPorts", f"`{text}` is no port of this sandbox", item)
    return found


def _published(file: Reader) -> Iterator[str]:
    """A number is published under its own, on this machine only; a text is one as `docker run --publish` takes it."""
    for item in file.items("appPort"):
        if isinstance(item, Scalar) and isinstance(item.value, int):
            yield f"{item.text}:{item.text}"
        else:
            yield from read_port(item, file, "appPort")
