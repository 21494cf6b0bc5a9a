"""A document with every `${...}` in its place. Only loaded for files that have variables or references."""

from __future__ import annotations

from nexusctl.config.build.dependencies import Declarations
from nexusctl.config.build.outputs import ask
from nexusctl.config.build.sandbox import complete
from nexusctl.config.document.derived import measure, picked, rebuilt
from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.interpolate.env_stack_file import TextFiles, resolve_env, stack_scope
from nexusctl.config.interpolate.for_each import Instance, each_scope, keep, read_entries
from nexusctl.config.interpolate.interpolate import Interpolation, Namespace, Unresolved
from nexusctl.config.interpolate.misplaced_secrets import drop_stray
from nexusctl.config.interpolate.sandboxes import Listening, Siblings, read_listening
from nexusctl.config.interpolate.secrets import SecretScope
from nexusctl.config.interpolate.variables import Variables, gather
from nexusctl.config.read.yaml_parser import NODE_LIMIT
from nexusctl.config.templates.template import Templates
from nexusctl.model.load_request import Given

# What these sections hold is worked out by those who know them.
_APART = ("variables",)

# What says which sandboxes there are.
_MAKING = ("for_each", "replicas")

# What says where a sandbox listens.
_LISTENING = ("template", "with", "kind", "health", "ports")


def weave(
    document: Mapping, given: Given, templates: Templates, problems: Problems, instance: str = ""
) -> tuple[Mapping, Declarations]:
    """The merged `document` as the schema is to see it, and what is known of it then; for that `instance` of it.

    Wrong references are reported, and what holds them is dropped. What `for_each` makes stands in `sandboxes` as if it
    were written there, but with the group's name as the text of its key.
    """
    declared = document.get("variables")
    section = declared if isinstance(declared, Mapping) else Mapping(document.source, 1, 1)
    supplied = gather(given, section, problems)
    variables = Variables(section, supplied, lambda node: interpolation.tree(node), problems)  # noqa: PLW0108  (made below)
    name = _Name(document)
    namespaces: dict[str, Namespace] = {
        "env": resolve_env,
        "file": TextFiles().resolve,
        "stack": stack_scope(lambda: name.find(interpolation), instance),
        "var": variables.resolve,
    }
    secrets = SecretScope(document)
    namespaces |= secrets.namespaces
    interpolation = Interpolation(namespaces, problems, variables=section.keys)
    values = {name: value for name in section.keys if (value := variables.value(name)) is not None}
    known = Declarations({})
    woven: dict[str, Node | None] = {}
    for key, node in document.values.items():
        if key == "sandboxes" and isinstance(node, Mapping):
            woven[key], known = _weave_sandboxes(node, interpolation, templates, problems)
        elif key == "outputs":
            woven[key] = interpolation.tree(node, sandbox=ask)
        else:
            woven[key] = node if key in _APART else interpolation.tree(node)
    made = secrets.with_declarations(rebuilt(document, woven))
    if variables.sensitive:
        made = drop_stray(made, problems)
    return made, known._replace(
        values=values,
        sensitive=variables.sensitive,
        supplied={name: found for name, found in supplied.items() if found is not None},
    )


def _weave_sandboxes(
    section: Mapping, interpolation: Interpolation, templates: Templates, problems: Problems
) -> tuple[Mapping, Declarations]:
    made = picked(section, {})
    entries, patterns = [], {}
    for name, node in section.values.items():
        problems.sandbox = name
        if isinstance(node, Mapping):
            entries += _read(section.keys[name], node, interpolation, problems)
            if "for_each" in node.values and (pattern := interpolation.tree(node, each=keep, sandbox=keep)):
                patterns[name] = pattern
        else:
            made.keys[name], made.values[name] = section.keys[name], node
    siblings = Siblings(entries, section.keys, lambda entry: _listen(entry, siblings, interpolation, templates))
    for entry in entries:
        problems.sandbox = entry.key.text
        woven = interpolation.tree(entry.node, **each_scope(entry), **siblings.scope(entry))
        if entry.name in made.keys:
            first = note(f"`{made.keys[entry.name].text}` makes one too", made.keys[entry.name])
            problems.add(entry.key, f"two sandboxes would be called `{entry.name}`", "rename one of the two", first)
        elif woven is not None:
            made.keys[entry.name], made.values[entry.name] = entry.key, woven
    problems.sandbox = None
    return made, Declarations(siblings.places, siblings.references, patterns=patterns)


def _read(key: Scalar, node: Mapping, interpolation: Interpolation, problems: Problems) -> list[Instance]:
    """The entries that one sandbox of the file makes."""
    woven = {name: interpolation.tree(part) for name, part in node.values.items() if name in _MAKING}
    entries = read_entries(key, rebuilt(node, {**node.values, **woven}), problems)
    if len(entries) > 1 and measure(entries[0].node)[0] * len(entries) > NODE_LIMIT:
        problems.add(node.keys["for_each"], f"`for_each` makes more than {NODE_LIMIT:,} values", "split the stack")
        problems.raise_any()
    return entries


def _listen(
    entry: Instance, siblings: Siblings, interpolation: Interpolation, templates: Templates
) -> Listening | None:
    """Where `entry` listens; only what says something about that is looked at, which may refer to others again."""
    before = interpolation.failures
    parts = {key: node for key, node in entry.node.values.items() if key in _LISTENING}
    scopes = {**each_scope(entry), **siblings.scope(entry)}
    woven = rebuilt(picked(entry.node, parts), {key: interpolation.tree(node, **scopes) for key, node in parts.items()})
    return read_listening(complete(woven, templates)) if interpolation.failures == before else None


class _Name:
    """The stack's name, which may hold references itself."""

    def __init__(self, document: Mapping) -> None:
        self._node = document.get("name")
        self._open = False

    def find(self, interpolation: Interpolation) -> str | None:
        if self._open:
            raise Unresolved("the name of the stack cannot hold itself", "write the name, or a variable")
        self._open = True
        found = interpolation.tree(self._node) if self._node else None
        self._open = False
        return found.text if isinstance(found, Scalar) else None
