"""A stack with everything worked in, as values that a stack file can hold: files, references, templates.

What is secret stays a reference, and relative paths become absolute, so that the file that is made of this means the
same stack wherever it lies.
"""

from __future__ import annotations

from typing import Any

from nexusctl.config.build.dependencies import plain_dependency
from nexusctl.config.build.packages import package_text, plain_options
from nexusctl.config.build.sandbox import Group
from nexusctl.config.document.derived import MixedText
from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.hidden_lines import is_sensitive
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, resolve
from nexusctl.config.document.paths import host_path
from nexusctl.config.document.problems import Problems
from nexusctl.config.export.for_each_paths import spread_paths
from nexusctl.config.load import Loaded
from nexusctl.config.templates.builtin import is_path
from nexusctl.config.templates.search import find_template
from nexusctl.config.templates.sensitive_arguments import reference_text, reread_template, without_literals
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import PackageSet
from nexusctl.model.values.raw_scalar import Bare

# What is of no use any more, and what keeps its references.
_GONE = ("include",)
_APART = ("outputs",)

# Scalars below these are texts as the file writes them, numbers too.
TEXTS = frozenset({"env", "metadata", "command", "labels", "driver_opts"})


def resolved(loaded: Loaded) -> dict[str, Any]:
    """The whole stack: mappings, lists, texts, and `Bare` for numbers, truth values and nothing."""
    document, merged = loaded.document, loaded.merged
    variables = {name: _variable(name, loaded) for name in merged.section("variables")}
    values: dict[str, Any] = {"name": loaded.stack.name}
    for key, node in document.values.items():
        if key == "variables":
            values[key] = variables
        elif key == "sandboxes":
            values[key] = {
                name: _sandbox(name, entry, loaded, variables) for name, entry in merged.section(key).items()
            }
        elif key == "secrets":
            values[key] = {name: _secret(source) for name, source in document.section(key).items()}
        elif key in _APART:
            values[key] = raw_value(merged.values[key])
        elif key not in _GONE:
            values[key] = value_of(node)
    return {**values, "variables": variables} if variables else values


def as_json(values: Any, *, texts: bool = False) -> Any:
    """`values` of `resolved` as JSON, which loads as the same stack; `texts` keeps numbers as they were written."""
    if isinstance(values, dict):
        return {key: as_json(value, texts=texts or key in TEXTS) for key, value in values.items()}
    if isinstance(values, list):
        return [as_json(value, texts=texts) for value in values]
    if isinstance(values, Bare):
        return values.text if texts else resolve(values.text)
    return values


