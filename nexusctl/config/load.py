"""From a file to a `Stack`, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import replace
from pathlib import Path

from nexusctl.config.build.dependencies import AbsentSandbox, Declarations, connect
from nexusctl.config.build.files.digests import Digests
from nexusctl.config.build.limits import build_resources
from nexusctl.config.build.networks.networks_and_volumes import declare_networks, declare_volumes, mark_shared
from nexusctl.config.build.networks.ports import refuse_unpublished
from nexusctl.config.build.sandbox import Group, LoadContext, build_group
from nexusctl.config.build.secrets import build_secrets
from nexusctl.config.document.declared import Declared
from nexusctl.config.document.derived import Supplied
from nexusctl.config.document.node import Mapping, Node
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.read.dotenv import EnvFiles
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose
from nexusctl.config.schema.files import STACK
from nexusctl.config.settings import load_defaults
from nexusctl.config.templates.builtin import template_names
from nexusctl.config.templates.template import Templates, load_template
from nexusctl.config.trust.project_folder import around, inside
from nexusctl.config.validate.validate import validate
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.instance import join_name
from nexusctl.model.load_request import NOTHING, Inputs
from nexusctl.model.output import Output
from nexusctl.model.stack import Move, Port, Sandbox, Stack
from nexusctl.model.trust import OURS, Trust
from nexusctl.model.values.frozen import dataclass

__all__ = [
    "Loaded",
    "load",
    "load_readable",
    "load_template",
    "load_whole",
    "load_whole_readable",
    "pin",
    "template_names",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A stack, and all that it was made of.

    `layers` are the documents of the files, each laid over the ones before it; `merged` is what comes of them, and
    `document` is that with its references in their places. `groups` are the sandboxes of it that are in, and
    `variables` are the values of those that the files declare, `supplied` those among them that come
    from outside. `patterns` are the sandboxes with `for_each`, with no
    references but those that differ between what they make. `root` is the folder of the first file.
    """

    stack: Stack
    layers: tuple[Mapping, ...]
    merged: Mapping
    document: Mapping
    groups: MappingType[str, Group]
    variables: MappingType[str, Node]
    supplied: MappingType[str, Supplied]
    patterns: MappingType[str, Node]
    root: Path


def load(inputs: Inputs | Path, digests: Digests | None = None) -> Stack:
    """The stack in a file, or in several, each laid over the ones before it (`read/merge.py` says how).

    Relative paths start from the folder of the file that they stand in.
    Raises `InputError` with all problems, in the order of their lines. Reads the files, the templates and env files
    that they name, and the content of uploads that `digests` does not know; touches nothing.
    """
    inputs = inputs if isinstance(inputs, Inputs) else Inputs(files=(inputs,))
    stack = load_whole(inputs, digests).stack
    return pin(stack, inputs.lock, inputs.trust) if inputs.lock else stack


def load_whole(inputs: Inputs, digests: Digests | None = None) -> Loaded:
    """The same, with all that the stack was made of."""
    problems = Problems()
    loaded = _load(inputs, problems, digests)
    problems.raise_any()
    return loaded


def load_readable(inputs: Inputs, digests: Digests | None = None) -> tuple[Stack, tuple[Diagnostic, ...]]:
    """The stack as far as it can be known, and what is wrong with the rest.

    Raises `InputError` with all problems of files that cannot be read, or do not say what the stack is called.
    """
    loaded, problems = load_whole_readable(inputs, digests)
    return loaded.stack, problems


def load_whole_readable(inputs: Inputs, digests: Digests | None = None) -> tuple[Loaded, tuple[Diagnostic, ...]]:
    """The same, with all that the stack was made of."""
    problems = Problems()
    loaded = _load(inputs, problems, digests, lenient=True)
    return loaded, problems.list_all()


def _load(inputs: Inputs, problems: Problems, digests: Digests | None = None, *, lenient: bool = False) -> Loaded:
    """All that can be loaded; what is wrong is reported.

    Raises `InputError` where a file cannot be read at all, and with `lenient` where one is wrong and has not one name.
    """
    root = inputs.files[0].absolute().parent
    templates = Templates(problems, root)
    layers = _read(inputs, templates, problems)
    merged = _merge(layers, problems)
    document, known = _refer(merged, layers, inputs, templates, problems)
    conforming = validate(document, STACK, problems)
    if lenient and (not conforming.text("name") or _says_twice("name", layers)):
        problems.raise_any()
    stack, groups = build(conforming, document, known, inputs, templates, problems, digests)
    return Loaded(
        stack=stack,
        layers=tuple(layers),
        merged=merged,
        document=document,
        groups=groups,
        variables=known.values,
        supplied=known.supplied,
        patterns=known.patterns,
        root=root,
    )


