"""What somebody meant who wrote a value that the schema refuses, as a hint that says what to type instead.

Nothing is quoted here that a hint about an unknown value would not quote: of variables the names alone.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from collections.abc import Mapping as MappingType
from typing import Any

from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, plain
from nexusctl.config.schema.fast_check import compile_schema
from nexusctl.config.validate.other_tools import translate

_LONGEST = 60

# Nobody meant one of our words by a longer text, and what is tried on it takes time.
_TRIED = 300

_REFERENCE = re.compile(
    r"\$?\(?\{{0,2}\s*((?:var|env|secret|sandbox|stack|each|param)(?:\.[A-Za-z0-9_-]+)+)\s*\}{0,2}\)?\Z"
)
_ASSIGNMENT = re.compile(r"(?:\A|\s)-?\s?([A-Za-z_][\w.-]*)(?:=|:(?!//))")
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|milli|s|m|h|d)(?:ecs?|econds?|ins?|inutes?|rs?|ours?|ays?)?\b")
_PATHS = re.compile(r"([^:,{}\[\]]{1,40}):(/[^:,{}\[\]]{0,40})\Z")
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9])(?::([0-5][0-9]))?\Z")
_ADDRESS = re.compile(r"(?:https?://)?(?:[A-Za-z0-9.-]+|)(?::([0-9]{1,5}))?(/\S*)?\Z")


def rewrite(node: Node, field: str, error: Any) -> str:
    """What to write instead of `node`, the value of `field`, that jsonschema's `error` is about; empty if unknown."""
    if isinstance(node, Scalar) and len(node.text) > _TRIED:
        return ""
    if isinstance(node, Scalar) and (named := _REFERENCE.match(node.text)):
        return f"write `{OPENING}{named[1]}}}`" if OPENING not in node.text else ""
    if _begins_with(node, "{{"):
        return f"write a reference as `{OPENING}var.NAME}}`: braces of its own make a mapping of it"
    if error.validator == "type" and (hint := _of_another_kind(node, field, error)):
        return hint
    if not isinstance(node, Scalar):
        return ""
    if field == "health":
        return _as_probe(node)
    if error.validator == "enum":
        word = translate(node.text, map(str, error.validator_value))
        if word in error.validator_value:
            return f"write `{word}`"
    fits = compile_schema(error.schema)
    found = (text for text in _candidates(node, field) if text != "" and fits(text))
    text = next((text for text in found if isinstance(node.value, str) or text != node.text), None)
    if text is None:
        return ""
    why = ": the port inside the sandbox and the path, without a host" if field == "http" else ""
    return f"write `{text if isinstance(text, str) else json.dumps(text)}`{why}"


def slug(name: str, schema: Any) -> str:
    """A hint with the name that is nearest to `name` and conforms to `schema`; empty where there is none."""
    if len(name) > _TRIED:
        return ""
    fits = compile_schema(schema)
    for separator, text in (("-", _plain_letters(name.lower())), ("_", _plain_letters(name))):
        found = re.sub(r"[^A-Za-z0-9]+", separator, text).strip(separator)
        if found and found != name and fits(found):
            return f"write `{found}`: "
    return ""


