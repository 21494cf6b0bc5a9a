"""A volume or folder that somebody writes to passes on when the one that had it has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexusctl.config.load import load
from nexusctl.engine.command import Outcome
from nexusctl.engine.memory.world import MemoryContainer
from nexusctl.errors import EngineError
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.rollback import plan_back, recall_stack
from nexusctl.plan.commands.target import select_changes
from nexusctl.render.plan.plan import render_plan
from nexusctl.run.executor import execute
from nexusctl.run.interrupt import Interrupt
from tests.plan.watch import WatchedEngine
from tests.plan.worlds import IMAGE, carry_out, plan_for

TOP = "name: world\nvolumes: {data: , logs: , cache: {external: shared-cache}, again: {external: shared-cache}}\n"


class Table:
    """A stack file that is written anew, and the engine that it is applied to."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "nexus.yaml"
        for path in ("srv/data/deep", "srv/data2", "srv/x"):
            (folder / path).mkdir(parents=True)
        for link in ("link", "other"):
            (folder / link).symlink_to("srv/data")
        self.engine = WatchedEngine()
        self.stack = Stack(name="world")

    def plan(self, **sandboxes: dict[str, Any]) -> Plan:
        """For sandboxes with these fields beside their image."""
        lines = [f"  {name}: {{image: '{IMAGE}', {_flow(fields)}}}" for name, fields in sandboxes.items()]
        self.file.write_text(TOP + "sandboxes:\n" + "\n".join(lines) + "\n")
        self.stack = load(self.file)
        plan = plan_for(self.engine, self.stack)
        self.engine.watch(plan, self.stack)
        return plan

    def apply(self, **sandboxes: dict[str, Any]) -> Plan:
        plan = self.plan(**sandboxes)
        carry_out(self.engine, plan)
        return plan

    def container(self, name: str) -> MemoryContainer:
        (found,) = (c for c in self.engine.containers.values() if c.sandbox.name == name)
        return found


def _flow(fields: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value!r}" for key, value in fields.items())


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def waits(plan: Plan, later: str, earlier: str) -> bool:
    """Whether the step `later` waits, however indirectly, for one whose id begins with `earlier`."""
    needs = {step.id: step.needs for step in plan.steps}
    found, waiting = set(), [later]
    while waiting:
        for need in needs[waiting.pop()]:
            if need not in found:
                found.add(need)
                waiting.append(need)
    return any(step_id.startswith(earlier) for step_id in found)


DATA = {"volumes": ["data:/data"]}
READS = {"volumes": ["data:/data:ro"]}


def test_a_renamed_sandbox_starts_when_the_one_before_has_ended_and_the_plan_says_so(table: Table) -> None:
    table.apply(db=DATA)
    plan = table.plan(database=DATA)
    assert waits(plan, "sandbox:database:start", "sandbox:db:remove")
    assert "it ends before database starts, which gets its volume data" in render_plan(plan)


def test_two_that_swap_both_stop_first(table: Table) -> None:
    logs = {"volumes": ["logs:/data"]}
    table.apply(one=DATA, two=logs)
    plan = table.plan(one=logs, two=DATA)
    for one, other in (("one", "two"), ("two", "one")):
        assert waits(plan, f"sandbox:{one}:ready", f"sandbox:{other}:stop")
        assert not waits(plan, f"sandbox:{one}:stop", f"sandbox:{other}:ready")
    carry_out(table.engine, plan)
    assert table.engine.seen == []


@pytest.mark.parametrize(
    ("had", "wanted", "passes"),
    [
        ("data:/data", "data:/elsewhere", True),
        ("data:/data:ro", "data:/data", True),
        ("data:/data", "data:/data:ro", True),
        ("data:/data:ro", "data:/data:ro", False),
        ("data:/data", "logs:/data", False),
        ("cache:/data", "again:/data", True),
        ("./srv/data:/data", "./srv/data:/data", True),
        ("./srv/data:/data", "./srv:/data", True),
        ("./srv:/data", "./srv/data/deep:/data", True),
        ("./srv/data:/data", "./srv/./x/../data/:/data", True),
        ("./srv/data:/data", "./srv/data2:/data", False),
        ("./srv/data:/data:ro", "./srv:/data:ro", False),
        ("./srv/data:/data", "./link:/data", True),
        ("./link:/data", "./srv/data:/data", True),
        ("./link:/data", "./other:/data", True),
        ("./link/deep:/data", "./srv:/data", True),
        ("./link:/data", "./srv/x:/data", False),
    ],
)
def test_what_one_writes_to_passes_in_order_and_nothing_else_does(
    table: Table, had: str, wanted: str, passes: bool
) -> None:
    table.apply(db={"volumes": [had]})
    plan = table.plan(database={"volumes": [wanted]})
    assert waits(plan, "sandbox:database:start", "sandbox:db:remove") is passes


