"""After a failed apply: what this run touched is what it was before, and what cannot be is named."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.api import execution, planning
from nexusctl.engine.command import Outcome
from nexusctl.errors import EngineError
from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.event import Failed
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.run.executor import execute
from nexusctl.run.interrupt import Interrupt
from tests.plan.drafts import stack_pairs
from tests.plan.worlds import carry_out, new_engine, plan_for, reveal
from tests.saved.workbench import THREE, Workbench, outcome, touched


def fail_startup(*names: str):  # type: ignore[no-untyped-def]
    def answer(sandbox: Sandbox, command: tuple[str, ...]) -> Outcome:
        return Outcome(exit_code=int(sandbox.name in names), output="")

    return answer


def fail_and_plan_back(bench: Workbench) -> Plan:
    before = bench.prepare()
    events = bench.carry_out(before.plan)
    assert outcome(events) == "failed"
    return execution.plan_rollback(bench.engine, before, touched(events))


def records(bench: Workbench) -> dict[str, Sandbox | None]:
    return {live.sandbox: live.record for live in bench.prepare().live.sandboxes}


def lost(plan: Plan) -> dict[str, str]:
    return {left.name: left.reason for left in plan.omitted}


def test_replaced_and_changed_sandboxes_become_what_was_recorded(bench: Workbench) -> None:
    bench.apply()
    before = records(bench)
    bench.write(THREE.replace("4711", "4712").replace("img:1, env", "img:2, env").replace('"true"', '"false"'))
    bench.engine.answer = fail_startup("web")
    back = fail_and_plan_back(bench)
    assert lost(back) == {}
    bench.engine.answer = fail_startup()
    assert outcome(bench.carry_out(back)) == "done"
    assert records(bench) == before


def test_new_ones_go_and_with_them_what_was_made_for_them(bench: Workbench) -> None:
    bench.engine.answer = fail_startup("web")
    back = fail_and_plan_back(bench)
    assert {change.reason for change in back.changes if change.kind == "sandbox"} == {"it was not there before"}
    bench.carry_out(back)
    assert bench.sandboxes() == []
    assert not bench.engine.networks
    assert list(bench.engine.volumes) == ["demo_data"], "a volume may hold data: only destroy --volumes removes one"
    assert lost(back) == {"data": "it is new, and may hold data by now"}


def test_a_new_one_that_must_not_be_destroyed_stays(bench: Workbench) -> None:
    bench.write(THREE.replace("  db: {image: img:1,", "  db: {image: img:1, lifecycle: {prevent_destroy: true},"))
    bench.engine.answer = fail_startup("web")
    back = fail_and_plan_back(bench)
    assert lost(back) == {
        "db": "it is new, and must not be destroyed",
        "data": "it is new, and may hold data by now",
    }
    assert outcome(bench.carry_out(back)) == "done"
    assert bench.sandboxes() == ["db"]


def test_one_that_did_not_run_before_is_left_down(bench: Workbench) -> None:
    bench.apply()
    bench.engine.behave = lambda sandbox: 3 if sandbox.name == "db" else None
    bench.engine.stop_container(bench.container("db"))
    back = fail_and_plan_back(bench)
    assert lost(back) == {"db": "it did not run before either"}
    assert back.steps == ()


def test_one_that_did_not_run_before_is_put_right_without_a_start(bench: Workbench) -> None:
    bench.apply()
    before = records(bench)
    bench.write(THREE.replace("db: {image: img:1,", "db: {image: img:1, resources: {memory: 64m},"))
    bench.engine.behave = lambda sandbox: 3 if sandbox.name == "db" else None
    bench.engine.stop_container(bench.container("db"))
    back = fail_and_plan_back(bench)
    assert [type(step).__name__ for step in back.steps] == ["UpdateContainer"]
    assert lost(back) == {}
    assert outcome(bench.carry_out(back)) == "done"
    assert records(bench) == before


def test_one_that_was_removed_comes_back_where_its_content_is_known(bench: Workbench) -> None:
    bench.apply()
    bench.write("name: demo\nvolumes: {data: {}}\nsandboxes: {new: {image: img:1, startup: exit 1}}")
    bench.engine.answer = fail_startup("new")
    back = fail_and_plan_back(bench)
    assert lost(back) == {"api": "the former content of /server.js is known only by its digest"}
    bench.engine.answer = fail_startup()
    bench.carry_out(back)
    assert bench.sandboxes() == ["db", "web"]


def test_packages_of_a_lock_that_has_changed_are_known_only_by_its_digest(bench: Workbench) -> None:
    text = "name: demo\nsandboxes:\n  api: {image: img:1, packages: {npm: {from: package-lock.json}}}\n"
    for name in ("package.json", "package-lock.json"):
        (bench.folder / name).write_text("{}")
    bench.write(text)
    bench.apply()
    (bench.folder / "package-lock.json").write_text('{"lockfileVersion": 3}')
    bench.write(text + "  web: {image: img:1, startup: exit 1}\n")
    bench.engine.answer = fail_startup("web")
    assert lost(fail_and_plan_back(bench)) == {"api": "its former packages came from a lock file that has changed"}


def test_an_upload_that_is_still_the_same_comes_back_with_its_content(bench: Workbench) -> None:
    bench.apply()
    bench.write(THREE.replace("3000", "3001").replace('"true"', '"false"'))
    bench.engine.answer = fail_startup("web")
    back = fail_and_plan_back(bench)
    assert lost(back) == {}
    assert [change.name for change in back.changes] == ["api"]


def test_what_a_task_did_is_not_done_again(bench: Workbench) -> None:
    tasks = THREE + '  job: {kind: task, image: img:1, command: "%s"}\n'
    bench.write(tasks % "one")
    bench.apply()
    bench.write((tasks % "two").replace('"true"', '"false"'))
    bench.engine.answer = fail_startup("web")
    assert lost(fail_and_plan_back(bench)) == {"job": "it is a task, and what it did stays done"}


def test_what_the_run_did_not_touch_stays_as_it_is(bench: Workbench) -> None:
    bench.apply()
    bench.write(THREE.replace("4711", "4712").replace('"true"', '"false"'))
    before = bench.prepare()
    bench.engine.stop_container(bench.container("api"))
    bench.engine.answer = fail_startup("web")
    back = execution.plan_rollback(bench.engine, before, frozenset({"db"}))
    assert {change.name for change in back.changes} <= {"db"}


_HARMLESS = "note_end"
"""A task has run whether that could be written down or not."""


def _fail_at(number: int) -> Callable[[str, str], None]:
    count = itertools.count()

    def interfere(method: str, subject: str) -> None:
        if method != _HARMLESS and next(count) == number:
            raise EngineError(f"{method} of {subject} was refused", status=500)

    return interfere


@settings(max_examples=100, deadline=None)
@given(pair=stack_pairs(), number=st.integers(min_value=0, max_value=40))
def test_wherever_a_run_fails_what_can_be_rolled_back_is_as_it_was(pair: tuple[Stack, Stack], number: int) -> None:
    before, after = (_without_protection(stack) for stack in pair)
    engine = new_engine()
    carry_out(engine, plan_for(engine, before))
    basis = planning.prepare(engine, after)
    calls = _count_calls(before, after)
    engine.interfere = _fail_at(number % calls if calls else -1)
    events = list(execute(basis.plan, engine, Interrupt(), reveal))
    engine.interfere = _fail_at(-1)
    assert outcome(events) == ("failed" if calls else "done")
    back = execution.plan_rollback(engine, basis, touched(events))
    again = list(execute(back, engine, Interrupt(), reveal))
    assert outcome(again) == "done", [event for event in again if isinstance(event, Failed)]
    live = planning.observe(engine, before)
    former, now = (_records(state) for state in (basis.live, live))
    # One alone is the first of its group: what is called `a` before and `a-1` afterwards is the same sandbox.
    called = {found.id: found.sandbox for found in live.sandboxes}
    renamed = {(found.sandbox, called[found.id]) for found in basis.live.sandboxes if found.id in called}
    # Also where it has another container, as a task that runs anew and what was a task before.
    fresh, gone = now.keys() - former.keys(), former.keys() - now.keys()
    renamed |= {(old, new) for old in gone for new in fresh if f"{new}-1" == old or f"{old}-1" == new}
    begun = touched(events) | {old for old, new in renamed if new in touched(events)}
    left = lost(back).keys() | {new for old, new in renamed if old in lost(back)}
    for name in begun - left:
        if former.get(name) != now.get(name):
            assert (former.get(name) or now[name]).kind == "task", f"{name} was not rolled back"
    for name in former.keys() - begun:
        assert former[name] == now[name], f"{name} was not touched by the run, but by its rollback"


def _without_protection(stack: Stack) -> Stack:
    """A plan that would end a protected sandbox is refused, so that nothing of it could fail."""
    unprotected = {
        name: replace(sandbox, lifecycle=replace(sandbox.lifecycle, prevent_destroy=False))
        for name, sandbox in stack.sandboxes.items()
    }
    return replace(stack, sandboxes=unprotected)


def _count_calls(before: Stack, after: Stack) -> int:
    """How many calls lead from `before` to `after`."""
    engine = new_engine()
    carry_out(engine, plan_for(engine, before))
    done = len(engine.calls)
    carry_out(engine, plan_for(engine, after))
    return sum(method != _HARMLESS for method, _ in engine.calls[done:])


def _records(live: LiveState) -> dict[str, Sandbox]:
    return {found.sandbox: found.record for found in live.sandboxes if found.record and not found.partial}
