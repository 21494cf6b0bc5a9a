"""The last word of a run that did not come to its end: what is done, what is not known, what was never begun."""

from __future__ import annotations

from nexusctl.errors import Diagnostic
from nexusctl.model.plan.event import Done, Event, Failed, Skipped, Started
from nexusctl.model.plan.plan import Plan, Step
from nexusctl.render.event import Board, group_rows, render_groups
from tests.saved.workbench import THREE, Workbench

WARNING = Diagnostic("db: not waited for any longer", severity="warning")


def groups(plan: Plan, events: list[Event]) -> dict[str, list[str]]:
    board = Board(plan)
    for event in events:
        board.update(event)
    return group_rows(board.rows.values())


def steps(plan: Plan, subject: str) -> list[Step]:
    return [step for step in plan.steps if step.subject == subject]


def finish(step: Step) -> list[Event]:
    return [Started(step=step, at=0), Done(step=step, at=1, took=1)]


def lose(step: Step) -> list[Event]:
    return [Started(step=step, at=0), Failed(step=step, at=1, problem=Diagnostic("no answer"), unknown=True)]


def skip(step: Step) -> list[Event]:
    return [Skipped(step=step, at=1, reason="interrupted")]


def test_each_object_is_told_by_how_far_it_came(bench: Workbench) -> None:
    bench.write(THREE)
    plan = bench.prepare().plan
    (network, volume) = (step for step in plan.steps if not step.id.startswith("sandbox:"))
    db, api, web = (steps(plan, name) for name in ("db", "api", "web"))
    events = [
        *finish(network),
        *lose(volume),
        *(event for step in db for event in finish(step)),
        *finish(api[0]),
        *(event for step in api[1:] for event in skip(step)),
        *(event for step in web for event in skip(step)),
    ]
    titles = {step.subject: f"{step.id.partition(':')[0]} {step.subject}" for step in (network, volume)}
    assert groups(plan, events) == {
        "done": [titles[network.subject], "db"],
        "unknown": [titles[volume.subject]],
        "in part": ["api"],
        "not started": ["web"],
    }


def test_a_wait_that_was_cut_short_is_unknown_and_a_failure_is_a_failure(bench: Workbench) -> None:
    bench.write(THREE)
    plan = bench.prepare().plan
    db, api, web = (steps(plan, name) for name in ("db", "api", "web"))
    events = [
        *finish(db[0]),
        Failed(step=db[-1], at=1, problem=WARNING, unknown=True),
        Started(step=api[0], at=0),
        Failed(step=api[0], at=1, problem=Diagnostic("api: no")),
        *(event for step in web for event in skip(step)),
    ]
    found = groups(plan, events)
    assert (found["unknown"], found["failed"]) == (["db"], ["api"])


def test_many_names_are_counted() -> None:
    names = [f"agent-{number}" for number in range(20)]
    assert render_groups({"done": names}) == f"  done         {', '.join(names[:12])} and 8 more"
