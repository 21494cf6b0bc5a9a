"""One deterministic order of steps in which every step comes after those that it needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from heapq import heapify, heappop, heappush

from nexusctl.model.plan.plan import Step


def order_steps(steps: Iterable[Step], wishes: Mapping[str, frozenset[str]] | None = None) -> tuple[Step, ...]:
    """`steps` in topological order, ties broken by id; their needs are sorted, and those that name no step left out.

    `wishes` are further needs, by the id of the step that has them, which are given up where they make a circle.
    """
    known = {step.id: step for step in steps}
    by_id = _tidy(known, wishes or {})
    order = sort_nodes({step_id: step.needs for step_id, step in by_id.items()})
    if wishes and len(order) != len(by_id):
        return order_steps(known.values())
    assert len(order) == len(by_id), "steps that wait for each other"
    return tuple(by_id[step_id] for step_id in order)


def _tidy(known: Mapping[str, Step], wishes: Mapping[str, frozenset[str]]) -> dict[str, Step]:
    nothing: frozenset[str] = frozenset()
    return {
        step_id: replace(
            step,
            needs=tuple(sorted({*step.needs, *wishes.get(step_id, nothing)} & known.keys())),
            dispensable=tuple(sorted({*step.dispensable} & known.keys())),
        )
        for step_id, step in known.items()
    }


def acyclic(edges: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """`edges` without those inside a cycle.

    Records are written one by one, so an interrupted apply can leave two that name each other as dependency.
    """
    if len(sort_nodes(edges)) == len(edges):
        return dict(edges)
    # Importing it takes longer than a plan, and cycles are rare.
    import networkx as nx  # noqa: PLC0415 - deferred: start-up time

    graph: nx.DiGraph[str] = nx.DiGraph((tail, head) for tail, heads in edges.items() for head in heads)
    component = {node: number for number, nodes in enumerate(nx.strongly_connected_components(graph)) for node in nodes}
    return {
        tail: frozenset(head for head in heads if component[head] != component[tail]) for tail, heads in edges.items()
    }


def sort_nodes(needs: Mapping[str, Collection[str]]) -> list[str]:
    """The nodes, each after all that it needs, the first by name whenever several could be next.

    Those in a cycle, and what needs one of them, are left out. Every need is a node, too.
    """
    missing = {node: len(own) for node, own in needs.items()}
    dependents: dict[str, list[str]] = {}
    for node, own in needs.items():
        for need in own:
            dependents.setdefault(need, []).append(node)
    ready = [node for node, count in missing.items() if not count]
    heapify(ready)
    order = []
    while ready:
        node = heappop(ready)
        order.append(node)
        for dependent in dependents.get(node, ()):
            missing[dependent] -= 1
            if not missing[dependent]:
                heappush(ready, dependent)
    return order