def value_of(node: Node) -> Any:
    """A node in which all references are worked in; a `${` in its texts is a literal one."""
    if isinstance(node, Mapping):
        return {key: value_of(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [value_of(item) for item in node.items]
    if isinstance(node, MixedText):
        return "".join(_escape(part) if isinstance(part, str) else reference_text(part) for part in node.parts)
    if isinstance(node.value, str):
        return _escape(node.text)
    return None if node.value is None else Bare(node.text)


def raw_value(node: Node) -> Any:
    """A node as it was written."""
    if isinstance(node, Mapping):
        return {key: raw_value(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [raw_value(item) for item in node.items]
    if isinstance(node.value, str):
        return node.text
    return None if node.value is None else Bare(node.text)


def _escape(text: str) -> str:
    return text.replace(OPENING, "$" + OPENING)


def _variable(name: str, loaded: Loaded) -> Any:
    """A declaration with the value that the variable has now as its default; of a sensitive one, without any."""
    declared = loaded.merged.section("variables")[name]
    value = loaded.variables.get(name)
    own = raw_value(declared) if isinstance(declared, Mapping) else {}
    if is_sensitive(declared):
        return {key: part for key, part in own.items() if key != "default"}
    return own if value is None else {**own, "default": value_of(value)}


def _sandbox(name: str, entry: Node, loaded: Loaded, variables: dict[str, Any]) -> Any:
    group = loaded.groups.get(name)
    if group is None:
        # Made for each of something, which only its own references can tell apart, or inactive.
        pattern = loaded.patterns.get(name)
        if isinstance(pattern, Mapping):
            return _pattern(name, pattern, loaded, variables)
        woven = loaded.document.section("sandboxes").get(name, entry)
        values = _with_paths(woven, value_of(woven))
        if isinstance(woven, Mapping):
            without_literals(name, woven, reread_template(woven, loaded.root), values, variables)
        return values
    values = _with_template(group, group.node, _with_paths(group.node, value_of(group.node)))
    without_literals(name, group.node, group.file, values, variables)
    sandbox = _first(name, loaded.stack)
    if sandbox is None:
        return values
    for key, made in (("packages", _packages(sandbox.packages)), ("depends_on", _depends_on(sandbox, loaded.stack))):
        values.pop(key, None)
        if made:
            values[key] = made
    return values


def _pattern(name: str, pattern: Mapping, loaded: Loaded, variables: dict[str, Any]) -> Any:
    """What makes a sandbox for each of something."""
    values = _with_paths(pattern, value_of(pattern))
    made = loaded.document.section("sandboxes")

    def find(key: str) -> dict[str, Any]:
        node, group = made[f"{name}-{key}"], loaded.groups.get(f"{name}-{key}")
        own = _with_paths(node, value_of(node))
        return _with_template(group, node, own) if group else own

    group = next((group for group in loaded.groups.values() if group.key.text == name), None)
    if group:
        values = _with_template(group, pattern, values)
    file = group.file if group else reread_template(pattern, loaded.root)
    without_literals(name, pattern, file, values, variables)
    spread_paths(pattern, values, find)
    return values


def _with_template(group: Group, node: Node, values: dict[str, Any]) -> dict[str, Any]:
    """`values` with the path of a template of one's own, where `node` names it without a reference."""
    place = node.get("template") if isinstance(node, Mapping) else None
    if (
        group.file
        and not group.file.found.is_built_in
        and isinstance(place, Scalar)
        and not isinstance(place, MixedText)
    ):
        values["template"] = _escape(str(group.file.found.path))
    return values


def _first(group: str, stack: Stack) -> Sandbox | None:
    return next((sandbox for sandbox in stack.sandboxes.values() if sandbox.group == group), None)


def _packages(sets: tuple[PackageSet, ...]) -> dict[str, Any]:
    return {chosen.manager: _package_set(chosen) for chosen in sets}


def _package_set(chosen: PackageSet) -> Any:
    options = {key: Bare("true") if value is True else value for key, value in plain_options(chosen).items()}
    if chosen.lock_name:
        return {"from": f"{chosen.lock_folder}/{chosen.lock_name}", **options}
    listed = [package_text(chosen.manager, package) for package in chosen.packages]
    return {"packages": listed, **options} if options else listed


def _depends_on(sandbox: Sandbox, stack: Stack) -> dict[str, Any]:
    wanted = {dependency.sandbox: plain_dependency(dependency) for dependency in sandbox.depends_on}
    groups: dict[str, list[str]] = {}
    for name, other in stack.sandboxes.items():
        groups.setdefault(other.group, []).append(name)
    result: dict[str, Any] = {}
    for name, said in wanted.items():
        group = stack.sandboxes[name].group
        whole = all(wanted.get(other) == said for other in groups[group])
        result[group if whole else name] = {
            key: Bare(str(value).lower()) if isinstance(value, bool) else value for key, value in said.items()
        }
    return result


def _with_paths(node: Node, values: Any) -> Any:
    """`values` of the sandbox `node` with absolute paths."""
    if not isinstance(node, Mapping):
        return values
    for key, change in (("env_file", _path), ("template", _template), ("uploads", _upload), ("volumes", _mount)):
        if key in node.values:
            values[key] = _each(node.values[key], values[key], change)
    return values


def _each(node: Node, values: Any, change: Any) -> Any:
    if isinstance(node, Sequence):
        return [change(item, value) for item, value in zip(node.items, values, strict=True)]
    return change(node, values)


def _path(node: Node, value: Any) -> Any:
    if not isinstance(node, Scalar) or not isinstance(value, str) or value.startswith(OPENING):
        return value
    if isinstance(node, MixedText):
        return str(host_path(node, value))
    absolute = str(host_path(node))
    return _escape(absolute) if value == _escape(node.text) else absolute


def _secret(node: Node) -> Any:
    values = value_of(node)
    for key in ("file", "age"):
        values = _inner(node, values, key)
    return values


def _template(node: Node, value: Any) -> Any:
    if not isinstance(node, Scalar):
        return value
    if is_path(node.text):
        return _path(node, value)
    if isinstance(node, MixedText):
        return value
    found = find_template(node, node.source.folder, Problems())
    return value if found is None or found.is_built_in else _escape(str(found.path))


def _upload(node: Node, value: Any) -> Any:
    return _inner(node, value, "source")


def _mount(node: Node, value: Any) -> Any:
    if not isinstance(node, Scalar):
        return _inner(node, value, "bind")
    source, colon, rest = str(value).partition(":")
    if not source.startswith((".", "~")):
        return value
    if isinstance(node, MixedText):
        return str(host_path(node, source)) + colon + rest
    return _escape(str(host_path(node, node.text.partition(":")[0]))) + colon + rest


def _inner(node: Node, value: Any, key: str) -> Any:
    if isinstance(node, Mapping) and key in node.values:
        value[key] = _path(node.values[key], value[key])
    return value
