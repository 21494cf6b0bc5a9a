"""A plan of twice as many sandboxes takes twice the work: counted in calls, because time depends on the machine."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest

from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import Interior, LiveNetwork, LiveSandbox, LiveState, LiveVolume
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Dependency, Mount, Sandbox, Stack, Volume
from nexusctl.model.uploads_and_packages import Package, PackageSet, Reaction, Upload, UploadFile
from nexusctl.plan.plan import make_plan

FEW = 150
LARGE = 5000
TWICE = 2.15
"""A sort takes a little more than twice; anything that looks at all for each would take four times."""

IN_PLACE = MemoryEngine().in_place
PER_NETWORK = 500


def declare(count: int, **fields: Callable[[int], Any]) -> Stack:
    """`count` sandboxes, with a network for every few hundred; `fields` take a sandbox's number."""
    names = [f"s-{number}" for number in range(count)]
    sandboxes = {
        name: Sandbox(
            name=name,
            group=name,
            image="base:1",
            networks=(f"net-{number // PER_NETWORK}",),
            **{field: of(number) for field, of in fields.items()},
        )
        for number, name in enumerate(names)
    }
    sources = {mount.source for sandbox in sandboxes.values() for mount in sandbox.mounts}
    return Stack(name="large", sandboxes=sandboxes, volumes={name: Volume(name=name) for name in sources})


def bring_to_life(stack: Stack) -> LiveState:
    """Each sandbox as an engine shows it after an apply."""
    networks = {name for sandbox in stack.sandboxes.values() for name in sandbox.networks}
    ids = {name: f"id-of-{name}" for name in networks}
    return LiveState(
        stack=stack.name,
        sandboxes=tuple(
            LiveSandbox(
                id=f"id-of-{name}",
                name=container_name(stack.name, name),
                sandbox=name,
                state="running",
                record=sandbox,
                networks={ids[network]: f"large_{network}" for network in sandbox.networks},
            )
            for name, sandbox in stack.sandboxes.items()
        ),
        networks=tuple(LiveNetwork(id=ids[n], name=f"large_{n}", network=n) for n in sorted(networks)),
        volumes=tuple(LiveVolume(name=f"large_{name}", volume=name) for name in sorted(stack.volumes)),
        images=MemoryEngine(images={"base:1"}).observe(stack).images,
    )


def after_the_one_before(number: int) -> tuple[Dependency, ...]:
    return (Dependency(sandbox=f"s-{number - 1}", condition="started"),) if number else ()


def a_chain_and_its_leaves(number: int) -> tuple[Dependency, ...]:
    """The even ones are a chain, and each odd one hangs on a link of it."""
    if number % 2:
        return (Dependency(sandbox=f"s-{number - 1}", condition="started"),)
    return (Dependency(sandbox=f"s-{number - 2}", condition="started"),) if number else ()


def own_volume(number: int) -> tuple[Mount, ...]:
    return (Mount(kind="volume", source=f"data-{number}", target="/data"),)


def plan_first_apply(count: int) -> Plan:
    stack = declare(count, depends_on=after_the_one_before)
    return make_plan(stack, MemoryEngine(images={"base:1"}).observe(stack), IN_PLACE)


def plan_nothing(count: int) -> Plan:
    stack = declare(count, depends_on=after_the_one_before)
    return make_plan(stack, bring_to_life(stack), IN_PLACE)


def plan_leaves_of_an_unchanged_chain(count: int) -> Plan:
    before = declare(count, depends_on=a_chain_and_its_leaves, env=lambda number: {})
    after = declare(
        count,
        depends_on=a_chain_and_its_leaves,
        env=lambda number: {"CHANGED": "yes"} if number % 2 or not number else {},
    )
    return make_plan(after, bring_to_life(before), IN_PLACE)


def plan_destroy(count: int) -> Plan:
    before = declare(count, depends_on=after_the_one_before, mounts=own_volume)
    return make_plan(Stack(name="large"), bring_to_life(before), IN_PLACE, remove_volumes=True)


def plan_other_networks(count: int) -> Plan:
    """One network for two sandboxes each, and all of them go."""
    before = declare(count)
    pairs = {n: replace(s, networks=(f"pair-{i // 2}",)) for i, (n, s) in enumerate(before.sandboxes.items())}
    return make_plan(before, bring_to_life(replace(before, sandboxes=pairs)), IN_PLACE)


PLANS = [plan_first_apply, plan_nothing, plan_leaves_of_an_unchanged_chain, plan_destroy, plan_other_networks]


