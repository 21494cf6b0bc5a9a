"""After a failed apply: what this run touched is what it was before, and what cannot be is named."""

from __future__ import annotations

from nexusctl import api
from nexusctl.engine.base import Outcome
from nexusctl.model.plan import Plan
from nexusctl.model.stack import Sandbox
from tests.saved.workbench import THREE, Workbench, outcome, touched


def fail_startup(*names: str):  # type: ignore[no-untyped-def]
    def answer(sandbox: Sandbox, command: tuple[str, ...]) -> Outcome:
        return Outcome(exit_code=int(sandbox.name in names), output="")

    return answer


def fail_and_plan_back(bench: Workbench) -> Plan:
    before = bench.prepare()
    events = bench.carry_out(before.plan)
    assert outcome(events) == "failed"
    return api.plan_rollback(bench.engine, before, touched(events))


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


def test_one_that_was_removed_comes_back_where_its_content_is_known(bench: Workbench) -> None:
    bench.apply()
    bench.write("name: demo\nvolumes: {data: {}}\nsandboxes: {new: {image: img:1, startup: exit 1}}")
    bench.engine.answer = fail_startup("new")
    back = fail_and_plan_back(bench)
    assert lost(back) == {"api": "the former content of /server.js is known only by its digest"}
    bench.engine.answer = fail_startup()
    bench.carry_out(back)
    assert bench.sandboxes() == ["db", "web"]


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
    back = api.plan_rollback(bench.engine, before, frozenset({"db"}))
    assert {change.name for change in back.changes} <= {"db"}
