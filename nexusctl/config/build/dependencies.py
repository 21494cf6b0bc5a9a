"""What sandboxes say about each other: names, dependencies, host ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingType
from collections.abc import Sequence as SequenceType
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from nexusctl.config.build.networks.ports import refuse_port_clashes
from nexusctl.config.build.sandbox import Group
from nexusctl.config.document.derived import Supplied, point_into
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems, note
from nexusctl.errors import Note
from nexusctl.model.stack import Condition, Dependency, Sandbox
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.frozen import dataclass

if TYPE_CHECKING:
    from nexusctl.config.interpolate.sandboxes import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A dependency, as `scalar` says it; `condition` is None where the file leaves it open.

    `required` and `restart` are as in `Dependency`. `reference` is there where it comes of a `${sandbox...}`.
    """

    scalar: Scalar
    condition: Scalar | None = None
    required: bool = True
    restart: bool = False
    reference: Reference | None = None

    @property
    def place(self) -> Scalar:
        return point_into(self.scalar, self.reference.at) if self.reference else self.scalar


class AbsentSandbox(NamedTuple):
    """Why a sandbox that a file declares is not there: what follows its name in a message, what to do, and a place."""

    why: str
    hint: str
    place: Note


Edges = MappingType[str, MappingType[str, Edge]]
"""By who depends, then by what is depended on: a group, or one sandbox of it."""

Targets = MappingType[str, MappingType[str, tuple[str, ...]]]
"""What the name of a group or of a sandbox means: the entries that make it, each with the instances that are meant."""

CYCLES_SHOWN = 10
MOST_SANDBOXES = 10_000
MOST_DEPENDENCIES = 200_000


class Declarations(NamedTuple):
    """What is known of a stack before it is built.

    `declared` are all names of sandboxes in the file, wrong ones too, with their places. `references` are those from
    one sandbox to another, by the name of the entry that they stand in. `values` are those of variables, and those in
    `sensitive` are never written anywhere. `patterns` are the sandboxes with `for_each` by the names in the file, with
    no references but those to `each` and to other sandboxes. `supplied` are the values of variables from outside.
    """

    declared: MappingType[str, Scalar]
    references: MappingType[str, SequenceType[Reference]] = {}
    values: MappingType[str, Node] = {}
    sensitive: frozenset[str] = frozenset()
    patterns: MappingType[str, Node] = {}
    supplied: MappingType[str, Supplied] = {}


def connect(
    groups: MappingType[str, Group], known: Declarations, absent: MappingType[str, AbsentSandbox], problems: Problems
) -> dict[str, Sandbox]:
    """All instances by name, with their dependencies."""
    targets = _targets(groups)
    edges = {name: _edges(group, targets, known, absent, problems) for name, group in groups.items()}
    _refuse_cycles(edges, targets, problems)
    _refuse_too_many(groups, edges, targets, problems)
    sandboxes: dict[str, Sandbox] = {}
    makers: dict[str, Group] = {}
    for name, group in groups.items():
        problems.sandbox = group.key.text
        dependencies = _dependencies(name, edges[name], targets, groups, problems)
        for instance in _instances(group):
            if instance in sandboxes:
                _refuse_name(instance, group, makers[instance], problems)
            same = instance == name and not dependencies
            sandbox = group.sandbox if same else replace(group.sandbox, name=instance, depends_on=dependencies)
            sandboxes[instance] = sandbox
            makers[instance] = group
    problems.sandbox = None
    placed = [(name, port, place) for name, group in makers.items() for port, place in group.ports]
    refuse_port_clashes(placed, problems)
    _refuse_nested_binds(groups, problems)
    _refuse_shadowing(groups, problems)
    return sandboxes


def _refuse_shadowing(groups: MappingType[str, Group], problems: Problems) -> None:
    """A sandbox finds itself under its host name, and under what that has before its first dot, and nobody else."""
    for name, group in groups.items():
        hostname = (group.sandbox.hostname or "").lower()
        own = {hostname, hostname.partition(".")[0]} - {""}
        near = {other: around for other, around in groups.items() if own and around.key.text != group.key.text}
        for other, around in near.items():
            if hidden := sorted(own & set(_names_within(around, group.sandbox.networks))):
                place = group.node.values["hostname"]
                summary = f"`{name}` would find itself as `{hidden[0]}`, which is how it finds `{other}`"
                problems.sandbox = group.key.text
                problems.add(place, summary, "choose another `hostname`", note("that one is here", around.key))
                break
    problems.sandbox = None


def _names_within(group: Group, networks: Iterable[str]) -> Iterator[str]:
    """Under which names others find the sandboxes of `group` in those of its networks that are among `networks`."""
    shared = [network for network in group.sandbox.networks if network in networks]
    names = (group.key.text, *_instances(group)) if shared else ()
    for name in (*names, *(alias for network in shared for alias in group.sandbox.aliases.get(network, ()))):
        yield name.lower()


