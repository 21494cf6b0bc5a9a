"""One refusal of the schema, in the words of somebody who wants to put it right."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping as MappingType
from typing import Any

from nexusctl.config.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.node import resolve as resolve_text
from nexusctl.config.placed import Placed
from nexusctl.config.problems import SHOWN_AT_MOST, Problems, note
from nexusctl.config.schema import resolve
from nexusctl.config.suggestion import nearest, suggest
from nexusctl.errors import Note

Path = tuple[str | int, ...]

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}

_TYPES = {bool: "boolean", int: "integer", float: "number"}

# What other tools call it, and what it is called here.
_ELSEWHERE = {
    "build": "`image` or `template`, with `packages` and `uploads` for what is built in",
    "container_name": "no name: a sandbox is called as its key",
    "deploy": "`replicas` and `resources` on the sandbox itself",
    "entrypoint": "`command`",
    "env_vars": "`env`",
    "environment": "`env`",
    "expose": "nothing: sandboxes of one stack reach all ports of each other",
    "files": "`uploads`",
    "healthcheck": "`health`",
    "install_packages": "`packages`",
    "labels": "`metadata`",
    "mem_limit": "`resources: {memory: ...}`",
    "services": "`sandboxes`, or let `nexusctl import compose FILE` write it",
    "startup_script": "`startup`",
    "working_directory": "`working_dir`",
}


_NO_LIST = "`{}` needs a list to append"


def refuse(document: Mapping, error: Any, problems: Problems) -> list[Path]:
    """Report jsonschema's `error` about `document`; returns the paths of what cannot be used."""
    path: Path = tuple(error.absolute_path)
    written = _as_written(document, path)
    problems.sandbox = str(written[1]) if len(path) > 1 and path[0] == "sandboxes" else None
    node, key = _find(document, path)
    where = _dotted(written)
    if path[2:] == ("with",):
        # Nobody knows what in it is sensitive.
        node.source.withheld.add((node.line, node.column))
    if "propertyNames" in error.absolute_schema_path and isinstance(node, Mapping):
        name = f"`{_shown(error.instance)}`" if error.instance else "an empty text"
        problems.add(node.keys[error.instance], f"{name} cannot be a name here", _advice(error))
        return [(*path, error.instance)]
    report = _REPORTS.get(error.validator)
    if report and isinstance(node, Mapping):
        return report(node, key, path, where, error, problems)
    if not report:
        problems.add(node, _summary(node, where, error), _value_hint(node, error))
    return [path]


def _find(document: Mapping, path: Path) -> tuple[Node, Node]:
    """The node at `path`, and the best place to speak of it as a whole: its key, or itself in a list."""
    node: Node = document
    place: Node = document
    for step in path:
        if isinstance(node, Mapping):
            place, node = node.keys[str(step)], node.values[str(step)]
        elif isinstance(node, Sequence):
            node = place = node.items[int(step)]
    return node, place


def _as_written(document: Mapping, path: Path) -> Path:
    """`path` as the file has it: what `for_each` made stands there under the name of its group."""
    if len(path) < 2 or path[0] != "sandboxes":
        return path
    section = document.values["sandboxes"]
    name = section.keys[str(path[1])].text if isinstance(section, Mapping) else str(path[1])
    return ("sandboxes", name, *path[2:])


def _unknown_keys(node: Mapping, _: Node, path: Path, where: str, error: Any, problems: Problems) -> list[Path]:
    known = error.schema["properties"]
    unknown = [key for key in node.values if key not in known]
    for key in unknown[: SHOWN_AT_MOST + 1]:
        part = f"in `{where}`" if path else "at the top of the file"
        left = known.keys() - node.values.keys()
        here = _ELSEWHERE.get(key)
        hint = f"write {here}" if here else _meant_to_add(key, known)
        hint = hint or suggest(key, left or known, "keys that can stand here")
        what = f"unknown key `{_shown(key)}` {part}" if key[:1] != "+" or key[1:] not in known else _NO_LIST.format(key)
        problems.add(node.keys[key], what, hint)
    return [(*path, key) for key in unknown]


def _meant_to_add(key: str, known: MappingType[str, Any]) -> str:
    """A hint for who put the `+` of an overlay behind the key, or took another sign."""
    if key.startswith("x-"):
        return "leave it out, and mark the first of the values that are alike with an anchor: `&name`"
    name = key.strip("+- ")
    if name == key or name not in known:
        return ""
    if key.startswith("-"):
        return f"nothing is taken out of a list: write `{name}` with all that it shall hold, or `{name}: null`"
    part = resolve(known[name]["$ref"]) if "$ref" in known[name] else known[name]
    if "array" not in part.get("type", "array"):
        return f"write `{name}`: mappings are merged key by key"
    return f"write `+{name}`, with a list that is put behind what is there"


def _missing_key(node: Mapping, place: Node, path: Path, where: str, error: Any, problems: Problems) -> list[Path]:
    for key in error.validator_value:
        if node.lacks(key) and not _misspelt(node, [key], error.schema):
            what = f"`{where}` lacks" if path else "the file lacks"
            example = _example(error.schema["properties"][key], key)
            problems.add(place, f"{what} `{key}`", example, *_deletions(node, [key]))
    return [path]