def test_a_link_that_leads_elsewhere_by_now_counts_by_what_was_mounted(table: Table, tmp_path: Path) -> None:
    table.apply(db={"volumes": ["./link:/data"]})
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("srv/x")
    plan = table.plan(database={"volumes": ["./srv/data:/data"]})
    assert waits(plan, "sandbox:database:start", "sandbox:db:remove")
    plan = table.plan(database={"volumes": ["./srv/x:/data"]})
    assert not waits(plan, "sandbox:database:start", "sandbox:db:remove")


def test_those_that_are_to_share_it_start_beside_each_other(table: Table) -> None:
    table.apply(one=DATA)
    plan = table.plan(one={**DATA, "env": {"A": "1"}}, two=DATA, three=READS)
    assert not any(waits(plan, f"sandbox:{name}:start", "sandbox:one") for name in ("two", "three"))


def test_one_that_only_reads_from_now_on_stops_before_another_writes(table: Table) -> None:
    table.apply(one=DATA)
    plan = table.plan(one=READS, two=DATA)
    assert waits(plan, "sandbox:two:start", "sandbox:one:stop")


def test_one_that_is_started_again_or_resumed_waits_as_well(table: Table) -> None:
    table.apply(one=DATA, two=DATA, three=DATA)
    table.engine.stop_container(table.container("two").id)
    table.container("three").state = "paused"
    plan = table.plan(two=DATA, three=DATA)
    assert waits(plan, "sandbox:two:start", "sandbox:one:remove")
    assert waits(plan, "sandbox:three:start", "sandbox:one:remove")


def test_one_that_is_to_be_stopped_ends_before_another_starts_on_its_volume_and_the_plan_says_so(table: Table) -> None:
    stopped = {**DATA, "state": "stopped"}
    table.apply(blue=DATA, green=stopped)
    plan = table.plan(blue=stopped, green=DATA)
    assert waits(plan, "sandbox:green:start", "sandbox:blue:stop")
    assert "it ends before green starts, which gets its volume data" in render_plan(plan)
    carry_out(table.engine, plan)
    assert table.engine.seen == []
    states = [(name, table.container(name).state) for name in ("blue", "green")]
    assert states == [("blue", "exited"), ("green", "running")]


def test_one_whose_next_container_is_to_be_stopped_ends_before_another_starts_on_its_volume(table: Table) -> None:
    table.apply(blue=DATA)
    plan = table.plan(blue={**DATA, "state": "stopped", "env": {"A": "1"}}, green=DATA)
    assert waits(plan, "sandbox:green:start", "sandbox:blue:stop")
    carry_out(table.engine, plan)
    assert table.engine.seen == []


def test_one_that_stops_and_depends_on_the_taker_of_its_volume_makes_no_circle(table: Table) -> None:
    table.apply(blue=DATA, green={**DATA, "state": "stopped"}, between={})
    needs = {"depends_on": ["between"]}
    plan = table.plan(blue={**DATA, **needs, "state": "stopped"}, between={"depends_on": ["green"]}, green=DATA)
    carry_out(table.engine, plan)
    assert table.container("blue").state == "exited"


def test_what_is_made_to_be_stopped_waits_for_nobody(table: Table) -> None:
    table.apply(blue=DATA)
    plan = table.plan(green={**DATA, "state": "stopped"})
    assert not waits(plan, "sandbox:green:start", "sandbox:blue:remove")
    assert "green starts" not in render_plan(plan)


def test_one_that_restarts_after_an_upload_waits_as_well(table: Table) -> None:
    def served(content: str) -> dict[str, Any]:
        return {**DATA, "uploads": [{"content": content, "target": "/x", "on_change": "restart"}]}

    table.apply(one=DATA, two=served("1"))
    assert waits(table.plan(two=served("2")), "sandbox:two:update", "sandbox:one:remove")


