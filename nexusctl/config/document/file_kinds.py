"""Whether a file looks like what it is read as: of any other, such as a key that a link leads to, no line is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice

_KEY = re.compile(r"""\+?(?:"([^"\n]*)"|'([^'\n]*)'|([A-Za-z_][\w.-]*))[ \t]*:(?=\s|\Z)""")
_IN_BRACES = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\w.+-]+)(\s*:)?|[{}\[\]]""")
_VARIABLE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=")
# The last line of a key in base64 ends like a variable without a value.
_IN_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]*\Z")

# Longer files with a mistake are judged by their beginning, and comparing is slow.
_LOOKED_AT = 256 * 1024
_COMPARED = 300

# What is written for other tools, whose words have a hint of their own here.
_OF_OTHERS = ("services", "spec", "resource")

_COMPOSE = {"services", "name", "version", "volumes", "networks", "configs", "secrets", "include"}
_DEVCONTAINER = {
    *("image", "build", "dockerFile", "dockerComposeFile", "service", "runServices", "features", "customizations"),
    *("forwardPorts", "portsAttributes", "containerEnv", "remoteEnv", "containerUser", "remoteUser", "mounts"),
    *("workspaceFolder", "workspaceMount", "postCreateCommand", "postStartCommand", "onCreateCommand", "runArgs"),
    *("initializeCommand", "updateContentCommand", "postAttachCommand", "overrideCommand", "appPort", "context"),
}


def looks_right(kind: str, text: str, expected: Collection[str]) -> bool:
    """Whether `text` looks like the kind of file that it is read as, however wrong it is in part.

    `expected` are the keys one of which a file of variables has to have.
    """
    if kind == "variable file":
        return _has_some(expected)(text)
    judge = _JUDGES.get(kind)
    return judge is not None and judge(text)


def shown_part(kind: str, line: str) -> str:
    """What of a line may be shown: of an env file, whose values nobody should see, no more than the name."""
    if kind != "env file":
        return line
    match = _VARIABLE.match(line)
    if not match or (line[match.end() :].strip() in ("", "=") and not _IN_CAPITALS.match(match["name"])):
        return ""
    return f"{match[0]}..."


def _has_some(keys: Collection[str]) -> Callable[[str], bool]:
    return lambda text: any(_is_known(key, keys) for key in _top_keys(text))


def _has_mostly(schema: str) -> Callable[[str], bool]:
    """What a file names may be any file of this machine, and `name` stands in many."""

    def judge(text: str) -> bool:
        keys = _schema_keys(schema)
        found = list(_top_keys(text))
        known = sum(_is_known(key, keys) for key in found)
        return 0 < known >= len(found) - known

    return judge


def _is_policy(text: str) -> bool:
    return _has_some(_schema_keys("door.schema.json"))(text)


def _is_stack_file(text: str) -> bool:
    return _has_some({*_schema_keys("stack.schema.json"), *_OF_OTHERS})(text)


def _is_env_file(text: str) -> bool:
    lines = [line for line in text[:_LOOKED_AT].splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return 2 * sum(_VARIABLE.match(line) is not None for line in lines) >= len(lines)


def _is_dockerfile(text: str) -> bool:
    return re.search(r"^\s*FROM\s+\S", text, re.IGNORECASE | re.MULTILINE) is not None


_JUDGES: Mapping[str, Callable[[str], bool]] = {
    "stack file": _is_stack_file,
    "file to include": _has_mostly("stack.schema.json"),
    "template file": _has_mostly("template.schema.json"),
    "settings file": _has_mostly("settings.schema.json"),
    "policy": _is_policy,
    "env file": _is_env_file,
    "Compose file": _has_some(_COMPOSE),
    "devcontainer.json": _has_some(_DEVCONTAINER),
    "Dockerfile": _is_dockerfile,
}


def _schema_keys(name: str) -> Collection[str]:
    # Reading the schema is only worth it where something is wrong.
    from nexusctl.config.schema.files import read_schema  # noqa: PLC0415 - deferred: start-up time

    keys: Collection[str] = read_schema(name)["properties"].keys()
    return keys


def _is_known(key: str, known: Collection[str]) -> bool:
    if key in known or len(key) < 4:
        return key in known
    # As above.
    import difflib  # noqa: PLC0415 - deferred: start-up time

    return bool(difflib.get_close_matches(key, known, 1, 0.8))


def _top_keys(text: str) -> Iterator[str]:
    """What stands before a colon at the top of a YAML or JSON text, as far as that can be told without reading it."""
    text = text[:_LOOKED_AT]
    begun = next((line.lstrip() for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#%/"), "")
    return islice(_keys_in_braces(text) if begun.startswith("{") else _keys_of_lines(text), _COMPARED)


def _keys_of_lines(text: str) -> Iterator[str]:
    matches = (_KEY.match(line) for line in text.splitlines())
    return (match[1] or match[2] or match[3] or "" for match in matches if match)


def _keys_in_braces(text: str) -> Iterator[str]:
    depth = 0
    for match in _IN_BRACES.finditer(text):
        if match[1] is None:
            depth += 1 if match[0] in "{[" else -1
        elif match[2] and depth == 1:
            yield match[1].strip("'\"+")
