"""Where every value of a stack comes from: which file, line and column set it, and what it was set over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nexusctl.config.build.sandbox import Group
from nexusctl.config.document.derived import GivenText, MixedText, Placed, Supplied
from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.config.export.redact_paths import SENSITIVE, Path, Veil
from nexusctl.config.export.standalone import raw_value, value_of
from nexusctl.config.load import Loaded
from nexusctl.config.read.dotenv import EnvFiles
from nexusctl.config.schema.files import STACK, resolve
from nexusctl.config.templates.sensitive_arguments import reread_template
from nexusctl.errors import Location
from nexusctl.model.env_file_text import SHOWN
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A value as it was set at `place`; None for what stands in no file: what `by` names, or nexusctl's own default."""

    value: Any
    place: Location | None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The value at `path`, with its `place` and `by` as in `Assignment`.

    `written` is what stands at `place` where that refers to something else, `source` what a reference found it in.
    `overrode` are the values that it was set over, the nearest first. `deleted` is True where there is none any more.
    """

    path: Path
    value: Any
    place: Location | None
    by: str | None = None
    written: str | None = None
    source: Assignment | None = None
    overrode: tuple[Assignment, ...] = ()
    deleted: bool = False


def find_origins(loaded: Loaded) -> list[Origin]:
    """The origin of every value of the stack, in the order of the document; of secrets the references."""
    return list(_Search(loaded).everything())


class _Search:
    """One walk over the resolved document, with the layers that it was made of beside it."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._veil = Veil(loaded)

    def everything(self) -> Iterator[Origin]:
        document = self._loaded.document
        for key, node in document.values.items():
            if key == "sandboxes":
                yield from self._sandboxes()
            elif key == "variables":
                yield from self._variables()
            elif key == "outputs":
                yield from self._outputs()
            elif key != "include":
                yield from self._section(key, node)
        yield from self._deleted((), self._loaded.merged, list(self._loaded.layers))

    def _section(self, key: str, node: Node) -> Iterator[Origin]:
        yield from self._walk((key,), node, self._layers((key,)), resolve(STACK)["properties"].get(key, {}))

    def _variables(self) -> Iterator[Origin]:
        section = self._loaded.merged.get("variables")
        waiting = dict(self._loaded.supplied)
        for origin in self._section("variables", section) if section else ():
            name, is_default = str(origin.path[1]), origin.path[2:3] == ("default",)
            if supplied := waiting.pop(name, None):
                yield self._given(name, supplied)
            if not (is_default and name in self._loaded.supplied):
                yield origin

    def _given(self, name: str, supplied: Supplied) -> Origin:
        """The value of a variable from outside, in the place of its default, with all that it is stronger than."""
        path = ("variables", name, "default")
        first, *others = (replace(each, value=self._veil.cover(path, each.value)) for each in _chain(supplied))
        over = (*others, *self._settings(path, self._layers(path)))
        value = self._veil.cover(path, value_of(self._loaded.variables[name]))
        return Origin(path=path, value=value, place=first.place, by=first.by, overrode=over)

    def _outputs(self) -> Iterator[Origin]:
        """Outputs are worked out when somebody asks for them, so they are shown as they are written."""
        section = self._loaded.merged.section("outputs")
        for name, node in section.items():
            layers = self._layers(("outputs", name))
            over = self._settings(("outputs", name), layers[:-1])
            yield Origin(path=("outputs", name), value=raw_value(node), place=_place(node), overrode=over)

    def _sandboxes(self) -> Iterator[Origin]:
        schema = resolve(f"{STACK}#/$defs/sandbox")
        for name, entry in self._loaded.merged.section("sandboxes").items():
            group = self._loaded.groups.get(name)
            woven = self._loaded.patterns.get(name) or self._loaded.document.section("sandboxes").get(name, entry)
            several = [each for each in self._loaded.groups.values() if each.key.text == name]
            made = group or next(iter(several), None)
            node: Node = group.node if group else woven
            if several and not group and isinstance(node, Mapping):
                node = _joined(node, [each.node for each in several])
            below = [found for layer in _template_layers(made) if (found := _dig(layer, ("defaults",))) is not None]
            layers = [*below, *self._layers(("sandboxes", name))]
            self._veil.know(name, node, made.file if made else reread_template(node, self._loaded.root))
            yield from self._walk(("sandboxes", name), node, layers, schema)
            if isinstance(node, Mapping):
                yield from self._env_files(("sandboxes", name, "env"), node)
        section = self._loaded.merged.get("sandboxes")
        if isinstance(section, Mapping):
            yield from self._deleted(("sandboxes",), section, self._layers(("sandboxes",)))

    def _layers(self, path: Path) -> list[Node]:
        """What each file says at `path`, the lowest first."""
        found = (_dig(layer, path) for layer in self._loaded.layers)
        return [node for node in found if node is not None]

    def _walk(self, path: Path, node: Node, layers: list[Node], schema: Any) -> Iterator[Origin]:
        schema = _settle(schema, node)
        if isinstance(node, Mapping) and node.values:
            for key, value in node.values.items():
                inner = [found for layer in layers if (found := _dig(layer, (key,))) is not None]
                part = schema.get("properties", {}).get(key) or schema.get("additionalProperties") or {}
                yield from self._walk((*path, key), value, inner, part)
            yield from _defaults(path, node, schema)
        elif isinstance(node, Sequence) and node.items:
            yield from self._list(path, node, layers, schema)
        else:
            yield self._origin(path, node, layers, schema)
        if isinstance(node, Mapping):
            yield from self._deleted(path, node, layers)

    def _list(self, path: Path, node: Sequence, layers: list[Node], schema: Any) -> Iterator[Origin]:
        kept = {_place(item) for item in node.items}
        gone = [layer for layer in layers if not _is_part(layer, kept)]
        if gone or "default" in schema:
            yield self._origin(path, node, gone, schema)
        for index, item in enumerate(node.items):
            yield from self._walk((*path, index), item, [], schema.get("items", {}))

    def _deleted(self, path: Path, node: Mapping, below: list[Node]) -> Iterator[Origin]:
        for key, place in node.deleted.items():
            found = [layer for each in below if (layer := _dig(each, (key,))) is not None]
            layers = [layer for layer in found if _place(layer) != _place(place)]
            over = self._settings((*path, key), layers)
            yield Origin(path=(*path, key), value=None, place=_place(place), overrode=over, deleted=True)

    def _origin(self, path: Path, node: Node, layers: list[Node], schema: Any) -> Origin:
        place, value = _place(node), value_of(node)
        over = self._settings(path, [layer for layer in layers if _place(layer) != place])
        if "default" in schema:
            over = (*over, Assignment(value=schema["default"], place=None))
        if self._veil.is_sensitive(path, value) and not _only_refers(node):
            return Origin(path=path, value=SENSITIVE, place=place, overrode=over)
        written = next((layer.text for layer in layers if isinstance(layer, Scalar) and _place(layer) == place), None)
        refers = written is not None and OPENING in written
        return Origin(
            path=path,
            value=value,
            place=place,
            written=written if refers else None,
            source=_source(node),
            overrode=over,
        )

    def _settings(self, path: Path, layers: list[Node]) -> tuple[Assignment, ...]:
        """What `layers`, the lowest first, say at `path`, the nearest first."""
        values = [(self._veil.cover(path, raw_value(layer)), layer) for layer in reversed(layers)]
        return tuple(Assignment(value=value, place=_place(layer)) for value, layer in values)

    def _env_files(self, path: Path, node: Mapping) -> Iterator[Origin]:
        """Variables that only env files set; what they are set to may be secret."""
        named = node.get("env_file")
        files = named.items if isinstance(named, Sequence) else [named]
        reader, problems = EnvFiles(), Problems()
        found: dict[str, Scalar] = {}
        for file in files:
            if isinstance(file, Scalar):
                found |= reader.read(file, problems)
        for key, value in found.items():
            if key not in node.section("env"):
                yield Origin(path=(*path, key), value=SHOWN, place=_place(value))