def _alternatives(node: Mapping, place: Node, path: Path, where: str, error: Any, problems: Problems) -> list[Path]:
    names = [branch["required"][0] for branch in error.validator_value if "required" in branch]
    given = [name for name in node.values if name in names]
    quoted = [f"`{name}`" for name in names]
    either = " or ".join([", ".join(quoted[:-1]), quoted[-1]])
    if len(given) > 1:
        first, second = node.keys[given[0]], node.keys[given[1]]
        summary = f"`{where}` has both `{given[0]}` and `{given[1]}`, which exclude each other"
        problems.add(second, summary, f"keep one of {either}", note("the other one is here", first))
        return [path]
    if not node.dropped.intersection(names) and not _misspelt(node, names, error.schema):
        subject = f"`{where}`" if path else "the file"
        problems.add(place, f"{subject} needs {either}", _example(error.schema, ""), *_deletions(node, names))
    # A sandbox is taken apart further, so that its other problems show as well.
    return [] if error.validator == "anyOf" else [path]


def _deletions(node: Mapping, names: list[str]) -> list[Note]:
    return [note(f"`{name}` is deleted here", node.deleted[name]) for name in names if name in node.deleted]


def _misspelt(node: Mapping, names: list[str], schema: MappingType[str, Any]) -> bool:
    """Whether an unknown key, which has a problem of its own, was meant to be one of `names`."""
    unknown = [key for key in node.values if key not in schema["properties"]]
    return any(nearest(key, names) for key in unknown[:SHOWN_AT_MOST])


_REPORTS: MappingType[str, Callable[[Mapping, Node, Path, str, Any, Problems], list[Path]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_key,
    "oneOf": _alternatives,
    "anyOf": _alternatives,
}


def _summary(node: Node, where: str, error: Any) -> str:
    subject, wanted = f"`{where}`", error.validator_value
    match error.validator:
        case "type":
            names = [_KINDS[name] for name in ([wanted] if isinstance(wanted, str) else wanted)]
            needed = ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else names[0]
            return f"{subject} has to be {needed}, not {describe(node)}"
        case "minLength" | "minItems":
            return f"{subject} is empty"
        case "minimum":
            return f"{subject} has to be at least {wanted}, not {_value(node)}"
        case "exclusiveMinimum":
            return f"{subject} has to be more than {wanted}, not {_value(node)}"
        case "maximum":
            return f"{subject} has to be at most {wanted}, not {_value(node)}"
    return f"{subject} cannot be {_value(node)}"


def _value_hint(node: Node, error: Any) -> str | None:
    if isinstance(node, Scalar) and node.withheld:
        return _advice(error)
    if isinstance(node, Scalar) and node.value is None and node.text:
        return f"{_advice(error)}, or leave it out: no file below has anything here that `{node.text}` could delete"
    if error.validator == "type" and isinstance(node, Scalar) and (hint := _unquoted(node, error.validator_value)):
        return hint
    if error.validator == "enum" and isinstance(node, Scalar):
        return suggest(node.text, map(str, error.validator_value), "it can be")
    if error.validator == "type" and isinstance(node, Scalar) and error.validator_value == "string":
        return f'put it in quotes: "{node.text}"' if node.text and node.value is not None else _advice(error)
    return _advice(error)


def _unquoted(node: Scalar, wanted: str | list[str]) -> str:
    """A hint for a text that would be of the `wanted` type without its quotes, or in a variable of that type."""
    kind = _TYPES.get(type(resolve_text(node.text)), "") if isinstance(node.value, str) else ""
    fits = (kind, "number") if kind == "integer" else (kind,)
    if not kind or not any(name in fits for name in ([wanted] if isinstance(wanted, str) else wanted)):
        return ""
    if not isinstance(node, Placed):
        return f"write it without quotes: `{node.text}`"
    if node.origin:
        return f"declare what it comes from with `type: {kind}`, or without quotes"
    return f"let it pass a variable, which makes it one: `variables: {{it: {{type: {kind}, default: ...}}}}`"


def _advice(error: Any) -> str:
    advice: str | None = error.schema.get("errorMessage")
    return advice or _example(error.schema, "")


def _example(schema: MappingType[str, Any], key: str) -> str:
    examples = schema.get("examples") or [""]
    text = json.dumps(examples[0], ensure_ascii=False)
    return f"write for example `{key}: {text}`" if key else f"write for example `{text}`"


def _value(node: Node) -> str:
    return f"`{_shown(node.text)}`" if isinstance(node, Scalar) and node.text and not node.withheld else describe(node)


def describe(node: Node) -> str:
    """What `node` is, in words that can follow `not`: a list, nothing, the text with what it says."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if node.withheld:
        return "something else"
    if isinstance(node.value, bool):
        return f"`{node.text}`"
    return f"the {'text' if isinstance(node.value, str) else 'number'} `{_shown(node.text)}`" if node.text else "empty"


def _shown(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if line == text and len(line) <= 60 else line[:60] + "..."


def _dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return _shown(text.lstrip("."))