def _plain_letters(text: str) -> str:
    """`text` without its accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def _begins_with(node: Node, sign: str) -> bool:
    lines = node.source.lines
    return node.line <= len(lines) and lines[node.line - 1].startswith(sign, node.column - 1)


def _of_another_kind(node: Node, field: str, error: Any) -> str:
    """A hint for a list, a mapping or a text where one of the others is needed."""
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(node, Scalar):
        if node.value is None:
            return _commented_out(node)
        if "array" in kinds and "string" not in kinds and (hint := _as_items(node, error.schema)):
            return hint
        if "sensitive" in error.schema.get("properties", {}):
            return _as_declaration(node, error.schema["properties"].get("type", {}).get("enum", ()))
        return _as_entries(node.text, field) if "object" in kinds and isinstance(node.value, str) else ""
    if isinstance(node, Mapping):
        if "array" in kinds and node.values:
            return _as_list(node, error.schema)
        return _as_names(node) if field == "depends_on" and "string" in kinds else ""
    return _as_mapping(node, field) if "object" in kinds else ""


def _as_declaration(node: Scalar, types: Collection[str]) -> str:
    """A hint for a type, or a value, where a variable has to be declared."""
    for word in (node.text, translate(node.text)):
        if word in types:
            return f"write `{{type: {word}}}`"
    return "write `{default: ...}` for its value, or give that from outside, such as by `--var`" if types else ""


def _commented_out(node: Scalar) -> str:
    """A hint for a text that begins with `#`, and so was read as a comment."""
    rest = "".join(node.source.lines[node.line - 1 : node.line])[node.column - 1 :]
    found = re.match(r"\s*(#[^\s#]+)\s*\Z", rest) if not node.text else None
    return f'put it in quotes: "{found[1]}"; a `#` behind a space begins a comment' if found else ""


def _as_items(node: Scalar, schema: Any) -> str:
    """A hint for one text, or several in one, where a list has to be."""
    fits = compile_schema(schema.get("items", {}))
    if node.end > node.line or node.text.startswith(("- ", "-")):
        first = node.text.split()[0].lstrip("-") or "item"
        return f"begin each item with a `-` and a space: `- {_short(first)}`"
    items = [node.value] if not isinstance(node.value, str) else re.split(r"[,\s]+", node.text.strip("[](), "))
    if not all(map(fits, items)):
        items = [node.value]
    return f"write it as a list: `{_json(items)}`" if all(map(fits, items)) and len(_json(items)) <= _LONGEST else ""


def _as_entries(text: str, field: str) -> str:
    """A hint for `KEY=value`, `KEY:value` or `source:target` where a mapping has to be."""
    if field == "uploads" and (paths := _PATHS.match(text)):
        return f"write `{{source: {paths[1]}, target: {paths[2]}}}`"
    if field == "depends_on" and text in ("started", "healthy", "completed"):
        return f"write `{{condition: {text}}}`"
    found = _ASSIGNMENT.search(text)
    return f"write `{found[1]}: ...`, with a `:` and a space, one a line" if found else ""


def _as_list(node: Mapping, schema: Any) -> str:
    fits = compile_schema(schema.get("items", {}))
    if fits(plain(node)):
        return f"put a `-` and a space before `{next(iter(node.values))}`: it is an item of a list"
    names = _json(list(node.values))
    is_names = not any(isinstance(value, Scalar) and value.text for value in node.values.values())
    return (
        f"write it as a list: `{names}`"
        if is_names and fits(next(iter(node.values))) and len(names) <= _LONGEST
        else ""
    )


def _as_names(node: Mapping) -> str:
    """A hint for `- db: healthy` in a list of names."""
    name = next(iter(node.values), None)
    return (
        f"write `{name}` alone, or all as a mapping: `depends_on: {{{name}: {{condition: healthy}}}}`" if name else ""
    )


def _as_mapping(node: Sequence, field: str) -> str:
    """A hint for a list where each item has a name that has to be its key."""
    items = [item for item in node.items if isinstance(item, Mapping)]
    named = next((item.text("name") for item in items if item.text("name")), None)
    if named and field == "env":
        return f"write `{_short(named)}: ...`, one variable a line, without `name` and `value`"
    if named:
        return f"write the name as the key, without a dash: `{_short(named)}:`, and the rest below it, further in"
    if items and all(len(item.values) == 1 for item in items) and len(items) == len(node.items):
        return f"leave out the dashes or brackets: `{_short(next(iter(items[0].values)))}: ...`, one a line"
    texts = [item.text for item in node.items if isinstance(item, Scalar)]
    if texts and (hint := _as_entries(texts[0], field)):
        return hint
    if texts and field in ("networks", "volumes", "sandboxes", "variables", "secrets"):
        return f"write each with a `:` behind it, without a dash: `{_short(texts[0])}:`"
    return ""


def _candidates(node: Scalar, field: str) -> Iterator[Any]:
    """What may be meant by the text or number of `node`."""
    text = node.text.strip()
    yield from _CANDIDATES.get(field, _durations)(text)
    if isinstance(node.value, str) and text.lower() != text and not text.isupper():
        yield text.lower()


def _memory(text: str) -> Iterator[Any]:
    if text.isdecimal() and len(text) < 6:
        yield f"{text}m"
    yield re.sub(r"[\s_]+", "", text.lower()).rstrip("i")
    yield re.sub(r"(?i)\s*(kilo|mega|giga|tera)(bytes?)?\Z", lambda unit: unit[1][0].lower(), text)


def _cpus(text: str) -> Iterator[Any]:
    for sign, share in (("m", 1000), ("%", 100)):
        if text.endswith(sign) and text[:-1].isdecimal():
            yield int(text[:-1]) / share


def _durations(text: str) -> Iterator[Any]:
    if clock := _CLOCK.match(text):
        hours, minutes, seconds = clock[1], clock[2], clock[3] or "0"
        parts = zip((hours, minutes, seconds), "hms", strict=True)
        yield "".join(f"{int(number)}{unit}" for number, unit in parts if int(number))
    if not _SPAN.sub("", text.lower()).strip(" ,"):
        yield "".join(number + unit.replace("illi", "s") for number, unit in _SPAN.findall(text.lower()))


def _images(text: str) -> Iterator[Any]:
    bare = re.sub(r"\Ahttps?://(hub\.docker\.com/(_|r)/)?", "", text).rstrip("/:")
    yield bare
    yield re.sub(r"[\s@]+", ":", bare)
    if not bare.isupper():
        yield re.sub(r"[\s@]+", ":", bare).lower()


def _names(text: str) -> Iterator[Any]:
    yield re.sub(r"[^a-z0-9]+", "-", _plain_letters(text.lower())).strip("-")


def _probes(text: str) -> Iterator[Any]:
    found = _ADDRESS.match(text)
    if found and (found[1] or found[2]) and ("//" in text or text[:1] in ("/", ":") or "localhost" in text):
        yield f":{found[1] or 3000}{found[2] or '/'}"


_CANDIDATES: MappingType[str, Callable[[str], Iterator[Any]]] = {
    "cpus": _cpus,
    "http": _probes,
    "image": _images,
    "memory": _memory,
    "name": _names,
}


def _as_probe(node: Scalar) -> str:
    """What to write instead of a text for `health`: the probe that it means; empty where it means none."""
    if not isinstance(node.value, str) or len(node.text) > _LONGEST or "\n" in node.text:
        return ""
    page = next(_probes(node.text), None)
    if page:
        return f'write `{{http: "{page}"}}`'
    return f"write `{{command: {_json(node.text)}}}`" if " " in node.text else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
