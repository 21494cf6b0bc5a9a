"""What sandboxes say about each other: names, dependencies, host ports."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from nexusctl.config.node import Mapping, Scalar, Sequence
from nexusctl.config.ports import refuse_port_clashes
from nexusctl.config.problems import Problems, note
from nexusctl.config.sandbox import Group
from nexusctl.config.suggestion import suggest
from nexusctl.errors import Note
from nexusctl.model.stack import Condition, Dependency, Sandbox


@dataclass(frozen=True, slots=True)
class Edge:
    """A dependency on a group, as written at `place`; `condition` is None where the file leaves it open."""

    place: Scalar
    condition: Scalar | None = None


class Absent(NamedTuple):
    """Why a sandbox that a file declares is not there: what follows its name in a message, what to do, and a place."""

    why: str
    hint: str
    place: Note


Edges = MappingType[str, MappingType[str, Edge]]

CYCLES_SHOWN = 10
MOST_SANDBOXES = 10_000
MOST_DEPENDENCIES = 200_000


def connect(
    groups: MappingType[str, Group], declared: Collection[str], absent: MappingType[str, Absent], problems: Problems
) -> dict[str, Sandbox]:
    """All instances by name, with their dependencies; `declared` also has the names of wrong sandboxes."""
    edges = {name: _edges(group, declared, absent, problems) for name, group in groups.items()}
    _refuse_cycles(edges, problems)
    _refuse_too_many(groups, edges, problems)
    sandboxes: dict[str, Sandbox] = {}
    makers: dict[str, Group] = {}
    for name, group in groups.items():
        problems.sandbox = name
        dependencies = _dependencies(edges[name], groups, problems)
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
    return sandboxes


def _refuse_too_many(groups: MappingType[str, Group], edges: Edges, problems: Problems) -> None:
    """Stop before a few lines with large `replicas` fill the memory."""
    counts = {name: 1 if group.replicas is None else group.replicas for name, group in groups.items()}
    sandboxes = sum(counts.values())
    dependencies = sum(counts.get(target, 0) for targets in edges.values() for target in targets)
    if sandboxes <= MOST_SANDBOXES and dependencies <= MOST_DEPENDENCIES:
        return
    largest = max(groups.values(), key=lambda group: group.replicas or 0)
    what = f"{MOST_SANDBOXES:,} sandboxes" if sandboxes > MOST_SANDBOXES else f"{MOST_DEPENDENCIES:,} dependencies"
    problems.add(largest.key, f"the stack has more than {what}", "lower `replicas`, or split the stack")
    problems.raise_any()


def _instances(group: Group) -> list[str]:
    name = group.key.text
    return [name] if group.replicas is None else [f"{name}-{number}" for number in range(1, group.replicas + 1)]


def _refuse_name(instance: str, group: Group, other: Group, problems: Problems) -> None:
    hint = "rename one of the two"
    first = note(f"`{other.key.text}` makes one too", other.key)
    problems.add(group.key, f"two sandboxes would be called `{instance}`", hint, first)


def _edges(
    group: Group, declared: Collection[str], absent: MappingType[str, Absent], problems: Problems
) -> dict[str, Edge]:
    """The groups that `group` depends on; names that do not exist are reported."""
    name = group.key.text
    problems.sandbox = name
    edges: dict[str, Edge] = {}
    for edge in _written(group):
        target, place = edge.place.text, edge.place
        if target == name:
            problems.add(place, f"`{name}` depends on itself: {name} -> {name}", "remove it here")
        elif target in absent:
            why, hint, where = absent[target]
            problems.add(place, f"`{name}` depends on `{target}`, which {why}", hint, where)
        elif target not in declared:
            others = [other for other in declared if other != name]
            problems.add(place, f"there is no sandbox `{target}`", suggest(target, others, "sandboxes"))
        elif target in edges:
            problems.add(place, f"`{target}` is named twice", "keep one of the two")
        else:
            edges[target] = edge
    problems.sandbox = None
    return edges


def _written(group: Group) -> list[Edge]:
    node = group.node.get("depends_on")
    if isinstance(node, Sequence):
        return [Edge(item) for item in node.items if isinstance(item, Scalar)]
    if not isinstance(node, Mapping):
        return []
    conditions = {name: value.get("condition") for name, value in node.values.items() if isinstance(value, Mapping)}
    return [Edge(node.keys[name], value if isinstance(value, Scalar) else None) for name, value in conditions.items()]


def _refuse_cycles(edges: Edges, problems: Problems) -> None:
    """Report each cycle with its whole path; one of its edges is then left out, so that the next one shows."""
    graph = {name: list(targets) for name, targets in edges.items()}
    for _ in range(CYCLES_SHOWN):
        path = _cycle(graph)
        if not path:
            break
        steps = [(one, other, edges[one][other].place) for one, other in pairwise(path)]
        first = min(range(len(steps)), key=lambda at: (steps[at][2].line, steps[at][2].column))
        steps = steps[first:] + steps[:first]
        one, other, place = steps[0]
        shown = " -> ".join([step[0] for step in steps] + [one])
        notes = [note(f"`{step[0]}` depends on `{step[1]}`", step[2]) for step in steps[1:]]
        problems.sandbox = one
        problems.add(place, f"these depend on each other: {shown}", "remove one of these dependencies", *notes)
        graph[one].remove(other)
    problems.sandbox = None


def _cycle(graph: MappingType[str, list[str]]) -> list[str]:
    """The names along a cycle, each before what it depends on and the first again at the end; empty without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        return path[::-1]
    return []


def _dependencies(
    edges: MappingType[str, Edge], groups: MappingType[str, Group], problems: Problems
) -> tuple[Dependency, ...]:
    dependencies: list[Dependency] = []
    for name, edge in edges.items():
        target = groups.get(name)
        if target is None:
            continue
        condition = _condition(edge, target, problems)
        dependencies += [Dependency(sandbox=instance, condition=condition) for instance in _instances(target)]
    return tuple(dependencies)


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