def _joined(own: Mapping, made: list[Mapping]) -> Mapping:
    """`own`, of which all in `made` were made, with what their template gives all of them alike."""
    joined = Mapping(own.source, own.line, own.column)
    joined.keys, joined.values, joined.deleted = dict(own.keys), dict(own.values), own.deleted
    for key, value in made[0].values.items():
        mine, all_of_them = own.values.get(key), [each.values.get(key) for each in made]
        mappings = [each for each in all_of_them if isinstance(each, Mapping)]
        if isinstance(mine, Mapping) and len(mappings) == len(made):
            joined.values[key] = _joined(mine, mappings)
        elif mine is None and all(each is not None and value_of(each) == value_of(value) for each in all_of_them):
            joined.keys[key], joined.values[key] = made[0].keys[key], value
    return joined


def _template_layers(group: Group | None) -> tuple[Mapping, ...]:
    return group.file.layers if group and group.file else ()


def _chain(supplied: Supplied | None) -> Iterator[Assignment]:
    while supplied:
        yield _setting(supplied.node)
        supplied = supplied.over


def _setting(node: Node) -> Assignment:
    """What was set where `node` stands, or by what gave it."""
    if isinstance(node, GivenText):
        return Assignment(value=node.text, place=None, by=node.by.strip("`"))
    return Assignment(value=raw_value(node), place=_place(node))


def _source(node: Node) -> Assignment | None:
    """What a reference found the value of `node` in, where that is another place."""
    origin = node.origin if isinstance(node, Placed) and not isinstance(node, MixedText) else None
    return _setting(origin) if origin is not None and origin is not node else None


def _only_refers(node: Node) -> bool:
    """Whether all that stands in a scalar is known elsewhere."""
    return isinstance(node, MixedText) and not any(isinstance(part, str) and part for part in node.parts)


def _defaults(path: Path, node: Mapping, schema: Any) -> Iterator[Origin]:
    for key, part in schema.get("properties", {}).items():
        if key not in node.values and "default" in part:
            yield Origin(path=(*path, key), value=part["default"], place=None)


def _settle(schema: Any, node: Node) -> Any:
    """The part of the schema that speaks about such a node: references followed, the fitting alternative chosen."""
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        schema = {**resolve(schema["$ref"]), **{key: value for key, value in schema.items() if key != "$ref"}}
    wanted = "properties" if isinstance(node, Mapping) else "items"
    if wanted in schema or isinstance(node, Scalar):
        return schema
    for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        settled = _settle(branch, node)
        if wanted in settled or "additionalProperties" in settled:
            return {**schema, **settled}
    return schema


def _dig(node: Node, path: Path) -> Node | None:
    for step in path:
        found = node.values.get(str(step)) if isinstance(node, Mapping) else None
        if found is None:
            return None
        node = found
    return node


def _is_part(layer: Node, kept: set[Location]) -> bool:
    """Whether all that a lower list holds is still there."""
    return isinstance(layer, Sequence) and all(_place(item) in kept for item in layer.items)


def _place(node: Node) -> Location:
    return node.source.location(node.line, node.column)
