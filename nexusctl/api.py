"""One function a verb. The only module that wires the rooms together.

stack = load(path)                               parse and resolve
live = engine.observe(stack)                     observe
plan = make_plan(stack, live, engine.in_place)   diff and plan
yield from execute(plan, engine, interrupt)      execute
"""

from __future__ import annotations

import getpass
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from nexusctl import __version__
from nexusctl.config.load import load
from nexusctl.config.suggestion import suggest
from nexusctl.engine.base import Engine, Report
from nexusctl.errors import Diagnostic, InputError, Note, PlanError
from nexusctl.model.event import Event
from nexusctl.model.live import LiveSandbox, LiveState, LockHolder
from nexusctl.model.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.plan.fingerprint import Basis, take_fingerprints
from nexusctl.plan.plan import make_plan
from nexusctl.plan.recorded import recorded_stack, select_drift
from nexusctl.plan.rollback import plan_back, recall_stack
from nexusctl.plan.saved import Saved, Unusable, find_moved, read_saved, write_saved
from nexusctl.plan.selection import Choice, group_names, match_names, select_changes
from nexusctl.plan.status import SandboxStatus, select, summarize
from nexusctl.run.interrupt import Interrupt

__all__ = [
    "apply",
    "connect",
    "empty_stack",
    "find_drift",
    "find_lock",
    "find_sandboxes",
    "hold_lock",
    "load",
    "observe_remains",
    "plan",
    "plan_rollback",
    "prepare",
    "read_plan",
    "recall_plan",
    "save_plan",
    "select",
    "status",
]

EVERYTHING = Choice()


def connect() -> Engine:
    """The engine that DOCKER_HOST, the docker context or a usual socket names; raises `EngineUnreachable`."""
    # Commands that need no engine start a third faster without its HTTP client.
    from nexusctl.engine.docker.engine import connect as connect_docker  # noqa: PLC0415

    return connect_docker()


def plan(engine: Engine, stack: Stack, *, deep: bool = False, remove_volumes: bool = False) -> Plan:
    """What would make the live sandboxes what `stack` says. Changes nothing. Raises `PlanError`, `EngineError`."""
    return make_plan(stack, observe(engine, stack, deep=deep), engine.in_place, remove_volumes=remove_volumes)


def observe(engine: Engine, stack: Stack, *, deep: bool = False) -> LiveState:
    """What is there for `stack`; `deep` inspects each sandbox and looks inside. Raises `EngineError`."""
    live = engine.observe(stack, deep=deep)
    return engine.look_inside(live) if deep else live


def prepare(engine: Engine, stack: Stack, *, deep: bool = False, choice: Choice = EVERYTHING) -> Basis:
    """The plan for what `choice` means, together with all that it was made of.

    Changes nothing. Raises `InputError` for a choice that means nothing, `PlanError`, `EngineError`.
    """
    live = observe(engine, stack, deep=deep)
    _require_known(choice, group_names(stack, live))
    whole = make_plan(stack, live, engine.in_place)
    return Basis(stack=stack, live=live, choice=choice, plan=select_changes(whole, stack, live, choice))


def _require_known(choice: Choice, groups: Mapping[str, str]) -> None:
    unknown = [word for word in (*choice.targets, *choice.excludes) if not match_names(word, groups)]
    if unknown:
        known = {*groups, *groups.values()}
        raise InputError(
            *(Diagnostic(f"no sandbox is called {w}", hint=suggest(w, known, "the sandboxes")) for w in unknown)
        )


def find_drift(engine: Engine, stack: Stack, names: tuple[str, ...] = ()) -> Plan:
    """Where what is live differs from what was applied; `names` are sandboxes or groups, all where none is given.

    The plan has no steps. Raises `InputError` for a name that means nothing, `PlanError`, `EngineError`.
    """
    live = observe(engine, stack, deep=True)
    groups = group_names(stack, live)
    _require_known(Choice(targets=names), groups)
    chosen = frozenset().union(*(match_names(name, groups) for name in names)) if names else None
    return select_drift(make_plan(recorded_stack(stack, live), live, engine.in_place), chosen)