def plain_dependency(dependency: Dependency) -> dict[str, Any]:
    """What a stack file says of `dependency` under its name."""
    said: dict[str, Any] = {"condition": dependency.condition}
    said |= {} if dependency.required else {"required": False}
    return said | ({"restart": True} if dependency.restart else {})


def _refuse_nested_binds(groups: MappingType[str, Group], problems: Problems) -> None:
    found = [(name, m) for name, group in groups.items() for m in group.sandbox.mounts if m.kind == "bind"]
    if len(found) > 1:
        # Most stacks mount no folders.
        from nexusctl.config.build.mounts.mounts import mount_place  # noqa: PLC0415 - deferred: start-up time
        from nexusctl.config.build.mounts.nested_binds import refuse_nested_binds  # noqa: PLC0415 - deferred: start-up time

        placed = [(name, mount, mount_place(groups[name].node, mount.target)) for name, mount in found]
        refuse_nested_binds(placed, problems)


def _targets(groups: MappingType[str, Group]) -> Targets:
    targets: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, group in groups.items():
        targets.setdefault(group.key.text, {})[name] = _instances(group)
    for name, group in groups.items():
        for instance in _instances(group):
            targets.setdefault(instance, {name: (instance,)})
    return targets


def _refuse_too_many(groups: MappingType[str, Group], edges: Edges, targets: Targets, problems: Problems) -> None:
    """Stop before a few lines with large `replicas` fill the memory."""
    sandboxes = sum(len(_instances(group)) for group in groups.values())
    wanted = [target for own in edges.values() for target in own]
    dependencies = sum(len(instances) for target in wanted for instances in targets.get(target, {}).values())
    if sandboxes <= MOST_SANDBOXES and dependencies <= MOST_DEPENDENCIES:
        return
    largest = max(groups.values(), key=lambda group: group.replicas or 0)
    what = f"{MOST_SANDBOXES:,} sandboxes" if sandboxes > MOST_SANDBOXES else f"{MOST_DEPENDENCIES:,} dependencies"
    problems.add(largest.key, f"the stack has more than {what}", "lower `replicas`, or split the stack")
    problems.raise_any()


def _instances(group: Group) -> tuple[str, ...]:
    if group.replicas is None:
        return (group.name,)
    return tuple(f"{group.name}-{number}" for number in range(1, group.replicas + 1))


def _refuse_name(instance: str, group: Group, other: Group, problems: Problems) -> None:
    hint = "rename one of the two"
    first = note(f"`{other.key.text}` makes one too", other.key)
    problems.add(group.key, f"two sandboxes would be called `{instance}`", hint, first)


def _edges(
    group: Group, targets: Targets, known: Declarations, absent: MappingType[str, AbsentSandbox], problems: Problems
) -> dict[str, Edge]:
    """What `group` depends on; names that do not exist are reported."""
    own = {group.key.text, group.name, *_instances(group)}
    problems.sandbox = group.key.text
    edges: dict[str, Edge] = {}
    for edge in _written(group):
        target, place = edge.scalar.text, edge.scalar
        if target in own:
            problems.add(place, f"`{target}` depends on itself: {target} -> {target}", "remove it here")
        elif target in absent:
            if edge.required:
                _refuse_absent(group, target, edge, absent[target], problems)
        elif target not in targets and target not in known.declared:
            others = [other for other in known.declared if other not in own]
            problems.add(place, f"there is no sandbox `{target}`", suggest(target, others, "sandboxes"))
        elif target in edges:
            problems.add(place, f"`{target}` is named twice", "keep one of the two")
        else:
            edges[target] = edge
    for reference in known.references.get(group.name, ()):
        target, edge = reference.target, Edge(scalar=reference.scalar, reference=reference)
        if target in absent:
            _refuse_absent(group, target, edge, absent[target], problems)
        elif target not in own:
            # Whoever writes down a name of its own waits for nobody.
            edges.setdefault(target, edge)
    problems.sandbox = None
    return edges


def _refuse_absent(group: Group, target: str, edge: Edge, absent: AbsentSandbox, problems: Problems) -> None:
    problems.add(
        edge.place, f"`{group.key.text}` {_verb(edge)} `{target}`, which {absent.why}", absent.hint, absent.place
    )


def _written(group: Group) -> list[Edge]:
    node = group.node.get("depends_on")
    if isinstance(node, Sequence):
        return [Edge(scalar=item) for item in node.items if isinstance(item, Scalar)]
    if not isinstance(node, Mapping):
        return []
    return [_edge(node.keys[name], value) for name, value in node.values.items() if isinstance(value, Mapping)]


