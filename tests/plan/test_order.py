from __future__ import annotations

from nexusctl.model.plan.plan import Step
from nexusctl.plan.steps.order import acyclic, order_steps


def test_a_step_comes_after_its_needs_and_else_by_its_id() -> None:
    steps = [
        Step(id="c", subject="", needs=("z",)),
        Step(id="b", subject=""),
        Step(id="z", subject="", needs=("b",)),
        Step(id="a", subject="", needs=("c", "nothing-of-the-kind")),
        Step(id="d", subject=""),
    ]
    ordered = order_steps(steps)
    assert [step.id for step in ordered] == ["b", "d", "z", "c", "a"]
    assert ordered[-1].needs == ("c",)


def test_only_edges_inside_a_cycle_are_left_out() -> None:
    edges = {"a": frozenset({"b"}), "b": frozenset({"a", "c"}), "c": frozenset(), "d": frozenset({"a"})}
    assert acyclic(edges) == {**edges, "a": frozenset(), "b": frozenset({"c"})}
    assert acyclic({"a": frozenset({"b"}), "b": frozenset()}) == {"a": frozenset({"b"}), "b": frozenset()}
