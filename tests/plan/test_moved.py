"""A sandbox that is called otherwise keeps its container: `moved` says so, and the count of a group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexusctl.api import inspection, planning
from nexusctl.config.load import load
from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.drift import recorded_stack
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.outputs import resolve_outputs
from nexusctl.plan.commands.rollback import plan_back, recall_stack
from nexusctl.plan.commands.status import summarize
from nexusctl.plan.plan import make_plan
from nexusctl.render.plan.plan import plan_document, render_plan
from tests.plan.drafts import FOREIGN_VOLUME
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for

VOLUME = {"volumes": ["data:/data"]}


class Table:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "nexus.yaml"
        self.engine: MemoryEngine = new_engine()
        self.stack = Stack(name="world")

    def load(self, moved: dict[str, str] | None = None, top: str = "", **sandboxes: dict[str, Any]) -> Stack:
        lines = [f"  {name}: {{image: '{IMAGE}', {_flow(fields)}}}" for name, fields in sandboxes.items()]
        moves = [f"  - {{from: {source}, to: {target}}}" for source, target in (moved or {}).items()]
        text = ["name: world", "volumes: {data: }", top, "moved:", *moves, "sandboxes:", *lines]
        self.file.write_text("\n".join(text) + "\n")
        self.stack = load(self.file)
        return self.stack

    def plan(self, moved: dict[str, str] | None = None, **sandboxes: dict[str, Any]) -> Plan:
        return plan_for(self.engine, self.load(moved, **sandboxes))

    def apply(self, moved: dict[str, str] | None = None, **sandboxes: dict[str, Any]) -> Plan:
        plan = self.plan(moved, **sandboxes)
        carry_out(self.engine, plan)
        assert plan_for(self.engine, self.stack, deep=True).changes == ()
        return plan

    def ids(self) -> dict[str, str]:
        """The containers by their names."""
        return {c.name.removeprefix("world_"): c.id for c in self.engine.containers.values()}

    def names(self, container: str) -> set[str]:
        """What others find it by."""
        (found,) = (c for c in self.engine.containers.values() if c.name == f"world_{container}")
        (aliases,) = found.aliases.values()
        return set(aliases)


def _flow(fields: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value!r}" for key, value in fields.items())


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def verbs(plan: Plan) -> dict[str, str]:
    return {change.name: change.action for change in plan.changes if change.kind == "sandbox"}


def test_its_container_stays_and_gets_the_new_names(table: Table) -> None:
    table.apply(db=VOLUME, api={"depends_on": ["db"]})
    before = table.ids()
    plan = table.apply({"db": "database"}, database=VOLUME, api={"depends_on": ["database"]})
    assert verbs(plan) == {"database": "update", "api": "update"}
    assert 'it was db, and its container stays\n         ~ name: "db" -> "database"' in render_plan(plan)
    assert [c["moved_from"] for c in plan_document(plan)["changes"]] == [None, "db"]
    assert table.ids() == {"database": before["db"], "api": before["api"]}
    assert table.names("database") == {"database"}
    # The entry may stay or go.
    assert table.plan(database=VOLUME, api={"depends_on": ["database"]}).changes == ()


def test_an_entry_for_what_is_nowhere_changes_nothing(table: Table) -> None:
    assert verbs(table.apply({"db": "database"}, database=VOLUME)) == {"database": "create"}


def test_moves_follow_each_other(table: Table) -> None:
    table.apply(a={})
    before = table.ids()["a"]
    table.apply({"a": "b", "b": "c"}, c={})
    assert table.ids() == {"c": before}
    table.apply({"a": "b", "b": "c", "c": "d"}, d={})
    assert table.ids() == {"d": before}


def test_names_pass_on_where_one_moves_away_from_a_name_that_another_gets(table: Table) -> None:
    """As the engine has them: `b` went by the name of `c` by hand."""
    table.apply(a={}, b={})
    before = table.ids()
    for container in table.engine.containers.values():
        container.name = {"world_a": "world_a", "world_b": "world_c"}[container.name]
    table.apply({"a": "c", "b": "d"}, c={}, d={})
    assert table.ids() == {"c": before["a"], "d": before["b"]}


def test_where_the_new_name_has_a_container_the_old_one_goes(table: Table) -> None:
    table.apply(a={}, b={})
    before = table.ids()["b"]
    assert verbs(table.apply({"a": "b"}, b={})) == {"a": "remove"}
    assert table.ids() == {"b": before}


def test_one_that_changes_as_well_is_replaced_under_its_new_name(table: Table) -> None:
    table.apply(a={})
    plan = table.apply({"a": "b"}, b={"env": {"X": "1"}})
    assert verbs(plan) == {"b": "replace"}
    assert list(table.ids()) == ["b"]


def test_a_group_moves_with_its_members(table: Table) -> None:
    table.apply(api={"replicas": 3})
    before = table.ids()
    table.apply({"api": "web"}, web={"replicas": 2})
    assert table.ids() == {"web-1": before["api-1"], "web-2": before["api-2"]}
    assert table.names("web-1") == {"web-1", "web"}
    table.apply({"web": "site"}, site={})
    assert table.ids() == {"site": before["api-1"]}
    table.apply({"site": "page"}, page={"replicas": 1})
    assert table.ids() == {"page-1": before["api-1"]}


def test_a_task_that_has_run_does_not_run_again_under_its_new_name(table: Table) -> None:
    for run in ("once", "changed"):
        table.apply(load={"kind": "task", "run": run})
        before = table.ids()["load"]
        table.apply({"load": "fill"}, fill={"kind": "task", "run": run})
        assert table.ids() == {"fill": before}
        del table.engine.containers[before]
        assert table.plan(fill={"kind": "task", "run": run}).changes == ()
        table.apply()


def test_one_whose_profile_was_not_asked_for_is_left_alone(table: Table) -> None:
    table.apply(a={}, other={})
    before = table.ids()
    table.apply({"a": "b"}, b={"profiles": ["ci"]}, other={})
    assert table.ids() == before


def test_a_record_that_is_lost_does_not_take_the_name_along(table: Table) -> None:
    table.apply(a={})
    before = table.ids()["a"]
    table.apply({"a": "b"}, b={})
    table.engine.amendments.clear()
    plan = table.apply(b={})
    assert verbs(plan) == {"b": "update"}
    assert table.ids() == {"b": before}


def test_a_group_of_one_that_grows_keeps_its_member_and_so_does_one_that_shrinks(table: Table) -> None:
    table.apply(api=VOLUME)
    before = table.ids()["api"]
    plan = table.apply(api={**VOLUME, "replicas": 2})
    assert verbs(plan) == {"api-1": "update", "api-2": "create"}
    steps = [step.id for step in plan.steps if step.id.startswith("sandbox:")]
    assert steps.index("sandbox:api-2:start") < steps.index("sandbox:api-1:update")
    assert table.ids()["api-1"] == before
    assert table.names("api-1") == {"api-1", "api"}
    plan = table.apply(api=VOLUME)
    assert verbs(plan) == {"api": "update", "api-2": "remove"}
    assert plan.steps[-1].id.startswith("sandbox:api-2:remove")
    assert table.ids() == {"api": before}
    # It was found by that name all along, so that nothing is cut.
    assert table.engine.calls.count(("disconnect", before)) == 1


def test_one_taken_from_a_group_is_hidden_before_it_ends_unless_somebody_is_connected(table: Table) -> None:
    web = {"ports": [80]}
    table.apply(api={**web, "replicas": 3}, other={})
    ids = table.ids()
    table.engine.containers[ids["api-2"]].callers = {80}
    table.engine.calls.clear()
    table.apply(api={**web, "replicas": 1})
    calls = table.engine.calls
    assert calls.index(("disconnect", ids["api-3"])) < calls.index(("remove_container", ids["api-3"]))
    for stays in ("api-2", "other"):
        assert ("disconnect", ids[stays]) not in calls
    # Where nobody answers in its place it keeps its name.
    table.apply(api={**web, "replicas": 1, "profiles": ["no"]}, other={})
    assert ("disconnect", ids["api-1"]) not in calls


def test_an_output_of_a_group_means_its_first_whatever_runs(table: Table) -> None:
    output = "outputs: {url: '${sandbox.api.endpoint}'}"
    port = {"ports": [80]}

    def told() -> Any:
        live = table.engine.observe(table.stack)
        (found,) = resolve_outputs(table.stack.outputs.values(), summarize(table.stack, live, 0.0))
        return found.value

    carry_out(table.engine, plan_for(table.engine, table.load(top=output, api=port)))
    alone = told()
    assert alone.startswith("http://127.0.0.1:")
    for replicas in (2, 1, 3):
        table.load(top=output, api={**port, "replicas": replicas})
        assert told() == alone
        carry_out(table.engine, plan_for(table.engine, table.stack))
        assert told() == alone


def test_the_way_back_gives_the_old_names_back(table: Table) -> None:
    table.apply(db=VOLUME, api={"depends_on": ["db"]})
    ids = table.ids()
    former_live = table.engine.observe(table.stack)
    stack = table.load({"db": "database"}, database=VOLUME, api={"depends_on": ["database"]})
    before = Basis(stack=stack, live=former_live, choice=Choice(), plan=Plan(stack="world"))
    carry_out(table.engine, plan_for(table.engine, stack))
    former = recall_stack(before)
    live = table.engine.observe(former)
    carry_out(table.engine, plan_back(before, former, live, frozenset({"database", "api"}), table.engine.in_place))
    assert table.ids() == ids
    assert table.names("db") == {"db"}


def test_what_is_still_to_be_moved_has_not_drifted(table: Table) -> None:
    table.apply(db=VOLUME)
    stack = table.load({"db": "database"}, database=VOLUME, web={"depends_on": ["database"]})
    live = table.engine.observe(stack)
    plan = make_plan(recorded_stack(stack, live), live, table.engine.in_place)
    assert verbs(plan) == {"web": "create"}


def test_a_plan_offers_the_lines_for_one_that_was_only_renamed(table: Table) -> None:
    table.apply(db=VOLUME, api={"replicas": 2}, web={"env": {"A": "1"}})
    text = render_plan(table.plan(database=VOLUME, backend={"replicas": 2}, page={"env": {"A": "2"}}))
    assert "if this is db under another name, write `moved: [{from: db, to: database}]` in the stack file" in text
    assert text.count("moved: [{from: api, to: backend}]") == 1
    assert "page" in text
    assert "from: web" not in text


def test_nothing_is_offered_where_two_could_be_meant(table: Table) -> None:
    table.apply(db=VOLUME)
    assert "moved" not in render_plan(table.plan(one=VOLUME, two=VOLUME))


def own(table: Table) -> dict[str, dict[str, str]]:
    """The volumes that the containers have for themselves, by the containers' names."""
    return {c.name.removeprefix("world_"): dict(c.anonymous) for c in table.engine.containers.values()}


