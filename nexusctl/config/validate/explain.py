"""One refusal of the schema, in the words of somebody who wants to put it right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingType
from typing import Any

from nexusctl.config.document.derived import Placed
from nexusctl.config.document.describe import Path, cut, describe
from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.node import resolve as resolve_text
from nexusctl.config.document.problems import SHOWN_AT_MOST, Problems, note
from nexusctl.config.schema.files import STACK, resolve
from nexusctl.config.validate.other_tools import advise, advise_misspelt
from nexusctl.config.validate.rewrite import rewrite, slug
from nexusctl.errors import Note
from nexusctl.model.values.did_you_mean import nearest, suggest
from nexusctl.packages import MANAGERS

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

# A whole entry in the place of its key.
_ENTRY = re.compile(r"([A-Za-z_]\w*)\s*[=:]")

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
        name = f"`{cut(error.instance)}`" if error.instance else "an empty text"
        problems.add(node.keys[error.instance], f"{name} cannot be a name here", _name_hint(error))
        return [(*path, error.instance)]
    if error.validator == "type" and _is_empty(node) and path and _ENTRY.match(str(path[-1])):
        # The key says what is wrong.
        return [path]
    report = _REPORTS.get(error.validator)
    if report and isinstance(node, Mapping):
        return report(node, key, path, where, error, problems)
    if not report:
        summary, hint, better = _summary(node, where, error), _value_hint(node, error), _better(node, path, error)
        problems.add(node, summary, better or hint, discreet=(summary, hint) if better else None)
    return [path]


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None and not node.text


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
        hint = advise(key, _kind(path, known)) or _belongs_further_in(key, node, known)
        hint = hint or _belongs_elsewhere(key, node.values[key], path, known)
        hint = hint or _meant_to_add(key, known) or _is_there(key, known.keys() & node.values.keys(), left)
        hint = hint or advise_misspelt(key, _kind(path, known), known)
        hint = hint or suggest(key, left or known, "keys that can stand here")
        what = f"unknown key `{cut(key)}` {part}" if key[:1] != "+" or key[1:] not in known else _NO_LIST.format(key)
        problems.add(node.keys[key], what, hint)
    return [(*path, key) for key in unknown]


def _is_there(key: str, beside: Collection[str], left: Collection[str]) -> str:
    """A hint for a key that looks like one of those which stand `beside` it."""
    near = nearest(key, beside) if not nearest(key, left) else None
    return f"`{near}` stands beside it already: take out what is not right" if near else ""


def _kind(path: Path, known: MappingType[str, Any]) -> str:
    """What the mapping at `path` is, in the words of `habits`."""
    if not path:
        return "stack" if "sandboxes" in known else ""
    if path[0] not in ("sandboxes", "defaults"):
        return f"stack.{path[0]}"
    inner = path[2:] if path[0] == "sandboxes" else path[1:]
    return str(inner[0]) if inner else "sandbox"


def _belongs_further_in(key: str, node: Mapping, known: MappingType[str, Any]) -> str:
    """A hint for a key behind one that has nothing below it and is not to be empty."""
    place = node.keys[key]
    before = [name for name, other in node.keys.items() if (other.line, other.column) < (place.line, place.column)]
    last = next((name for name in reversed(before) if name in known), "")
    if not last or not _is_empty(node.values[last]) or place.column != node.keys[last].column:
        return ""
    return f"begin it further in than `{last}`, if it belongs there"


def _belongs_elsewhere(key: str, value: Node, path: Path, known: MappingType[str, Any]) -> str:
    """A hint for a key that is right at another place of a stack file."""
    stack = resolve(STACK)["properties"]
    sandbox = resolve(f"{STACK}#/$defs/sandbox")["properties"]
    is_sandbox = isinstance(value, Mapping) and not value.values.keys().isdisjoint(("image", "template"))
    kind = _kind(path, known)
    if kind == "stack" and is_sandbox and not key.startswith("x-") and not nearest(key, known):
        return f"write it below `sandboxes:`, further in: `{cut(key)}` is a sandbox"
    if kind == "stack" and key in sandbox:
        return "write it inside of a sandbox, below `sandboxes:`"
    if kind == "sandbox" and is_sandbox:
        return f"begin it in the column of `{path[-1]}`: `{cut(key)}` is a sandbox of its own"
    if kind == "sandbox" and path[0] == "sandboxes" and key in stack:
        return "write it at the top of the file, beside `sandboxes:`"
    if path[-1:] == ("packages",) and isinstance(value, Scalar) and not nearest(key, known):
        return f"write a list, such as `[{cut(key)}]`, or one below {', '.join(f'`{name}:`' for name in MANAGERS)}"
    return ""


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
        return f"write `{name}`: only lists are appended to"
    return f"write `+{name}`, with a list that is put behind what is there"


def _missing_key(node: Mapping, place: Node, path: Path, where: str, error: Any, problems: Problems) -> list[Path]:
    for key in error.validator_value:
        if node.lacks(key) and not _misspelt(node, [key], path, error.schema):
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
    if not node.dropped.intersection(names) and not _misspelt(node, names, path, error.schema):
        subject = f"`{where}`" if path else "the file"
        problems.add(place, f"{subject} needs {either}", _example(error.schema, ""), *_deletions(node, names))
    # A sandbox is taken apart further, so that its other problems show as well.
    return [] if error.validator == "anyOf" else [path]


def _deletions(node: Mapping, names: list[str]) -> list[Note]:
    return [note(f"`{name}` is deleted here", node.deleted[name]) for name in names if name in node.deleted]


def _misspelt(node: Mapping, names: list[str], path: Path, schema: MappingType[str, Any]) -> bool:
    """Whether an unknown key, which has a problem of its own, was meant to be one of `names`."""
    unknown = [key for key in node.values if key not in schema["properties"]][:SHOWN_AT_MOST]
    own = schema["properties"]
    kind = _kind(path, own)
    advice = [advise(key, kind) or advise_misspelt(key, kind, own) for key in unknown]
    return any(f"`{name}" in each for each in advice for name in names) or any(nearest(key, names) for key in unknown)


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


def _name_hint(error: Any) -> str:
    if OPENING in error.instance:
        return "write the name itself: a key takes no references"
    if error.instance[:1] == "+":
        return f"write `{cut(error.instance[1:])}`: mappings are merged key by key, only lists are appended to"
    if found := _ENTRY.match(error.instance):
        return f"write `{found[1]}: ...`, with a `:` and a space"
    return slug(error.instance, error.schema) + _advice(error)


def _better(node: Node, path: Path, error: Any) -> str:
    """What was meant by `node`, which it may repeat; empty where nobody can tell."""
    if path[2:3] == ("with",) or (isinstance(node, Scalar) and node.withheld):
        return ""
    field = next((step for step in reversed(path) if isinstance(step, str)), "")
    field = "depends_on" if path[2:3] == ("depends_on",) and field != "condition" else field
    if path[:1] == ("sandboxes",) and len(path) == 2 and isinstance(node, Scalar) and (node.value or not node.text):
        return _no_sandbox(node, field, error)
    return rewrite(node, field, error)


def _value_hint(node: Node, error: Any) -> str:
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


def _no_sandbox(node: Scalar, name: str, error: Any) -> str:
    if name in error.schema.get("properties", {}):
        return "begin it further in than the name of the sandbox that it belongs to"
    if node.value is None:
        return "write what belongs to it below, further in than its name, such as `image: debian`"
    return f"write `{name}: {{image: {cut(node.text)}}}`" if " " not in node.text else _advice(error)


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
    return f"`{cut(node.text)}`" if isinstance(node, Scalar) and node.text and not node.withheld else describe(node)


def _dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return cut(text.lstrip("."))
