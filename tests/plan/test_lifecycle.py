"""What a sandbox's `lifecycle` keeps nexusctl from, with plans that are carried out on the memory engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nexusctl.api import planning
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import Diagnostic, PlanError
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import UpdateContainer
from nexusctl.model.stack import Lifecycle, Mount, Network, Port, Resources, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Package, PackageSet, Upload, UploadFile
from nexusctl.plan.commands.drift import recorded_stack
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.plan import make_plan
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for

PROTECTED = Lifecycle(prevent_destroy=True)


def stack(*sandboxes: Sandbox) -> Stack:
    return Stack(name="demo", sandboxes={sandbox.name: sandbox for sandbox in sandboxes})


def box(*ignore: str, **fields: Any) -> Sandbox:
    return Sandbox(name="box", group="box", image=IMAGE, lifecycle=Lifecycle(ignore=ignore), **fields)


def upload(target: str, digest: str) -> Upload:
    return Upload(target=target, files=(UploadFile(path="", digest=digest, mode=0o644),))


def plan(engine: MemoryEngine, *sandboxes: Sandbox, deep: bool = False) -> Plan:
    return planning.prepare(engine, stack(*sandboxes), deep=deep).plan


def applied(*sandboxes: Sandbox) -> MemoryEngine:
    engine = new_engine()
    carry_out(engine, plan(engine, *sandboxes))
    return engine


def fields_of(chosen: Plan) -> list[str]:
    return [difference.field for change in chosen.changes for difference in change.differences]


def refused(engine: MemoryEngine, *sandboxes: Sandbox) -> Diagnostic:
    before = list(engine.calls)
    with pytest.raises(PlanError) as caught:
        plan(engine, *sandboxes)
    assert engine.calls == before
    (problem,) = caught.value.diagnostics
    return problem


# -- ignore --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("env", {"env": {"A": "1"}}, {"env": {"B": "2"}}),
        ("env.A", {"env": {"A": "1", "B": "1"}}, {"env": {"A": "2", "B": "1"}}),
        ("env.A", {"env": {"A": "1"}}, {"env": {}}),
        ("env.A", {"env": {}}, {"env": {"A": "1"}}),
        ("image", {}, {"image": "alpine:3"}),
        ("metadata.team", {"metadata": {"team": "x"}}, {"metadata": {"team": "y"}}),
        ("resources", {"resources": Resources(cpus=1)}, {"resources": Resources(memory=2**27)}),
        ("resources.memory", {"resources": Resources(cpus=1)}, {"resources": Resources(cpus=1, memory=2**27)}),
        ("command", {"command": ("a",)}, {"command": None}),
        ("networks", {"networks": ("default",)}, {"networks": ()}),
        ("uploads./x", {"uploads": (upload("/x", "1"),)}, {"uploads": (upload("/x", "2"),)}),
        ("uploads./x", {"uploads": (upload("/x/y", "1"),)}, {"uploads": ()}),
        ("uploads./x", {"uploads": ()}, {"uploads": (upload("/x", "2"),)}),
        (
            "packages.npm.ms",
            {"packages": (PackageSet(manager="npm", packages=(Package(name="ms"), Package(name="pg"))),)},
            {"packages": (PackageSet(manager="npm", packages=(Package(name="pg"),)),)},
        ),
        ("packages.npm", {"packages": (PackageSet(manager="npm", packages=(Package(name="ms"),)),)}, {}),
    ],
)
def test_what_the_file_says_of_an_ignored_field_is_no_change(path: str, before: Any, after: Any) -> None:
    engine = applied(box(path, **before))
    assert plan(engine, replace(box(path), **after)).empty
    assert set(fields_of(plan(engine, replace(box(), **after)))) > {"lifecycle.ignore"}


def test_only_the_ignored_part_of_a_field_is_left() -> None:
    engine = applied(box("env.A", "uploads./x", env={"A": "1", "AB": "1"}, uploads=(upload("/x", "1"),)))
    changed = box("env.A", "uploads./x", env={"A": "2", "AB": "2"}, uploads=(upload("/x", "2"), upload("/xy", "1")))
    assert fields_of(plan(engine, changed)) == ["env.AB", "uploads./xy"]


def test_drift_of_an_ignored_field_is_neither_named_nor_put_right() -> None:
    engine = applied(box("resources.memory", "uploads./x", uploads=(upload("/x", "1"), upload("/y", "1"))))
    (container,) = engine.containers.values()
    container.resources = Resources(memory=2**28)
    container.files["/x"] = replace(container.files["/x"], mode=0o600)
    (same,) = (sandbox.record for sandbox in engine.observe(stack()).sandboxes)
    assert same is not None
    assert plan(engine, same, deep=True).empty
    live = planning.observe(engine, stack(same), deep=True)
    assert make_plan(recorded_stack(stack(same), live), live, engine.in_place).empty
    container.files["/y"] = replace(container.files["/y"], mode=0o600)
    chosen = plan(engine, same, deep=True)
    assert fields_of(chosen) == ["uploads./y"]
    assert [u.target for step in chosen.steps if isinstance(step, UpdateContainer) for u in step.uploads] == ["/y"]


def test_a_sandbox_in_which_something_else_is_mounted_is_replaced_unless_its_volumes_are_left_as_they_are() -> None:
    mounts = (Mount(kind="bind", source="/code/out", target="/out", real="/code/out"),)
    for ignore, told in (((), ["volumes./out"]), (("mounts",), [])):
        engine = applied(box(*ignore, mounts=mounts))
        (container,) = engine.containers.values()
        container.displaced["/out"] = "/etc"
        chosen = plan(engine, box(*ignore, mounts=mounts), deep=True)
        assert fields_of(chosen) == told
        carry_out(engine, chosen)
        assert plan(engine, box(*ignore, mounts=mounts), deep=True).empty


def test_a_limit_that_is_ignored_stays_as_it_is_where_another_one_is_set() -> None:
    engine = applied(box("resources.memory", "restart"))
    (live,) = engine.containers.values()
    live.resources, live.restart = replace(live.resources, memory=96 << 20), "always"
    carry_out(engine, plan(engine, box("resources.memory", "restart", resources=Resources(pids=50))))
    assert live.resources == Resources(pids=50, memory=96 << 20)
    assert live.restart == "always"


def test_a_field_that_is_ignored_no_longer_counts_again_although_other_things_were_recorded() -> None:
    engine = applied(box("env.A", env={"A": "1"}))
    carry_out(engine, plan(engine, box("env.A", env={"A": "2"}, metadata={"team": "x"})))
    assert fields_of(plan(engine, box(env={"A": "2"}, metadata={"team": "x"}))) == ["env.A", "lifecycle.ignore"]


def test_a_new_container_gets_ignored_fields_from_the_file() -> None:
    engine = applied(box("env.A", env={"A": "1"}, command=("a",)))
    chosen = plan(engine, box("env.A", env={"A": "2"}, command=("b",)))
    assert fields_of(chosen) == ["command"]
    carry_out(engine, chosen)
    (container,) = engine.containers.values()
    assert container.sandbox.env == {"A": "2"}
    assert plan(engine, box("env.A", env={"A": "2"}, command=("b",))).empty


def test_a_port_that_is_left_as_it_is_stays_and_a_new_container_gets_that_of_the_file() -> None:
    engine = applied(box(ports=(Port(container=80, host=8080),)))
    moved = box("ports", ports=(Port(container=80, host=8081),))
    assert fields_of(plan(engine, moved)) == ["lifecycle.ignore"]
    carry_out(engine, plan(engine, moved))
    carry_out(engine, plan(engine, replace(moved, env={"A": "2"})))
    (container,) = engine.containers.values()
    assert [port.host for port in container.ports] == [8081]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_left_as_it_is_goes_to_nobody_else(address: str) -> None:
    engine = applied(box(ports=(Port(container=80, host=8080),)))
    other = Sandbox(name="other", group="other", image=IMAGE, ports=(Port(container=80, host=8080, address=address),))
    problem = refused(engine, box("ports"), other)
    assert problem.summary == "other wants host port 8080, which box keeps: it ignores its ports"
    assert problem.hint == "give other another one, or take `ports` out of what box ignores"
    assert fields_of(plan(engine, box(), other)) == ["ports.80/tcp[0]"], "it lets go of it where it may"
    assert plan(engine, box("ports", env={"A": "2"}), other), "it lets go of it with its container"


# -- prevent_destroy -----------------------------------------------------------------------------------------


def test_a_protected_sandbox_is_not_replaced_and_the_field_is_named() -> None:
    engine = applied(replace(box(env={"A": "1"}), lifecycle=PROTECTED))
    problem = refused(engine, replace(box(env={"A": "2"}), lifecycle=PROTECTED))
    assert problem.summary == (
        "sandbox box must not be destroyed, and would be replaced: env.A cannot change in a live container"
    )
    assert problem.sandbox == "box"
    assert problem.hint is not None
    assert "take back env.A" in problem.hint


def test_a_protected_sandbox_is_not_removed_whether_it_left_the_file_or_all_is_destroyed() -> None:
    engine = applied(replace(box(), lifecycle=PROTECTED), replace(box(), name="other", group="other"))
    assert "it is not in the stack file" in refused(engine, replace(box(), name="other", group="other")).summary
    with pytest.raises(PlanError, match="its stack is destroyed"):
        planning.plan(engine, planning.empty_stack("demo"))


def test_what_leaves_a_protected_sandbox_alone_goes_on() -> None:
    engine = applied(replace(box(env={"A": "1"}), lifecycle=PROTECTED))
    other = replace(box(), name="other", group="other")
    wanted = stack(replace(box(env={"A": "2"}), lifecycle=PROTECTED), other)
    part = planning.prepare(engine, wanted, choice=Choice(excludes=("box",))).plan
    assert [change.name for change in part.changes if change.kind == "sandbox"] == ["other"]
    in_place = replace(box(env={"A": "1"}, resources=Resources(cpus=1)), lifecycle=PROTECTED)
    assert fields_of(plan(engine, in_place)) == ["resources.cpus"]


def test_protection_ends_when_the_file_says_so_and_that_was_applied() -> None:
    engine = applied(replace(box(), lifecycle=PROTECTED))
    chosen = plan(engine, box())
    assert fields_of(chosen) == ["lifecycle.prevent_destroy"]
    carry_out(engine, chosen)
    carry_out(engine, planning.plan(engine, planning.empty_stack("demo")))
    assert not engine.containers


def test_a_protected_sandbox_that_is_gone_is_made_again() -> None:
    engine = applied(replace(box(), lifecycle=PROTECTED))
    engine.containers.clear()
    carry_out(engine, plan(engine, replace(box(), lifecycle=PROTECTED)))
    assert len(engine.containers) == 1


def test_a_network_that_an_ignoring_sandbox_is_on_stays_where_the_file_makes_another_of_it() -> None:
    engine = new_engine()
    box = Sandbox(name="box", group="box", image=IMAGE, networks=("back",), lifecycle=Lifecycle(ignore=("networks",)))
    for internal in (False, True):
        networks = {"back": Network(name="back", internal=internal)}
        stack = Stack(name="demo", sandboxes={"box": box}, networks=networks)
        carry_out(engine, plan_for(engine, stack))
        assert plan_for(engine, stack).empty