def test_its_own_volumes_go_with_it_through_moves_and_its_end(table: Table) -> None:
    data = {"volumes": ["/data"]}
    table.apply(a=data)
    before = own(table)["a"]
    table.apply({"a": "b"}, b=data)
    table.apply({"b": "c"}, c=data)
    table.apply(c=data, a=data, b=data)
    assert own(table)["c"] == before
    assert len({volume for volumes in own(table).values() for volume in volumes.values()}) == 3
    first = own(table)
    carry_out(table.engine, plan_for(table.engine, Stack(name="world")))
    table.apply(c=data, a=data, b=data)
    assert own(table) == first
    carry_out(table.engine, plan_for(table.engine, Stack(name="world"), remove_volumes=True))
    assert (table.engine.containers, list(table.engine.volumes)) == ({}, [FOREIGN_VOLUME])


def test_another_of_the_former_name_gets_no_volume_of_the_one_that_moved(table: Table) -> None:
    table.apply(a={"volumes": ["/data"]})
    table.apply({"a": "b"}, b={"volumes": ["/data"], "env": {"X": "1"}})
    plan = table.apply(a={"volumes": ["/data"]}, b={"volumes": ["/data"], "env": {"X": "1"}})
    assert "it gets its volume" not in render_plan(plan)
    volumes = [volumes["/data"] for volumes in own(table).values()]
    assert len(set(volumes)) == 2