def _edge(key: Scalar, said: Mapping) -> Edge:
    condition = said.get("condition")
    return Edge(
        scalar=key,
        condition=condition if isinstance(condition, Scalar) else None,
        required=(said.text("required") or "").lower() != "false",
        restart=(said.text("restart") or "").lower() == "true",
    )


def _refuse_cycles(edges: Edges, targets: Targets, problems: Problems) -> None:
    """Report each cycle with its whole path; one of its edges is then left out, so that the next one shows."""
    places = {name: _places(name, own, targets) for name, own in edges.items()}
    graph = {name: list(own) for name, own in places.items()}
    for _ in range(CYCLES_SHOWN):
        path = _cycle(graph)
        if not path:
            break
        steps = [(one, other, places[one][other]) for one, other in pairwise(path)]
        first = min(range(len(steps)), key=lambda at: (steps[at][2].place.line, steps[at][2].place.column))
        steps = steps[first:] + steps[:first]
        one, other, edge = steps[0]
        shown = " -> ".join([step[0] for step in steps] + [one])
        notes = [note(f"`{one}` {_verb(edge)} `{other}`", edge.place) for one, other, edge in steps[1:]]
        hint = "remove one of these dependencies"
        if any(step[2].reference for step in steps):
            hint += "; a name that is written out, such as `http://api:3000`, makes none"
        problems.sandbox = one
        problems.add(edge.place, f"these depend on each other: {shown}", hint, *notes)
        graph[one].remove(other)
    problems.sandbox = None


def _places(name: str, own: MappingType[str, Edge], targets: Targets) -> dict[str, Edge]:
    """The edges of `name` by the entries that they lead to."""
    places: dict[str, Edge] = {}
    for target, edge in own.items():
        for entry in targets.get(target, ()):
            if entry != name:
                places.setdefault(entry, edge)
    return places


def _verb(edge: Edge) -> str:
    return "refers to" if edge.reference else "depends on"


def _cycle(graph: MappingType[str, list[str]]) -> list[str]:
    """The names along a cycle, each before what it depends on and the first again at the end; empty without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        return path[::-1]
    return []


def _dependencies(
    own: str,
    edges: MappingType[str, Edge],
    targets: Targets,
    groups: MappingType[str, Group],
    problems: Problems,
) -> tuple[Dependency, ...]:
    dependencies: dict[str, Dependency] = {}
    for target, edge in edges.items():
        for entry, instances in targets.get(target, {}).items():
            if entry == own:
                continue
            condition = _condition(edge, groups[entry], problems)
            _refuse_resting(groups[own], groups[entry], edge, problems)
            for instance in instances:
                dependencies.setdefault(
                    instance,
                    Dependency(sandbox=instance, condition=condition, required=edge.required, restart=edge.restart),
                )
    return tuple(dependencies.values())


def _refuse_resting(own: Group, target: Group, edge: Edge, problems: Problems) -> None:
    """What runs, if only to be paused then, needs what it depends on to run, too."""
    needs = {"running": ("stopped", "paused"), "paused": ("stopped",), "stopped": ()}[own.sandbox.state]
    if target.sandbox.state in needs:
        name, state = own.key.text, target.sandbox.state
        hint = f"write `state: {state}` for `{name}` as well, or remove what makes it depend on that"
        problems.add(edge.place, f"`{name}` {_verb(edge)} `{target.key.text}`, which is to be {state}", hint)


def _condition(edge: Edge, target: Group, problems: Problems) -> Condition:
    name, written = target.key.text, edge.condition
    if written is None:
        return _natural(target)
    if written.text == "completed" and target.sandbox.kind == "service" and "kind" not in target.node.dropped:
        hint = f"write `started` or `healthy`, or give `{name}` the `kind: task`"
        problems.add(written, f"`{name}` is a service, which never completes", hint)
    if written.text == "healthy" and not _may_have_probe(target):
        other = "completed" if target.sandbox.kind == "task" else "started"
        hint = f"give `{name}` a `health` probe, or write `condition: {other}`"
        problems.add(written, f"`{name}` has no health probe, so it never becomes healthy", hint)
    return written.text  # type: ignore[return-value]


def _natural(target: Group) -> Condition:
    """What a dependent means that names only the dependency."""
    if target.sandbox.kind == "task":
        return "completed"
    return "healthy" if target.sandbox.health else "started"


def _may_have_probe(target: Group) -> bool:
    """Whether there is a probe in the file, or may be one in an image that only the engine knows."""
    if target.sandbox.health or not target.node.lacks("health"):
        return target.sandbox.health is not None or "health" in target.node.dropped
    return target.file is None or target.sandbox.image != target.file.template.image
