"""A plan says how many bytes go with the containers that it takes away, and asks the engine about no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from nexusctl.engine.memory.overview import MemoryOverview
from nexusctl.render.plan.plan import plan_document, render_plan
from tests.saved.workbench import THREE, Workbench


@pytest.fixture
def asked(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The ids of each question for sizes."""
    questions: list[list[str]] = []
    measure = MemoryOverview.measure

    def listen(overview: MemoryOverview, container_ids: Iterable[str]) -> Mapping[str, int]:
        questions.append(list(container_ids))
        return measure(overview, questions[-1])

    monkeypatch.setattr(MemoryOverview, "measure", listen)
    bench.apply()
    questions.clear()
    return questions


def test_a_plan_in_which_no_container_goes_asks_for_no_size(bench: Workbench, asked: list[list[str]]) -> None:
    bench.prepare()
    bench.write(THREE, server="other()")
    assert [change.action for change in bench.prepare().plan.changes] == ["update"]
    assert asked == []


def test_a_replacement_names_the_field_and_the_bytes_that_go(bench: Workbench, asked: list[list[str]]) -> None:
    bench.write(THREE.replace("3000", "3001"))
    plan = bench.prepare().plan
    (change,) = plan.changes
    assert asked == [[bench.container("api")]]
    assert (change.reason, change.lost_bytes) == ("env.PORT cannot change in a live container", len("serve()"))
    assert plan_document(plan)["changes"][0]["lost_bytes"] == len("serve()")
    assert f"goes with the old container: {len('serve()')} B" in render_plan(plan)


def test_a_removal_names_the_bytes_that_go(bench: Workbench, asked: list[list[str]]) -> None:
    bench.write(
        "name: demo\nvolumes: {data: {}}\nsandboxes: {db: {image: img:1, env: {PIN: '4711'}, volumes: ['data:/data']}}"
    )
    sizes = {change.name: change.lost_bytes for change in bench.prepare().plan.changes}
    assert sizes == {"api": len("serve()"), "web": 0}


def test_what_is_left_out_of_a_plan_is_not_measured(bench: Workbench, asked: list[list[str]]) -> None:
    bench.write(THREE.replace("3000", "3001").replace("4711", "4712"))
    bench.prepare(targets=("db",))
    assert asked == [[bench.container("db")]]
