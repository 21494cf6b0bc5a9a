"""Packages of a live sandbox: removed and installed in it by their managers, while its programs go on.

The host's settings are lent to it as to a builder, and taken away again. What a dead nexusctl has left, the next one
clears away first: settings, half a download, a manager that still works.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nexusctl.engine.base import Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.interruptible import cut_by
from nexusctl.engine.docker.exec.end_processes import signal_marked
from nexusctl.engine.docker.exec.exec import CHANGE_TIMEOUT, ROOT
from nexusctl.engine.docker.exec.last_line import LastLine
from nexusctl.engine.docker.images.bring_in import Carriage, all_of, open_carriage
from nexusctl.engine.docker.images.builder import MANAGER_TIMEOUT, Builder, write_file
from nexusctl.engine.docker.images.host_trust import FOLDER, HostTrust, host_trust
from nexusctl.engine.docker.images.install import describe, explain, last_lines, put_lock, read_answer, with_tools
from nexusctl.engine.docker.images.package_inventory import (
    InstalledPackages,
    encode_known,
    read_entries,
    read_marks,
    recall,
)
from nexusctl.engine.docker.objects.networks_and_volumes import read_facts
from nexusctl.errors import Conflict, Diagnostic, EngineError, StepError
from nexusctl.model.lockfile import BELOW
from nexusctl.model.plan.plan import PackageChange
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.packages import MANAGERS
from nexusctl.packages.base import PackageManager

WORKROOM = "/tmp/.nexusctl-install"
"""Downloads and what is built from them; it goes when all is installed."""

_MARK = "NEXUSCTL_INSTALL"
"""The environment variable by which a manager is found that a dead nexusctl has started."""

_BUSY = 3

_ENTER = f"""
if [ -s "$1/mark" ]; then cat "$1/mark"; exit {_BUSY}; fi
rm -rf -- "$@"
mkdir -p -- "$1/tmp"
chmod 711 "$1" "$1/tmp"
printf %s "$MARK" > "$1/mark"
"""
_LEAVE = 'rm -rf -- "$@"'


def change_packages(
    wire: Wire, container_id: str, changes: Iterable[PackageChange], report: Report, cancel: Cancel = NEVER
) -> str:
    """Carry `changes` out; returns what is known of the managers' packages then, see `inventory.encode_known`.

    Raises `StepError` with the manager's last lines, and where `cancel` is requested, `Conflict` where the sandbox does
    not run, `EngineError`.
    """
    steps = tuple(changes)
    try:
        with cut_by(cancel, wire) as cuttable:
            return _change_packages(cuttable, container_id, steps, report)
    except EngineError:
        if not cancel.requested:
            raise
        names = ", ".join(dict.fromkeys(describe(change.wanted) for change in steps))
        hint = "the next apply begins it again; give it more time with `--timeout`"
        raise StepError(Diagnostic(f"the installation of {names} was ended", hint=hint)) from None


def _change_packages(wire: Wire, container_id: str, steps: tuple[PackageChange, ...], report: Report) -> str:
    inspected = wire.get(f"/containers/{container_id}/json")
    if inspected["State"]["Status"] != "running":
        hint = "plan again: it gets them with a new container then"
        raise Conflict("packages can be installed in a running sandbox only", status=409, hint=hint)
    folder = inspected["Config"]["WorkingDir"] or "/"
    # What others are built with comes first.
    beside = tuple(change.wanted for change in steps)
    marks, facts = read_marks(wire, inspected["Image"]), read_facts(wire, container_id)
    trust = host_trust()
    with (
        _open_sandbox(wire, inspected, folder, trust.open) as sandbox,
        open_carriage(wire, str(inspected["Image"]), trust, sandbox.id, WORKROOM) as carriage,
    ):
        known: dict[str, InstalledPackages] = {
            change.wanted.manager: _change(
                sandbox, change, folder, recall(change.wanted.manager, marks, facts), report, beside, carriage
            )
            for change in sorted(steps, key=lambda change: not MANAGERS[change.wanted.manager].builds_others)
        }
    return encode_known(known, marks)


def stage_of(manager: PackageManager, folder: str) -> str:
    """Where the lock of a manager that keeps it lies, below the working folder, until its packages are there."""
    return f"{folder.rstrip('/')}/.nexusctl-{manager.name}"


@contextmanager
def _open_sandbox(wire: Wire, inspected: Mapping[str, Any], folder: str, trust: HostTrust) -> Iterator[Builder]:
    """The sandbox as a place to install in; what this needs is there while inside and gone afterwards.

    Its programs can read it meanwhile, so `trust` has no secrets.
    """
    mark = uuid.uuid4().hex
    env = {**trust.env, _MARK: mark, "TMPDIR": f"{WORKROOM}/tmp"}
    sandbox = Builder(wire=wire, id=str(inspected["Id"]), base=inspected, trust=replace(trust, env=env))
    stages = (stage_of(manager, folder) for manager in MANAGERS.values() if manager.keeps_lock)
    places = (WORKROOM, FOLDER, *stages)
    try:
        _enter(sandbox, places, mark)
        for path, content in trust.files.items():
            write_file(sandbox, path, content)
        yield sandbox
    except EngineError:
        # It may go on without anybody who waits for it.
        with contextlib.suppress(EngineError):
            signal_marked(wire.uncut, sandbox.id, mark, ROOT, variable=_MARK)
        raise
    finally:
        # Where it has ended meanwhile, or the engine is silent, there are better words for it than these.
        with contextlib.suppress(EngineError):
            replace(sandbox, wire=wire.uncut).run(("/bin/sh", "-c", _LEAVE, "leave", *places), timeout=CHANGE_TIMEOUT)


def _enter(sandbox: Builder, places: tuple[str, ...], mark: str) -> None:
    command = ("/bin/sh", "-ec", _ENTER, "enter", *places)
    outcome = sandbox.run(command, env={"MARK": mark}, timeout=CHANGE_TIMEOUT)
    if outcome.exit_code == _BUSY:
        signal_marked(sandbox.wire, sandbox.id, outcome.output.strip(), ROOT, variable=_MARK)
        sandbox.run(("/bin/sh", "-c", _LEAVE, "leave", *places), timeout=CHANGE_TIMEOUT)
        outcome = sandbox.run(command, env={"MARK": mark}, timeout=CHANGE_TIMEOUT)
    if outcome.exit_code != 0:
        raise StepError(Diagnostic("nothing can be installed in it", output=last_lines(outcome.output)))


def _change(
    sandbox: Builder,
    change: PackageChange,
    folder: str,
    known: InstalledPackages,
    report: Report,
    beside: Sequence[PackageSet],
    carriage: Carriage | None,
) -> InstalledPackages:
    """Carry out what one manager has to do, where all install what is `beside`; returns what is known of it then."""
    wanted, manager = change.wanted, MANAGERS[change.wanted.manager]
    before = _look(sandbox, wanted, folder)
    pins = tuple(manager.pin(name, version) for name, version in sorted(change.pins.items()))
    if change.remove:
        doing = f"removing {', '.join(change.remove)} ({manager.name})"
        report(doing)
        gone = PackageSet(manager=wanted.manager, packages=_named(change.remove))
        _run(sandbox, gone, manager.remove(wanted, change.remove), folder, LastLine(report, doing))
    if change.changed or pins or change.lock:
        asked = PackageSet(manager=wanted.manager, packages=(*change.changed, *pins), lock_name=wanted.lock_name)
        changed = with_tools(asked, beside)
        doing = f"installing {describe(changed)} ({manager.name})"
        report(doing)
        lock_path = ""
        if change.lock:
            lock_path = put_lock(sandbox, wanted, stage_of(manager, folder) if manager.keeps_lock else WORKROOM)
        command, last = manager.change(wanted, changed.packages, lock_path), LastLine(report, doing)
        if carriage and manager.cache:
            settings = carriage.bring(all_of(wanted, changed), report)
            _run(sandbox, changed, command, folder, last, settings, lambda more: carriage.bring(more, report))
        else:
            _run(sandbox, changed, command, folder, last)
    after = _look(sandbox, wanted, folder)
    return _learn(known, before, after, frozenset(package.name for package in (*change.changed, *pins)))


def _learn(
    known: InstalledPackages, before: InstalledPackages, after: InstalledPackages, touched: frozenset[str]
) -> InstalledPackages:
    """What is known after a change: of what it did not touch, what was known before it stays so, drift and all."""
    installed = {
        name: version
        if name in touched or name not in known.installed or before.installed.get(name) != version
        else known.installed[name]
        for name, version in after.installed.items()
    }
    came = {p: version for p, version in after.inventory.items() if before.inventory.get(p) != version}
    went = before.inventory.keys() - after.inventory.keys()
    inventory = {**_take_places(known.inventory, before.inventory), **came}
    return InstalledPackages(
        installed=installed, inventory={p: version for p, version in inventory.items() if p not in went}
    )


def _take_places(known: Mapping[str, str], before: Mapping[str, str]) -> Mapping[str, str]:
    """The inventory that was known, or what is there where nobody knew, or of what its packages had below them."""
    if not known or any(known.values()):
        return known or before
    return {**known, **{place: version for place, version in before.items() if place.partition(BELOW)[0] in known}}


def _run(
    sandbox: Builder,
    what: PackageSet,
    command: tuple[str, ...],
    folder: str,
    last: LastLine,
    settings: Mapping[str, str] | None = None,
    bring: Callable[[PackageSet], object] | None = None,
) -> None:
    """Run what installs `what`; `bring` gets what shows to be missing besides. Raises `StepError`."""
    manager, asked = MANAGERS[what.manager], set[Package]()
    env = {**_env(manager), **(settings or {})}
    while (outcome := sandbox.run(command, env=env, working_dir=folder, on_output=last.take)).exit_code:
        missing = manager.missing(outcome.output) if bring else None
        if bring is None or missing is None or missing in asked:
            raise StepError(explain(manager, what, outcome.exit_code, outcome.output))
        asked.add(missing)
        bring(PackageSet(manager=what.manager, packages=(missing,)))


def _look(sandbox: Builder, wanted: PackageSet, folder: str) -> InstalledPackages:
    manager = MANAGERS[wanted.manager]

    def ask(command: tuple[str, ...], env: Mapping[str, str]) -> Outcome:
        outcome = sandbox.run(command, env={**env, **_env(manager)}, working_dir=folder, timeout=MANAGER_TIMEOUT)
        if outcome.timed_out:
            summary = f"{manager.name} does not say within {MANAGER_TIMEOUT:g} s what is there"
            raise StepError(Diagnostic(summary, hint="see what it waits for, with `nexusctl exec`"))
        return outcome

    inventory = ask(manager.inventory(), {}).output
    found = manager.find(inventory, wanted)
    if found is None:
        found = read_answer(manager, ask(manager.query(wanted), {}).output, wanted)
    return InstalledPackages(
        installed={package.name: package.version for package in found},
        inventory=read_entries(inventory),
    )


def _env(manager: PackageManager) -> dict[str, str]:
    return {**manager.env, **({manager.cache: f"{WORKROOM}/cache"} if manager.cache else {})}


def _named(names: Iterable[str]) -> tuple[Package, ...]:
    return tuple(Package(name=name) for name in names)