def _says_twice(key: str, layers: list[Mapping]) -> bool:
    return any(again.text == key for layer in layers for again, _ in layer.source.repeated)


def pin(stack: Stack, lock: Path, trust: Trust = OURS) -> Stack:
    """`stack` with what its lock file fixes. Raises `InputError` where the two do not fit."""
    # Most loads use no lock file.
    from nexusctl.config.lockfile import pin_stack, read_lock  # noqa: PLC0415 - deferred: start-up time

    return pin_stack(stack, read_lock(lock, trust), lock)


def _read(inputs: Inputs, templates: Templates, problems: Problems) -> list[Mapping]:
    """The documents of all files, those that are included too, the lowest first."""
    documents = _compose_all(inputs, problems)
    whole = len(documents) == len(inputs.files)
    if whole and (len(documents) > 1 or documents[0].values.keys() & {"include", "+include"}):
        # Most stacks are one file.
        from nexusctl.config.read.include import with_included  # noqa: PLC0415 - deferred: start-up time

        documents, whole = with_included(documents, problems)
    if not whole:
        if documents:
            # Most stacks are whole.
            from nexusctl.config.partial_check import check_readable  # noqa: PLC0415 - deferred: start-up time

            check_readable(_merge(documents, problems), inputs, templates, problems)
        problems.raise_any()
    return documents


def _compose_all(inputs: Inputs, problems: Problems) -> list[Mapping]:
    """The documents of those files that can be read; what is wrong with the others is reported."""
    sources, documents = [], []
    for path in inputs.files:
        trust = around(inputs.trust, path)
        try:
            sources.append(read_source(path, within=inside(trust), trust=trust, data=inputs.texts.get(path)))
        except InputError as error:
            problems.extend(error.diagnostics)
    for source in sources:
        # Each may say what is sensitive in the others.
        problems.know(source)
    for source in sources:
        try:
            documents.append(compose(source, problems))
        except InputError as error:
            problems.extend(error.diagnostics)
    return documents


def _refer(
    merged: Mapping, layers: list[Mapping], inputs: Inputs, templates: Templates, problems: Problems
) -> tuple[Mapping, Declarations]:
    """The document with its references in their places, and what is known of it then."""
    section = merged.get("sandboxes")
    entries = section.values if isinstance(section, Mapping) else {}
    refers = any(layer.source.refers for layer in layers) or inputs.given is not NOTHING
    several = any("for_each" in entry.values for entry in entries.values() if isinstance(entry, Mapping))
    if not (refers or several or "variables" in merged.keys):
        return merged, Declarations(section.keys if isinstance(section, Mapping) else {})
    # Most files need nothing of it.
    from nexusctl.config.resolve import weave  # noqa: PLC0415 - deferred: start-up time

    return weave(merged, inputs.given, templates, problems, inputs.instance)


def _merge(documents: list[Mapping], problems: Problems) -> Mapping:
    if len(documents) == 1 and "+" not in documents[0].source.text:
        return documents[0]
    # Most stacks are one file, with nothing to merge.
    from nexusctl.config.read.merge import merge_all  # noqa: PLC0415 - deferred: start-up time

    return merge_all(documents, problems)


