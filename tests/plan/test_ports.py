"""Host ports: which are the same, who has to wait for whom, and what moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexusctl.model.observed.live import HealthState, LiveState
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import ReplaceContainer
from nexusctl.model.stack import Health, Port, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Reaction, Upload, UploadFile
from nexusctl.plan.plan import make_plan
from nexusctl.render.plan.plan import render_plan
from tests.plan.live_file import as_applied
from tests.plan.worlds import IMAGE

IN_PLACE = frozenset({"uploads"})


def stack(**sandboxes: Sandbox) -> Stack:
    return Stack(name="shop", sandboxes=sandboxes)


def sandbox(name: str, *ports: Port, **more: object) -> Sandbox:
    return Sandbox(**{"name": name, "group": name, "image": IMAGE, "ports": ports, **more})  # type: ignore[arg-type]


def plan_of(before: Stack, after: Stack, **live: object) -> Plan:
    return make_plan(after, replace(as_applied(before), **live), IN_PLACE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "::", False),
        ("::", "::1", True),
    ],
)
def test_a_number_on_two_addresses_is_no_clash_and_on_all_of_a_kind_it_is(one: str, other: str, same: bool) -> None:
    port, moved = Port(container=80, host=8080, address=one), Port(container=80, host=8080, address=other)
    # In one sandbox: whether its new container has to wait until the old one has ended.
    shown = render_plan(plan_of(stack(a=sandbox("a", port)), stack(a=sandbox("a", moved, env={"A": "1"}))))
    assert ("both need the same host port" in shown) is same
    # From one that goes to one that comes.
    passed = plan_of(stack(a=sandbox("a", port)), stack(b=sandbox("b", moved)))
    (start,) = (step for step in passed.steps if step.id == "sandbox:b:start")
    assert any(need.startswith("sandbox:a") for need in start.needs) is same
    # From a neighbour.
    held = {(one, 8080, "tcp"): "theirs"}
    shown = render_plan(plan_of(Stack(name="shop"), stack(b=sandbox("b", moved)), host_ports=held))
    assert ("is in use by theirs" in shown) is same


def test_what_has_the_port_is_named_with_its_own_address() -> None:
    held = {("::", 8080, "tcp"): "theirs"}
    wanted = stack(a=sandbox("a", Port(container=80, host=8080, address="::1")))
    shown = render_plan(plan_of(Stack(name="shop"), wanted, host_ports=held))
    assert "host port [::]:8080 is in use by theirs" in shown


def test_addresses_of_ipv6_are_written_in_brackets() -> None:
    before, after = (stack(a=sandbox("a", Port(container=80, host=n, address="::1"))) for n in (8080, 8081))
    assert '"[::1]:8080" -> "[::1]:8081"' in render_plan(plan_of(before, after))


def upload(digest: str) -> Upload:
    file = UploadFile(path="", digest=digest, mode=0o644, size=1)
    return Upload(target="/x", files=(file,), on_change=Reaction(restart=True))


@pytest.mark.parametrize(("host", "said"), [(None, True), (8080, False)])
def test_a_restart_says_which_host_ports_may_move(host: int | None, said: bool) -> None:
    before, after = (stack(a=sandbox("a", Port(container=80, host=host), uploads=(upload(n),))) for n in ("1", "2"))
    words = "with the restart the host port for 80 may become another one: name one to keep it"
    assert (words in render_plan(plan_of(before, after))) is said
    healthy = stack(a=sandbox("a", Port(container=80, host=host), health=Health(command=("true",))))
    assert (words in render_plan(make_plan(healthy, with_health(healthy, "unhealthy"), IN_PLACE))) is said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(None, None, True), (8080, 8080, False), (None, 8080, False), (8080, None, False)],
)
@pytest.mark.parametrize("on_replace", ["discard", "preserve"])
@pytest.mark.parametrize("alive", [True, False])
def test_a_replacement_says_which_host_ports_stay_and_which_may_move(
    before: int | None, after: int | None, said: bool, on_replace: str, alive: bool
) -> None:
    one, other = (
        stack(a=sandbox("a", Port(container=80, host=host), env={"A": a}, on_replace=on_replace))
        for host, a in ((before, "1"), (after, "2"))
    )
    live = as_applied(one)
    if not alive:
        live = replace(live, sandboxes=tuple(replace(s, state="exited", ports=()) for s in live.sandboxes))
    shown = render_plan(make_plan(other, live, IN_PLACE))
    assert (MAY_MOVE in shown) is (said and not alive)
    assert (STAYS in shown) is (said and alive)


MAY_MOVE = "with the replacement the host port for 80 may become another one: name one to keep it"
STAYS = "the host port stays the same unless somebody takes it meanwhile: 49152 for 80"
FREE = Port(container=80)
PROBED = {"health": Health(command=("true",))}


def replacement(before: Sandbox, after: Sandbox, **others: Sandbox) -> tuple[ReplaceContainer, str]:
    """The step that makes `after` of `before`, and what the plan says."""
    plan = plan_of(stack(**{before.name: before}), stack(**{after.name: after}, **others))
    (step,) = (step for step in plan.steps if isinstance(step, ReplaceContainer))
    return step, render_plan(plan)


def test_a_number_is_kept_where_the_old_one_is_stopped_first_and_costs_no_healthy_one_its_overlap() -> None:
    changed = {"env": {"A": "1"}}
    plain, _ = replacement(sandbox("a", FREE), sandbox("a", FREE, **changed))
    assert (plain.stop_first, plain.placement.ports) == (True, (replace(FREE, host=49152),))
    # It is answered for all the time, and a group by its others: then the number is not free.
    for more in (PROBED, {"group": "b"}):
        step, said = replacement(sandbox("a", FREE, **more), sandbox("a", FREE, **more, **changed))
        assert (step.stop_first, step.placement.ports) == (False, ())
        assert MAY_MOVE in said
    # Where it has to be stopped first for another reason, the number costs nothing.
    preserved = {**PROBED, "on_replace": "preserve"}
    step, _ = replacement(sandbox("a", FREE, **preserved), sandbox("a", FREE, **preserved, **changed))
    assert (step.stop_first, step.placement.ports) == (True, (replace(FREE, host=49152),))


def test_a_number_that_the_file_names_now_is_not_asked_for_by_another() -> None:
    # It names what the engine had chosen for it: the old one has it still, healthy or not.
    for more in ({}, PROBED):
        step, _ = replacement(sandbox("a", FREE, **more), sandbox("a", replace(FREE, host=49152), **more))
        assert (step.stop_first, step.placement.ports) == (True, ())
    # Another sandbox gets it.
    taker = sandbox("b", Port(container=1, host=49152))
    step, said = replacement(sandbox("a", FREE), sandbox("a", FREE, env={"A": "1"}), b=taker)
    assert (step.stop_first, step.placement.ports) == (True, ())
    assert MAY_MOVE in said


def with_health(wanted: Stack, health: HealthState) -> LiveState:
    live = as_applied(wanted)
    return replace(live, sandboxes=tuple(replace(found, health=health) for found in live.sandboxes))