def test_a_task_gets_it_after_a_service_and_the_other_way_round(table: Table) -> None:
    task = {**DATA, "kind": "task"}
    table.apply(one=DATA)
    plan = table.plan(load=task)
    assert waits(plan, "sandbox:load:start", "sandbox:one:remove")
    carry_out(table.engine, plan)
    running = table.container("load")
    running.state, running.exit_code = "running", None
    assert waits(table.plan(one=DATA), "sandbox:one:start", "sandbox:load:remove")


def test_one_that_does_not_run_is_not_stopped_first(table: Table) -> None:
    table.apply(one=DATA)
    table.engine.stop_container(table.container("one").id)
    plan = table.plan(one={}, two=DATA)
    assert not waits(plan, "sandbox:two:start", "sandbox:one")


def test_the_old_one_does_not_come_back_beside_the_one_that_has_its_volume(table: Table) -> None:
    """Neither in the plan that hands it over, nor in one after that."""
    table.apply(one=DATA)
    old = table.container("one")
    for _ in range(2):
        plan = table.plan(one={"startup": "fail"}, two=DATA)
        table.engine.answer = lambda sandbox, argv: _fail()
        events = list(execute(plan, table.engine, Interrupt()))
        assert "stays stopped: another sandbox has its volume" in str(events)
        assert (old.state, table.container("two").state) == ("exited", "running")
    assert table.engine.seen == []


def _fail() -> Outcome:
    return Outcome(exit_code=3, output="")


def test_without_anybody_who_has_its_volume_the_old_one_comes_back(table: Table) -> None:
    table.apply(one=DATA, two=DATA)
    old = table.container("one")
    plan = table.plan(one={**DATA, "startup": "fail"}, two=DATA)
    table.engine.answer = lambda sandbox, argv: _fail()
    list(execute(plan, table.engine, Interrupt()))
    assert old.state == "running"


def test_a_target_takes_along_who_has_its_volume(table: Table) -> None:
    table.apply(db=DATA, web={})
    plan = table.plan(database=DATA, site={})
    live = table.engine.observe(table.stack)
    part = select_changes(plan, table.stack, live, Choice(targets=("database",)))
    assert sorted(change.name for change in part.changes) == ["database", "db"]
    part = select_changes(plan, table.stack, live, Choice(excludes=("db",)))
    left = {omitted.name: omitted.reason for omitted in part.omitted}
    assert left == {"db": "excluded", "database": "comes after db, which is not in this plan"}


def test_the_way_back_gives_it_back_in_order(table: Table) -> None:
    table.apply(db=DATA)
    before = Basis(stack=table.stack, live=table.engine.observe(table.stack), choice=Choice(), plan=Plan(stack="world"))
    table.apply(database=DATA)
    former = recall_stack(before)
    touched = frozenset({"db", "database"})
    back = plan_back(before, former, table.engine.observe(former), touched, table.engine.in_place)
    assert waits(back, "sandbox:db:start", "sandbox:database:remove")


def test_the_way_back_starts_nobody_beside_one_that_has_to_stay(table: Table) -> None:
    table.apply(db=DATA)
    before = Basis(stack=table.stack, live=table.engine.observe(table.stack), choice=Choice(), plan=Plan(stack="world"))
    table.apply(database={**DATA, "lifecycle": {"prevent_destroy": True}})
    former = recall_stack(before)
    touched = frozenset({"db", "database"})
    back = plan_back(before, former, table.engine.observe(former), touched, table.engine.in_place)
    assert {omitted.name for omitted in back.omitted if omitted.kind == "sandbox"} == {"db", "database"}
    assert back.steps == ()


def test_a_taker_that_fails_leaves_the_volume_and_the_next_apply_goes_on(table: Table) -> None:
    table.apply(db=DATA)
    plan = table.plan(database=DATA)

    def interfere(method: str, subject: str) -> None:
        if method == "start_container":
            raise EngineError("it does not start", status=500)

    table.engine.interfere = interfere
    assert "it does not start" in str(list(execute(plan, table.engine, Interrupt())))
    table.engine.interfere = lambda method, subject: None
    assert "world_data" in table.engine.volumes
    table.apply(database=DATA)
    assert table.container("database").state == "running"
    assert table.engine.seen == []