@pytest.mark.parametrize(
    ("choice", "changing"),
    [
        (Choice(targets=("db",)), {"database"}),
        (Choice(targets=("d*",)), {"database", "dish"}),
        (Choice(targets=("database",)), {"database"}),
        (Choice(excludes=("db",)), {"dish"}),
        (Choice(targets=("dish",), excludes=("db",)), {"dish"}),
    ],
)
def test_a_choice_by_the_former_name_means_the_one_that_moves(table: Table, choice: Choice, changing: set[str]) -> None:
    table.apply(db=VOLUME, dish={})
    stack = table.load({"db": "database"}, database=VOLUME, dish={"env": {"X": "1"}})
    found = planning.prepare(table.engine, stack, choice=choice)
    assert set(verbs(found.plan)) == changing
    # Also when it has moved, as long as the file says so.
    table.apply({"db": "database"}, database=VOLUME, dish={})
    stack = table.load({"db": "database"}, database={**VOLUME, "env": {"X": "1"}}, dish={"env": {"X": "1"}})
    assert set(verbs(planning.prepare(table.engine, stack, choice=choice).plan)) == changing


def test_a_choice_of_a_group_by_its_former_name_means_its_members(table: Table) -> None:
    table.apply(db={"replicas": 2}, web={})
    stack = table.load({"db": "store"}, store={"replicas": 2}, web={"env": {"X": "1"}})
    found = planning.prepare(table.engine, stack, choice=Choice(targets=("db",)))
    assert set(verbs(found.plan)) == {"store-1", "store-2"}
    found = planning.prepare(table.engine, stack, choice=Choice(targets=("db-2",)))
    assert set(verbs(found.plan)) == {"store-2"}


def test_drift_of_one_that_is_to_move_is_told_by_either_name(table: Table) -> None:
    table.apply(db=VOLUME, web={})
    stack = table.load({"db": "database"}, database=VOLUME, web={})
    for container in table.engine.containers.values():
        container.state, container.exit_code = "exited", 1
    for name in ("db", "database"):
        assert set(verbs(inspection.find_drift(table.engine, stack, (name,)))) == {"db"}
