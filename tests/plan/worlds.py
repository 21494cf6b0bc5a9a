"""Hypothesis strategies for stacks, and a way to carry a plan out on the memory engine one step after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.plan import Plan
from nexusctl.model.secret import Reveal, Secret, SecretFile, SecretText, SecretUse
from nexusctl.model.stack import (
    Dependency,
    Health,
    Mount,
    Network,
    Port,
    Resources,
    Sandbox,
    Stack,
    Upload,
    UploadFile,
    Volume,
)
from nexusctl.plan.plan import make_plan
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.perform import Ledger, perform

IMAGE = "debian:12"
TOKEN = SecretText(parts=("t-", SecretUse(secret="token", digest="d1")))
OTHER_TOKEN = SecretText(parts=("t-", SecretUse(secret="token", digest="d2")))
FILES = (SecretFile(secret="token", name="token", digest="d1"), SecretFile(secret="key", name="key", digest="d2"))
NAMES = ("a", "b", "c", "d", "e")
NETWORKS = ("default", "back", "front")
VOLUMES = ("data", "logs")


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Stacks of up to five sandboxes; a sandbox depends only on ones before it in a drawn order."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    sandboxes: dict[str, Sandbox] = {}
    for name in names:
        sandboxes[name] = draw(_sandboxes(name, dict(sandboxes)))
    internal = draw(st.booleans())
    return Stack(
        name="world",
        sandboxes=sandboxes,
        networks={name: Network(name=name, internal=internal and name == "back") for name in NETWORKS},
        volumes={name: Volume(name=name) for name in VOLUMES},
    )


@st.composite
def _sandboxes(draw: st.DrawFn, name: str, others: dict[str, Sandbox]) -> Sandbox:
    kind = draw(st.sampled_from(("service", "service", "task")))
    service = kind == "service"
    return Sandbox(
        name=name,
        group=name,
        image=draw(st.sampled_from((IMAGE, "alpine:3"))),
        kind=kind,
        run=draw(st.sampled_from(("once", "changed"))) if not service else "changed",
        command=draw(st.none() | st.just(("sleep", "1"))),
        env=draw(st.dictionaries(st.sampled_from("AB"), st.sampled_from(("1", "2", TOKEN, OTHER_TOKEN)))),
        secrets=draw(st.sampled_from(((), FILES[:1], FILES))) if service else (),
        uploads=draw(_uploads()),
        startup=draw(st.none() | st.sampled_from(("true", "echo"))) if service else None,
        health=draw(st.none() | st.just(Health(tcp_port=80))) if service else None,
        ports=draw(st.sampled_from(((), (Port(container=80),)))) if service else (),
        mounts=tuple(Mount(kind="volume", source=v, target=f"/{v}") for v in draw(st.sets(st.sampled_from(VOLUMES)))),
        networks=tuple(sorted(draw(st.sets(st.sampled_from(NETWORKS))))),
        resources=Resources(memory=draw(st.sampled_from((None, 2**26, 2**27)))),
        on_replace=draw(st.sampled_from(("discard", "preserve"))) if service else "discard",
        restart=draw(st.sampled_from(("no", "always"))) if service else "no",
        metadata=draw(st.dictionaries(st.just("team"), st.sampled_from(("x", "y")))),
        depends_on=tuple(_dependency(others[other]) for other in draw(_subsets(sorted(others)))),
    )


def _uploads() -> st.SearchStrategy[tuple[Upload, ...]]:
    file = st.builds(
        UploadFile,
        path=st.just(""),
        digest=st.sampled_from(("d1", "d2")),
        mode=st.sampled_from((0o644, 0o755)),
    )
    upload = st.builds(Upload, target=st.sampled_from(("/x", "/y")), files=st.tuples(file))
    return st.lists(upload, unique_by=lambda one: one.target, max_size=2).map(tuple)


def _subsets(names: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True) if names else st.just([])


def _dependency(other: Sandbox) -> Dependency:
    ready = "completed" if other.kind == "task" else "healthy" if other.health else "started"
    return Dependency(sandbox=other.name, condition=ready)  # type: ignore[arg-type]


def new_engine() -> MemoryEngine:
    return MemoryEngine(images=(IMAGE, "alpine:3"))


def plan_for(engine: MemoryEngine, stack: Stack) -> Plan:
    return make_plan(stack, engine.observe(stack), engine.in_place)


def _reveal(use: SecretUse | SecretFile) -> Secret:
    return Secret(use.digest.encode())


def carry_out(engine: MemoryEngine, plan: Plan, steps: int | None = None, reveal: Reveal = _reveal) -> None:
    """The first `steps` steps of a plan, all where None is given, in their order."""
    ledger = Ledger()
    for step in plan.steps[:steps]:
        perform(plan.stack, step, engine, ledger, lambda doing: None, Interrupt(), reveal)


def portrait(engine: MemoryEngine, stack: Stack) -> dict[str, Any]:
    """What the engine holds, without what differs from run to run."""
    live = engine.observe(stack, deep=True)
    networks = {network.id: network.name for network in live.networks}
    return {
        "sandboxes": sorted(
            (
                s.name,
                s.state,
                s.exit_code,
                replace(s.record, depends_on=tuple(sorted(s.record.depends_on, key=str))) if s.record else None,
                sorted(networks.get(n, n) for n in s.networks),
                s.inspection.resources if s.inspection else None,
                s.inspection.restart if s.inspection else None,
            )
            for s in live.sandboxes
        ),
        "networks": sorted((n.name, n.internal) for n in live.networks),
        "volumes": sorted(v.name for v in live.volumes),
        "orphans": live.orphans,
    }
