"""When lifetimes end, and what plans and statuses say of what is left; the time is that of the look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.model.lifetime import find_end
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.step import ExtendContainer, UpdateContainer
from nexusctl.model.record import decode, encode
from nexusctl.model.stack import Lifecycle, Sandbox, Stack
from nexusctl.plan.commands.edited.pull import plan_record
from nexusctl.plan.commands.endings import plan_endings
from nexusctl.plan.commands.states.extensions import Extension, plan_extensions
from nexusctl.plan.commands.states.states import Transition, plan_states
from nexusctl.plan.commands.status import SandboxStatus, select, summarize
from nexusctl.plan.plan import make_plan
from nexusctl.render.plan.plan import plan_document, render_plan
from nexusctl.render.status import render_status
from tests.plan.live_file import as_applied

MADE, HOUR = 1_700_000_000, 3600


def box(**more: object) -> Sandbox:
    return replace(Sandbox(name="api", group="api", image="debian:12"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "extended", "end"),
    [
        ({}, 0, None),
        ({}, MADE + HOUR, None),
        ({"timeout": HOUR}, 0, MADE + HOUR),
        ({"timeout": HOUR}, MADE + 2 * HOUR, MADE + 2 * HOUR),
        ({"timeout": HOUR}, MADE + 1, MADE + HOUR),
        ({"keep_until": MADE + 5}, 0, MADE + 5),
        ({"timeout": HOUR, "keep_until": MADE + 5}, 0, MADE + HOUR),
        ({"timeout": HOUR, "keep_until": MADE + 2 * HOUR}, 0, MADE + 2 * HOUR),
    ],
)
def test_a_lifetime_is_over_at_the_latest_of_what_is_said(fields: dict[str, int], extended: int, end: int) -> None:
    assert find_end(box(**fields), MADE, extended) == end


def test_where_nobody_knows_when_it_was_made_no_time_runs() -> None:
    assert find_end(box(timeout=HOUR), 0) is None


def test_a_record_keeps_it_and_one_without_it_is_as_it_was() -> None:
    sandbox = box(timeout=HOUR, keep_until=MADE, on_expire="destroy")
    assert decode(encode(sandbox)) == sandbox
    assert not {"keep_until", "on_expire"} & set(encode(box()).split('"'))


def scene(age: int, **fields: object) -> tuple[Stack, LiveState]:
    stack = Stack(name="demo", sandboxes={"api": box(**fields)})
    live = as_applied(stack)
    born = tuple(replace(found, created_at=MADE) for found in live.sandboxes)
    return stack, replace(live, sandboxes=born, observed_at=MADE + age)


@pytest.mark.parametrize(
    ("age", "words"),
    [(0, "api expires in 2 h 0 min"), (2880, "api expires in 1 h 12 min"), (7203, "api (expired 3.0 s ago)")],
)
def test_a_plan_says_what_is_left_and_stays_empty(age: int, words: str) -> None:
    stack, live = scene(age, timeout=2 * HOUR)
    plan = make_plan(stack, live, frozenset())
    assert plan.empty
    assert words in render_plan(plan)
    (told,) = plan_document(plan)["lifetimes"]
    ends = {"expires_at": "2023-11-15 00:13:20Z", "expired": age > 7200, "idle_timeout": None, "on_expire": "stop"}
    assert told == {"name": "api", **ends}


def test_without_a_lifetime_a_plan_says_nothing_of_it() -> None:
    plan = make_plan(*scene(0), frozenset())
    assert plan.lifetimes == ()
    assert "xpire" not in render_plan(plan)


def test_another_lifetime_in_the_file_is_a_change_of_the_record_alone() -> None:
    stack, live = scene(2 * HOUR, timeout=HOUR)
    longer = replace(stack, sandboxes={"api": box(timeout=3 * HOUR, keep_until=MADE, on_expire="pause")})
    plan = make_plan(longer, live, frozenset())
    assert [(change.action, [d.effect for d in change.differences]) for change in plan.changes] == [
        ("update", ["record"] * 3)
    ]
    assert [lifetime.left for lifetime in plan.lifetimes] == [HOUR]


def test_a_status_says_what_is_left_and_finds_what_has_expired() -> None:
    def status(age: int) -> tuple[SandboxStatus, ...]:
        return summarize(*scene(age, timeout=HOUR), MADE + age)

    assert "expires in 48 min 0 s" in render_status(status(720))
    assert "expired just now" in render_status(status(HOUR))
    assert select(status(720), states=["expired"]) == ()
    assert [found.name for found in select(status(HOUR), states=["expired"])] == ["api"]


def read(folder: Path, fields: str) -> Sandbox:
    (folder / "nexus.yaml").write_text(f"name: demo\nsandboxes: {{api: {{image: debian, {fields}}}}}\n")
    return load(folder / "nexus.yaml").sandboxes["api"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2030-01-31T18:00Z", (2030, 1, 31, 18)),
        ("2030-01-31 18:00:00", (2030, 1, 31, 18)),
        ("2030-01-31T18:00+02:00", (2030, 1, 31, 16)),
        ("2030-01-31", (2030, 2, 1)),
    ],
)
def test_a_time_to_keep_it_until_is_read(tmp_path: Path, text: str, time: tuple[int, ...]) -> None:
    meant = datetime(*time, tzinfo=UTC)  # type: ignore[misc,arg-type]
    assert read(tmp_path, f"keep_until: '{text}'").keep_until == meant.timestamp()
    assert read(tmp_path, f"keep_until: {text}").keep_until == meant.timestamp()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("keep_until: 2030-02-31", "there is no such time as `2030-02-31`"),
        ("keep_until: soon", "write a time such as"),
        ("on_expire: destroy, lifecycle: {prevent_destroy: true}", "is against `lifecycle.prevent_destroy`"),
        ("timeout: 0", "`timeout` has to be longer than 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, fields: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, fields)
    assert words in "".join(f"{problem.summary} {problem.hint}" for problem in caught.value.diagnostics)


def rest(live: LiveState, **more: object) -> LiveState:
    return replace(live, sandboxes=tuple(replace(found, **more) for found in live.sandboxes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "state", "action"),
    [
        ({}, "running", "stop"),
        ({}, "paused", "stop"),
        ({}, "exited", None),
        ({"on_expire": "pause"}, "running", "pause"),
        ({"on_expire": "pause"}, "paused", None),
        ({"on_expire": "destroy"}, "running", "remove"),
        ({"on_expire": "destroy"}, "exited", "remove"),
        ({"on_expire": "destroy", "lifecycle": Lifecycle(prevent_destroy=True)}, "running", "stop"),
        ({"kind": "task"}, "running", "stop"),
        ({"kind": "task", "on_expire": "destroy"}, "exited", None),
    ],
)
def test_what_has_lived_its_time_ends_as_its_record_says(fields: dict[str, object], state: str, action: str) -> None:
    _, live = scene(HOUR + 1, timeout=HOUR, **fields)
    plan = plan_endings(rest(live, state=state, exit_code=0 if state == "exited" else None), "dev")
    assert [change.action for change in plan.changes] == ([action] if action else [])
    if action:
        assert type(plan.steps[0]).__name__ == "HoldContainer"


@pytest.mark.parametrize("age", [0, HOUR - 1, HOUR])
def test_nothing_ends_before_its_time(age: int) -> None:
    """Of both times the fractions of seconds are cut off, so that one that looks just over may not be."""
    assert plan_endings(scene(age, timeout=HOUR)[1], "dev").steps == ()


def test_what_has_expired_is_left_as_it_is_until_the_file_gives_it_more_time() -> None:
    stack, live = scene(2 * HOUR, timeout=HOUR)
    hold = Hold(state="stopped", user="dev", since=MADE + HOUR, name="x", by_lifetime=True)
    for word in (hold, None):
        live = rest(live, state="exited", exit_code=143, hold=word, amendments=("x",) if word else ())
        plan = make_plan(stack, live, frozenset())
        assert plan.empty
        assert [(held.name, held.expired) for held in plan.held] == [("api", True)]
        assert "api  expired at" in render_plan(plan)
        longer = replace(stack, sandboxes={"api": box(timeout=3 * HOUR)})
        assert "start" in {step.id.rpartition(":")[2] for step in make_plan(longer, live, frozenset()).steps}


def test_what_was_destroyed_by_its_lifetime_is_made_anew_and_the_plan_says_why() -> None:
    stack, live = scene(2 * HOUR, timeout=HOUR, on_expire="destroy")
    hold = Hold(state="stopped", user="dev", since=MADE + HOUR, name="x", by_lifetime=True)
    gone = replace(live, sandboxes=(), expired={"api": hold})
    (change,) = [change for change in make_plan(stack, gone, frozenset()).changes if change.kind == "sandbox"]
    assert (change.action, change.cause) == ("create", "expired")
    assert [found.expired for found in summarize(stack, gone, MADE)] == [True]


def test_an_extension_counts_from_the_end_and_from_now_where_that_is_over() -> None:
    def until(age: int, **fields: object) -> list[int]:
        live = scene(age, timeout=HOUR)[1]
        plan = plan_extensions(rest(live, **fields), ["api"], Extension(seconds=60, user="dev"))
        return [step.until for step in plan.steps if isinstance(step, ExtendContainer)]

    assert until(5) == [MADE + HOUR + 60]
    assert until(2 * HOUR) == [MADE + 2 * HOUR + 60]
    assert until(5, extended=MADE + 2 * HOUR) == [MADE + 2 * HOUR + 60]


def test_what_cannot_live_longer_is_refused_by_name_and_left_out_by_glob() -> None:
    live = scene(5)[1]
    assert plan_extensions(live, ["api"], Extension(seconds=60, user="dev")).empty
    with pytest.raises(InputError, match="api has no lifetime that could be longer"):
        plan_extensions(live, ["api"], Extension(seconds=60, user="dev", exact=frozenset({"api"})))
    with pytest.raises(InputError, match="cannot live that long"):
        plan_extensions(scene(5, timeout=HOUR)[1], ["api"], Extension(seconds=10**11, user="dev"))


@pytest.mark.parametrize(
    ("fields", "seconds", "ends"),
    [
        ({}, 601, True),
        ({}, 600, False),
        ({}, 0, False),
        ({"keep_until": MADE + HOUR}, 601, False),
        ({"keep_until": MADE + 4}, 601, True),
        ({"timeout": HOUR}, 601, True),
    ],
)
def test_one_in_which_nothing_happens_ends_unless_it_is_kept(fields: dict[str, int], seconds: int, ends: bool) -> None:
    live = scene(5, idle_timeout=600, **fields)[1]
    idle = {found.id: float(seconds) for found in live.sandboxes}
    assert bool(plan_endings(live, "x", idle).steps) == ends
    assert plan_endings(rest(live, extended=MADE + HOUR), "x", idle).empty
    assert plan_endings(rest(live, state="paused"), "x", idle).empty


def test_what_was_idle_stays_so_until_somebody_starts_it() -> None:
    stack, live = scene(HOUR, idle_timeout=600)
    hold = Hold(state="stopped", user="reaper", since=MADE + HOUR, name="x", by_lifetime=True, idle=True)
    live = rest(live, state="exited", exit_code=143, hold=hold, amendments=("x",))
    plan = make_plan(stack, live, frozenset())
    assert plan.empty
    text = render_plan(plan)
    assert "api  expired, as it was idle, and stopped at" in text
    assert "`nexusctl start api` or `nexusctl apply --start-stopped` lets it go on" in text
    wish = Transition(verb="start", user="dev", now=MADE + HOUR, exact=frozenset({"api"}))
    assert "start" in {step.id.rpartition(":")[2] for step in plan_states(live, ["api"], wish, {}).steps}
    assert [status.expired for status in summarize(stack, live, MADE + HOUR)] == [True]


def test_what_is_pulled_back_takes_no_word_on_the_sandbox_along() -> None:
    box = Sandbox(name="api", group="api", image="base:1", timeout=60)
    found = LiveSandbox(
        id="1",
        name="shop_api",
        sandbox="api",
        state="exited",
        record=box,
        amendments=("old", "hold", "extension", "past"),
        hold=Hold(state="stopped", user="dev", since=1, name="hold"),
        extensions=("extension",),
        past=("past",),
    )
    (step,) = plan_record("shop", found, box, ()).steps
    assert isinstance(step, UpdateContainer)
    assert step.stale == ("old",)


def test_a_plan_says_what_ends_when_it_is_idle() -> None:
    stack, live = scene(0, idle_timeout=HOUR)
    plan = make_plan(stack, live, frozenset())
    assert plan.empty
    assert "Lifetimes: api ends when idle for 1 h 0 min." in render_plan(plan)
    (told,) = plan_document(plan)["lifetimes"]
    assert (told["expires_at"], told["expired"], told["idle_timeout"]) == (None, False, HOUR)
    stack, live = scene(0, idle_timeout=HOUR, timeout=2 * HOUR)
    said = "Lifetimes: api expires in 2 h 0 min and ends when idle for 1 h 0 min."
    assert said in render_plan(make_plan(stack, live, frozenset()))