def save_plan(basis: Basis, file: Path, to: Path, *, deep: bool) -> None:
    """Write the plan to `to`, which only its owner may read. Raises `InputError` where that cannot be written."""
    salt = os.urandom(16).hex()
    saved = Saved(
        version=__version__,
        file=str(file.absolute()),
        stack=basis.stack.name,
        choice=basis.choice,
        deep=deep,
        salt=salt,
        prints=take_fingerprints(basis, salt),
    )
    beside = to.with_name(f".{to.name}.{salt[:8]}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file_beside:
            file_beside.write(write_saved(saved))
        beside.replace(to)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(Diagnostic(f"the plan cannot be saved as {to}: {error.strerror}")) from None


def read_plan(path: Path) -> Saved:
    """The saved plan in the file `path`. Raises `InputError` for what is none, or not one of this nexusctl's."""
    try:
        return read_saved(path.read_text(encoding="utf-8"), version=__version__)
    except OSError as error:
        problem = error.strerror or str(error)
    except UnicodeDecodeError:
        problem = "it is not a saved plan"
    except Unusable as error:
        problem = str(error)
    raise InputError(
        Diagnostic(f"{path} cannot be applied: {problem}", hint="`nexusctl plan --out FILE` makes a saved plan")
    )


def recall_plan(engine: Engine, saved: Saved) -> Basis:
    """The saved plan, made anew; the caller holds the stack's lock. Raises `PlanError` with all that moved."""
    stack = load(Path(saved.file))
    if stack.name != saved.stack:
        raise _outdated(f"input: the stack is called {stack.name}, it was {saved.stack}")
    basis = prepare(engine, stack, deep=saved.deep, choice=saved.choice)
    if moved := find_moved(saved.prints, take_fingerprints(basis, saved.salt)):
        raise _outdated(*moved)
    return basis


def _outdated(*moved: str) -> PlanError:
    return PlanError(
        Diagnostic(
            "the saved plan does not hold any more; nothing was changed",
            notes=tuple(Note(phrase) for phrase in moved),
            hint="`nexusctl plan --out FILE` makes a new one",
        )
    )


def apply(engine: Engine, chosen: Plan, interrupt: Interrupt) -> Iterator[Event]:
    """Carry out a plan; the caller holds the stack's lock."""
    # Thread pools and graphs are not needed for a plan without steps.
    from nexusctl.run.early_exit import watch  # noqa: PLC0415
    from nexusctl.run.executor import execute  # noqa: PLC0415

    return watch(execute(chosen, engine, interrupt), engine, chosen.stack)


def plan_rollback(engine: Engine, before: Basis, touched: frozenset[str]) -> Plan:
    """The plan back to what was recorded before, for the sandboxes that a run touched. Raises `PlanError`."""
    former = recall_stack(before)
    # A change in place that failed halfway shows only inside.
    return plan_back(former, observe(engine, former, deep=True), touched, engine.in_place)


def find_lock(engine: Engine, stack: str) -> LockHolder | None:
    """Who holds the stack's lock now."""
    return engine.observe(empty_stack(stack)).lock


def hold_lock(engine: Engine, stack: str, *, timeout: float, report: Report) -> AbstractContextManager[None]:
    """The stack's lock, held while inside; raises `LockHeld` after `timeout` seconds."""
    holder = LockHolder(
        stack=stack,
        owner=os.urandom(8).hex(),
        user=getpass.getuser(),
        host=platform.node(),
        pid=os.getpid(),
        command=" ".join(["nexusctl", *sys.argv[1:2]]),
        since=time.time(),
    )
    return engine.lock(stack, holder, timeout=timeout, report=report)


def empty_stack(name: str) -> Stack:
    """The desired state of a stack that is to be destroyed."""
    return Stack(name=name)


def observe_remains(engine: Engine, stack: str) -> LiveState:
    """What bears the labels of `stack` now, for the last word of `destroy`."""
    return engine.observe(empty_stack(stack))


def status(engine: Engine, stack: Stack) -> tuple[SandboxStatus, ...]:
    """Each declared and each live sandbox of the stack.

    An engine probes for the first time only when an interval has passed; where it has not done so yet, we do.
    """
    live = engine.observe(stack, deep=True)
    return summarize(stack, replace(live, sandboxes=_probe_unprobed(engine, live.sandboxes)), time.time())


def _probe_unprobed(engine: Engine, sandboxes: tuple[LiveSandbox, ...]) -> tuple[LiveSandbox, ...]:
    unprobed = [live for live in sandboxes if live.health == "starting" and live.state == "running"]
    if not unprobed:
        return sandboxes
    # Threads are loaded only where there is something to ask.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(max_workers=8) as pool:
        healthy = {live.id for live, passed in zip(unprobed, pool.map(_probe(engine), unprobed), strict=True) if passed}
    return tuple(replace(live, health="healthy") if live.id in healthy else live for live in sandboxes)


def _probe(engine: Engine) -> Callable[[LiveSandbox], bool]:
    def passes(live: LiveSandbox) -> bool:
        health = live.record.health if live.record else None
        return health is not None and engine.probe(live.id, health).exit_code == 0

    return passes


def find_sandboxes(engine: Engine, stack: Stack, names: tuple[str, ...]) -> tuple[LiveSandbox, ...]:
    """The live sandboxes that `names` (of sandboxes or of groups) mean, all where none is given.

    Raises `InputError` for a name that means none of them, with those that there are.
    """
    live = engine.observe(stack)
    ready = {status.container_id: status for status in summarize(stack, live, 0.0) if status.container_id}
    found = [sandbox for sandbox in live.sandboxes if sandbox.id in ready]
    known = sorted({ready[sandbox.id].name for sandbox in found})
    missing = [n for n in names if not any(n in (ready[x.id].name, ready[x.id].group) for x in found)]
    if missing:
        hint = f"live are: {', '.join(known)}" if known else "none is live; `nexusctl apply` makes them"
        raise InputError(*(Diagnostic(f"stack {stack.name} has no live sandbox {n}", hint=hint) for n in missing))
    order = {sandbox.id: number for number, sandbox in enumerate(sorted(found, key=lambda x: known.index(x.sandbox)))}
    wanted = [x for x in found if not names or {ready[x.id].name, ready[x.id].group} & set(names)]
    return tuple(sorted(wanted, key=lambda x: order[x.id]))


def stack_at(path: Path, name: str | None) -> Stack:
    """The stack that a command is about: the one called `name` where it is given, else the one in the file."""
    return empty_stack(name) if name else load(path)