def write(numbers: Iterable[int], mark: str = "a", kind: Literal["file", "folder"] = "file") -> tuple[UploadFile, ...]:
    return tuple(UploadFile(path=f"f-{n}", digest=f"{mark}{n}", mode=0o644, kind=kind) for n in numbers)


def one_upload(files: tuple[UploadFile, ...]) -> tuple[Upload, ...]:
    return (Upload(target="/srv", files=files, on_change=Reaction(restart=True), ignore=("*.log",)),)


def many_uploads(count: int, mark: str) -> tuple[Upload, ...]:
    return tuple(
        Upload(target=f"/srv/{n}", files=write([n], mark), on_change=Reaction(restart=True), ignore=("*.log",))
        for n in range(count)
    )


def plan_one(before: Mapping[str, Any], after: Mapping[str, Any], interior: Interior | None = None) -> Plan:
    """For one sandbox that was applied with the fields of `before`."""
    live = bring_to_life(declare(1, **{field: lambda _, value=value: value for field, value in before.items()}))
    found = replace(live.sandboxes[0], interior=interior)
    desired = declare(1, **{field: lambda _, value=value: value for field, value in after.items()})
    return make_plan(desired, replace(live, sandboxes=(found,)), IN_PLACE)


def plan_changed_files(count: int) -> Plan:
    numbers = range(count)
    return plan_one({"uploads": one_upload(write(numbers))}, {"uploads": one_upload(write(numbers, "b"))})


def plan_changed_uploads(count: int) -> Plan:
    return plan_one({"uploads": many_uploads(count, "a")}, {"uploads": many_uploads(count, "b")})


def plan_gone_uploads(count: int) -> Plan:
    return plan_one({"uploads": many_uploads(count, "a")}, {"uploads": many_uploads(count, "a")[::2]})


def plan_folders_in_place_of_files(count: int) -> Plan:
    numbers = range(count)
    return plan_one(
        {"uploads": one_upload(write(numbers))}, {"uploads": one_upload(write(numbers, kind="folder"))}, Interior()
    )


def plan_added_files(count: int) -> Plan:
    uploads = many_uploads(count, "a")
    added = {f"/srv/{n}/{name}": "file" for n in range(count) for name in ("x.log", "x.txt")}
    return plan_one({"uploads": uploads}, {"uploads": uploads}, Interior(added=added))


def plan_changed_packages(count: int) -> Plan:
    def ask(version: str) -> tuple[PackageSet, ...]:
        packages = tuple(Package(name=f"p-{n}", version=version) for n in range(count))
        return (PackageSet(manager="pip", packages=packages),)

    return plan_one({"packages": ask("1")}, {"packages": ask("2")})


def plan_changed_mounts(count: int) -> Plan:
    def mount(folder: str) -> tuple[Mount, ...]:
        return tuple(Mount(kind="volume", source=f"v-{n}", target=f"{folder}/{n}") for n in range(count))

    return plan_one({"mounts": mount("/a")}, {"mounts": mount("/b")})


PLANS_OF_ONE = [
    plan_changed_files,
    plan_changed_uploads,
    plan_gone_uploads,
    plan_folders_in_place_of_files,
    plan_added_files,
    plan_changed_packages,
    plan_changed_mounts,
]


def count_work(make: Callable[[int], Plan], count: int) -> int:
    """Calls of Python functions and of built-in ones, and the needs of all steps."""
    calls = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        plan = make(count)
    finally:
        sys.setprofile(None)
    return calls + sum(len(step.needs) for step in plan.steps)


@pytest.mark.parametrize("make", PLANS, ids=lambda make: make.__name__)
def test_the_work_of_a_plan_grows_with_its_sandboxes(make: Callable[[int], Plan]) -> None:
    make(2)  # what is done once a process is no part of it
    assert count_work(make, 2 * FEW) < TWICE * count_work(make, FEW)


@pytest.mark.parametrize("make", PLANS_OF_ONE, ids=lambda make: make.__name__)
def test_the_work_of_a_plan_grows_with_what_changes_in_one_sandbox(make: Callable[[int], Plan]) -> None:
    make(2)
    assert count_work(make, 4 * FEW) < 4.3 * count_work(make, FEW)


def test_a_leaf_waits_for_the_change_behind_an_unchanged_chain() -> None:
    steps = {step.id: step for step in plan_leaves_of_an_unchanged_chain(8).steps}
    assert "sandbox:s-0:ready" in steps["sandbox:s-7:ready"].needs


def test_five_thousand_sandboxes_are_planned_within_300_mebibytes() -> None:
    tracemalloc.start()
    try:
        assert len(plan_first_apply(LARGE).changes) > LARGE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 * 1024**2
