"""A part of a plan: what was asked for, what that needs, and a word on all the rest."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.errors import InputError
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.target import choose_names, select_changes
from nexusctl.render.plan.plan import plan_document, render_plan
from tests.plan.drafts import NAMES, stack_pairs
from tests.plan.portrait import take_portrait
from tests.plan.worlds import carry_out, new_engine, plan_for
from tests.saved.workbench import THREE, Workbench

REPLICAS = """
name: demo
sandboxes:
  worker: {image: img:1, replicas: 3}
  web: {image: img:1}
"""


def names(plan: Plan) -> list[str]:
    return sorted(change.name for change in plan.changes if change.kind == "sandbox")


def reasons(plan: Plan) -> dict[str, str]:
    return {left.name: left.reason for left in plan.omitted if left.kind == "sandbox"}


def test_a_target_brings_what_it_depends_on_and_no_more(bench: Workbench) -> None:
    plan = bench.prepare(targets=("api",)).plan
    assert names(plan) == ["api", "db"]
    assert reasons(plan) == {"web": "not targeted"}
    bench.carry_out(plan)
    assert bench.sandboxes() == ["api", "db"]


def test_a_changed_dependency_of_an_unchanged_target_is_in_the_plan(bench: Workbench) -> None:
    bench.apply()
    bench.write(THREE.replace("4711", "4712"))
    assert names(bench.prepare(targets=("web",)).plan) == ["db"]


def test_what_comes_after_an_excluded_one_is_left_out_and_says_why(bench: Workbench) -> None:
    plan = bench.prepare(excludes=("db",)).plan
    assert names(plan) == []
    assert reasons(plan) == {
        "db": "excluded",
        "api": "comes after db, which is not in this plan",
        "web": "comes after api, which is not in this plan",
    }
    assert plan.empty


def test_an_excluded_one_that_does_not_change_holds_nothing_up(bench: Workbench) -> None:
    bench.apply(targets=("db",))
    assert names(bench.prepare(excludes=("db",)).plan) == ["api", "web"]


def test_volumes_and_networks_that_only_others_need_are_not_made(bench: Workbench) -> None:
    bench.write("name: demo\nvolumes: {data: {}}\nnetworks: {back: {}}\nsandboxes:\n"
                '  db: {image: img:1, volumes: ["data:/data"], networks: [back]}\n  web: {image: img:1}\n')  # fmt: skip
    bench.apply(targets=("web",))
    assert not bench.engine.volumes
    assert [network.network for _, network in bench.engine.networks.values()] == ["default"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("worker", ["worker-1", "worker-2", "worker-3"]),
        ("worker-2", ["worker-2"]),
        ("w*", ["web", "worker-1", "worker-2", "worker-3"]),
        ("*-[13]", ["worker-1", "worker-3"]),
    ],
)
def test_names_groups_and_globs_are_understood(bench: Workbench, word: str, found: list[str]) -> None:
    bench.write(REPLICAS)
    assert names(bench.prepare(targets=(word,)).plan) == found


def test_what_is_not_in_the_file_goes_only_where_it_or_nothing_is_targeted(bench: Workbench) -> None:
    bench.apply()
    bench.write("name: demo\nvolumes: {data: {}}\nsandboxes: {new: {image: img:1}}")
    assert names(bench.prepare(targets=("new",)).plan) == ["new"]
    assert names(bench.prepare(targets=("web",)).plan) == ["web"]
    assert names(bench.prepare(targets=("db",)).plan) == ["api", "db", "web"], "its dependents go first"
    assert names(bench.prepare().plan) == ["api", "db", "new", "web"]
    assert reasons(bench.prepare(excludes=("web",)).plan) == {
        "web": "excluded",
        "api": "comes after web, which is not in this plan",
        "db": "comes after api, which is not in this plan",
    }


def test_an_unknown_name_is_refused_with_the_likeliest_one(bench: Workbench) -> None:
    with pytest.raises(InputError) as caught:
        bench.prepare(targets=("wbe",), excludes=("q*",))
    assert [(p.summary, p.hint) for p in caught.value.diagnostics] == [
        ("no sandbox is called wbe", "did you mean `web`?"),
        ("no sandbox is called q*", "the sandboxes: `api`, `db`, `web`"),
    ]


def test_text_and_json_say_what_is_left_out(bench: Workbench) -> None:
    plan = bench.prepare(targets=("db",)).plan
    assert "Not in this plan, so these stay as they are:" in render_plan(plan)
    assert "sandbox  api (to create): not targeted" in render_plan(plan)
    assert {"action": "create", "kind": "sandbox", "name": "api", "reason": "not targeted"} in plan_document(plan)[
        "omitted"
    ]
    assert "as it should be" not in render_plan(bench.prepare(excludes=("*",)).plan)


WORDS = st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)


@settings(max_examples=150, deadline=None)
@given(pair=stack_pairs(), targets=WORDS, excludes=WORDS)
def test_a_part_and_then_the_rest_is_the_whole(
    pair: tuple[Stack, Stack], targets: tuple[str, ...], excludes: tuple[str, ...]
) -> None:
    before, after = pair
    parted, whole = new_engine(), new_engine()
    for engine in (parted, whole):
        carry_out(engine, plan_for(engine, before))
    live = parted.observe(after)
    choice = Choice(targets=targets, excludes=excludes)
    all_of_it = plan_for(parted, after)
    part = select_changes(all_of_it, after, live, choice)
    done = {step.id for step in part.steps}
    assert all(done.issuperset(step.needs) for step in part.steps)
    in_or_out = sorted((c.kind, c.name, c.action) for c in (*part.changes, *part.omitted))
    assert in_or_out == sorted((c.kind, c.name, c.action) for c in all_of_it.changes)
    if not targets:
        assert set(names(part)) <= choose_names(after, live, choice)
    touched = {*names(part), *(change.moved_from for change in part.changes)}
    untouched = {found.id for found in live.sandboxes if not found.gone and found.sandbox not in touched}
    carry_out(parted, part)
    assert untouched <= parted.containers.keys()
    carry_out(parted, plan_for(parted, after))
    carry_out(whole, plan_for(whole, after))
    assert take_portrait(parted, after) == take_portrait(whole, after)
