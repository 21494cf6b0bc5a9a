"""One deterministic order of steps in which every step comes after those that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nexusctl.model.plan import Step


def order_steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    """`steps` in topological order, ties broken by id; their needs are sorted, and those that name no step left out."""
    known = {step.id: step for step in steps}
    by_id = {
        step_id: replace(step, needs=tuple(sorted(known.keys() & set(step.needs)))) for step_id, step in known.items()
    }
    if not by_id:
        return ()
    # Importing networkx takes longer than a whole plan that has no step.
    import networkx as nx  # noqa: PLC0415

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(by_id)
    graph.add_edges_from((need, step.id) for step in by_id.values() for need in step.needs)
    return tuple(by_id[step_id] for step_id in nx.lexicographical_topological_sort(graph))


def acyclic(edges: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """`edges` without those inside a cycle.

    Records are written one by one, so an interrupted apply can leave two that name each other as dependency.
    """
    if not any(edges.values()):
        return dict(edges)
    import networkx as nx  # noqa: PLC0415

    graph: nx.DiGraph[str] = nx.DiGraph((tail, head) for tail, heads in edges.items() for head in heads)
    component = {node: number for number, nodes in enumerate(nx.strongly_connected_components(graph)) for node in nodes}
    return {
        tail: frozenset(head for head in heads if component[head] != component[tail]) for tail, heads in edges.items()
    }