def build(
    conforming: Mapping,
    document: Mapping,
    known: Declarations,
    inputs: Inputs,
    templates: Templates,
    problems: Problems,
    digests: Digests | None = None,
) -> tuple[Stack, MappingType[str, Group]]:
    """The stack that the parts which conform to the schema make; `document` also has the names of the others."""
    around = LoadContext(
        volumes=Declared(document, "volumes"),
        networks=Declared(document, "networks"),
        templates=templates,
        digests=digests or Digests(),
        env_files=EnvFiles(),
        secrets=build_secrets(conforming, problems),
        declared_secrets=Declared(document, "secrets"),
        problems=problems,
        defaults=_defaults(conforming, problems),
        settings=load_defaults(inputs.settings, problems),
    )
    if inputs.trust.untrusted:
        # Only what comes from a stranger needs it.
        from nexusctl.config.build.untrusted import refuse_in_stack  # noqa: PLC0415 - deferred: start-up time

        refuse_in_stack(conforming, problems)
    section = conforming.get("sandboxes")
    entries = section if isinstance(section, Mapping) else Mapping(conforming.source, 1, 1)
    absent = _find_absent(entries, document, inputs, problems)
    groups = {
        name: build_group(name, entries.keys[name], own, around)
        for name, own in entries.values.items()
        if isinstance(own, Mapping) and name not in absent
    }
    for name in absent.keys() & entries.keys.keys():
        # Most stacks have no profiles.
        from nexusctl.config.build.profiles import check_inactive  # noqa: PLC0415 - deferred: start-up time

        own = entries.values[name]
        if isinstance(own, Mapping):
            check_inactive(own, entries.keys[name], {*known.declared, *_names(entries), *absent}, around)
    sandboxes = connect(groups, known, absent, problems)
    if problems and known.patterns:
        # Most stacks are right.
        from nexusctl.config.templates.sensitive_arguments import clear_each  # noqa: PLC0415 - deferred: start-up time

        clear_each(known.patterns, {group.key.text: group.file for group in reversed(groups.values())})
    networks, volumes = declare_networks(conforming, problems), declare_volumes(conforming, problems)
    marked = mark_shared(sandboxes, networks, volumes)
    stack = Stack(
        name=join_name(conforming.text("name") or "", inputs.instance),
        sandboxes=_free_ports(marked) if inputs.instance else marked,
        freed_ports=_list_fixed(marked) if inputs.instance else {},
        networks=networks,
        volumes=volumes,
        templates=templates.used,
        inactive=tuple(sorted(absent.keys() & _names(entries))),
        outputs=_outputs(conforming, sandboxes, known, around) if "outputs" in conforming.values else {},
        moved=_moved(conforming, sandboxes, known, problems) if "moved" in conforming.values else (),
        secrets=around.secrets,
        sensitive=known.sensitive,
        branch=inputs.branch,
        declared=True,
    )
    for group in groups.values():
        if group.ports:
            templates_own = {layer.source for layer in group.file.layers} if group.file else set()
            places = [place for _, place in group.ports if place.source not in templates_own]
            refuse_unpublished(group.sandbox, stack.networks, places, problems)
    return stack, groups


def _free_ports(sandboxes: MappingType[str, Sandbox]) -> MappingType[str, Sandbox]:
    """Each port of this machine that the file names is one for all instances: each gets a free one instead."""
    return {
        name: replace(sandbox, ports=tuple(dict.fromkeys(replace(port, host=None) for port in sandbox.ports)))
        for name, sandbox in sandboxes.items()
    }


def _list_fixed(sandboxes: MappingType[str, Sandbox]) -> MappingType[str, tuple[Port, ...]]:
    fixed = {name: tuple(port for port in sandbox.ports if port.host) for name, sandbox in sandboxes.items()}
    return {name: ports for name, ports in fixed.items() if ports}


def _defaults(conforming: Mapping, problems: Problems) -> Mapping | None:
    found = conforming.get("defaults")
    if not isinstance(found, Mapping):
        return None
    # They are wrong also where no sandbox takes them.
    build_resources(found, problems)
    return found


def _outputs(
    conforming: Mapping, sandboxes: MappingType[str, Sandbox], known: Declarations, around: LoadContext
) -> MappingType[str, Output]:
    # Only loaded for stacks that have some.
    from nexusctl.config.build.outputs import build_outputs  # noqa: PLC0415 - deferred: start-up time

    return build_outputs(conforming.section("outputs"), sandboxes, known, around)


def _moved(
    conforming: Mapping, sandboxes: MappingType[str, Sandbox], known: Declarations, problems: Problems
) -> tuple[Move, ...]:
    # Few stacks have some.
    from nexusctl.config.build.moved import build_moves  # noqa: PLC0415 - deferred: start-up time

    return build_moves(conforming.get("moved"), sandboxes, known, problems)


def _find_absent(
    entries: Mapping, document: Mapping, inputs: Inputs, problems: Problems
) -> MappingType[str, AbsentSandbox]:
    """The sandboxes that a file declares and that are not there, with the reasons."""
    section = document.get("sandboxes")
    deleted = section.deleted.items() if isinstance(section, Mapping) else ()
    absent = {
        name: AbsentSandbox("is deleted", "delete the dependency too, or keep both", note("it is deleted here", place))
        for name, place in deleted
    }
    if inputs.profiles or any(isinstance(own, Mapping) and "profiles" in own.values for own in entries.values.values()):
        # Most stacks have no profiles.
        from nexusctl.config.build.profiles import find_inactive  # noqa: PLC0415 - deferred: start-up time

        absent |= find_inactive(entries, inputs, problems)
    if not absent:
        return absent
    members: dict[str, list[str]] = {}
    for name, key in entries.keys.items():
        members.setdefault(key.text, []).append(name)
    whole = {group: absent[names[0]] for group, names in members.items() if all(name in absent for name in names)}
    return absent | whole


def _names(entries: Mapping) -> set[str]:
    """The names of all sandboxes and of their groups."""
    return {*entries.keys, *(key.text for key in entries.keys.values())}
