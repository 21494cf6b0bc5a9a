"""Whether a file looks like what it is read as: of any other, such as a key that a link leads to, no line is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from nexusctl.config.node import Source
from nexusctl.errors import Diagnostic, Note

_KEY = re.compile(r"""\+?(?:"([^"\n]*)"|'([^'\n]*)'|([A-Za-z_][\w.-]*))[ \t]*:(?=\s|\Z)""")
_IN_BRACES = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\w.+-]+)(\s*:)?|[{}\[\]]""")
_VARIABLE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=")

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


def looks_right(source: Source) -> bool:
    """Whether `source` looks like what it is read as, however wrong it is in part."""
    judge = _JUDGES.get(source.kind)
    return judge is not None and judge(source)


def shown_part(source: Source, line: str) -> str:
    """What of a line may be shown: of an env file, whose values nobody should see, no more than the name."""
    if source.kind != "env file":
        return line
    match = _VARIABLE.match(line)
    return f"{match[0]}..." if match else ""


def be_reserved(problems: list[Diagnostic], sources: Mapping[str, Source]) -> list[Diagnostic]:
    """`problems` with one for all those of a file that does not look right, since their words may quote it too."""
    strange = {name for name, source in sources.items() if source.kind in _WANTED and _is_strange(source)}
    if not strange:
        return problems
    kept: list[Diagnostic] = []
    for problem in problems:
        file = problem.location.file if problem.location else ""
        if file not in strange:
            notes = tuple(each for each in problem.notes if not (each.location and each.location.file in strange))
            kept.append(replace(problem, notes=notes))
        elif problem.summary.startswith(f"the {sources[file].kind} is "):
            # These words quote nothing.
            kept.append(problem)
        elif not any(other.location and other.location.file == file for other in kept):
            kept.append(_stand_in(problem, sources[file]))
    return kept


def _is_strange(source: Source) -> bool:
    """An empty file is none."""
    return not source.looks_right and any(
        line.strip(" \t{}") and not line.lstrip().startswith("#") for line in source.lines
    )


def _stand_in(problem: Diagnostic, source: Source) -> Diagnostic:
    summary = f"`{source.display}` does not look like {_WANTED[source.kind]}"
    used = tuple(each for each in problem.notes if each.location and each.location.file != source.display)
    notes = (*used, Note("so none of its lines is shown"))
    return Diagnostic(summary, problem.location, hint=_HINTS[source.kind], notes=notes, sandbox=problem.sandbox)


_WANTED = {
    "stack file": "a stack file",
    "file to include": "a part of a stack file",
    "template file": "a template",
    "variable file": "a file of this stack's variables",
    "env file": "an env file",
    "Compose file": "a Compose file",
    "devcontainer.json": "a devcontainer.json",
}
_HINTS = {
    "stack file": "begin it with `name: my-stack` and go on with `sandboxes:`",
    "file to include": "it needs one of the keys of a stack file at its top, such as `sandboxes:`",
    "template file": "begin it with `name: my-template`, `description:` and `extends: base`",
    "variable file": "write a line for each variable that the stack declares: `NAME: value`",
    "env file": "half of its lines at least have to be `KEY=VALUE`; name another file",
    "Compose file": "name the file with your `services`",
    "devcontainer.json": "name the file, or the folder of the project that has it",
}


def _has_some(keys: Collection[str]) -> Callable[[Source], bool]:
    return lambda source: any(_is_known(key, keys) for key in _top_keys(source.text))


def _has_mostly(schema: str) -> Callable[[Source], bool]:
    """What a file names may be any file of this machine, and `name` stands in many."""

    def judge(source: Source) -> bool:
        keys = _schema_keys(schema)
        found = list(_top_keys(source.text))
        known = sum(_is_known(key, keys) for key in found)
        return 0 < known >= len(found) - known

    return judge


def _is_stack_file(source: Source) -> bool:
    return _has_some({*_schema_keys("stack.schema.json"), *_OF_OTHERS})(source)


def _has_variables(source: Source) -> bool:
    return _has_some(source.expected)(source)


def _is_env_file(source: Source) -> bool:
    lines = [
        line for line in source.text[:_LOOKED_AT].splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    return 2 * sum(_VARIABLE.match(line) is not None for line in lines) >= len(lines)


def _is_dockerfile(source: Source) -> bool:
    return re.search(r"^\s*FROM\s+\S", source.text, re.IGNORECASE | re.MULTILINE) is not None


_JUDGES: Mapping[str, Callable[[Source], bool]] = {
    "stack file": _is_stack_file,
    "file to include": _has_mostly("stack.schema.json"),
    "template file": _has_mostly("template.schema.json"),
    "variable file": _has_variables,
    "env file": _is_env_file,
    "Compose file": _has_some(_COMPOSE),
    "devcontainer.json": _has_some(_DEVCONTAINER),
    "Dockerfile": _is_dockerfile,
}


def _schema_keys(name: str) -> Collection[str]:
    # Reading the schema is only worth it where something is wrong.
    from nexusctl.config.schema import read_schema  # noqa: PLC0415

    keys: Collection[str] = read_schema(name)["properties"].keys()
    return keys


def _is_known(key: str, known: Collection[str]) -> bool:
    if key in known or len(key) < 4:
        return key in known
    # As above.
    import difflib  # noqa: PLC0415

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
