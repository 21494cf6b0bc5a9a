"""Packages of a live sandbox: whether they can change in place, and what each manager then has to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from posixpath import dirname, normpath

from nexusctl.model.lockfile import BELOW
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Difference, PackageChange
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import Manager, PackageSet
from nexusctl.packages import MANAGERS
from nexusctl.plan.compare.paths import place

_ROOTS = ("", "0", "root")


def find_obstacle(sandbox: Sandbox, holder: LiveSandbox, stack: Stack) -> str:
    """Why the managers cannot bring what `sandbox` asks for into its container; empty where they can.

    The words follow `because`. Managers work in it as root and over its own networks. What a former lock has brought,
    nobody but a new image forgets.
    """
    record = holder.record
    assert record is not None
    if holder.state != "running":
        return "it does not run"
    # Root has no power in a sandbox with a user of its own.
    user = (sandbox.user or "").partition(":")[0]
    if user not in _ROOTS:
        return f"root installs packages, and it runs as {user}"
    if record.read_only:
        return "nothing can be written in it"
    if not _has_way_out(sandbox, stack):
        return "none of its networks leads to a package index"
    before, after = _by_manager(record), _by_manager(sandbox)
    for manager in sorted(before.keys() | after.keys()):
        if not _can_follow(before.get(manager), after.get(manager)):
            return f"only a new image forgets what {manager} has installed"
    sharing = next(
        (manager for manager in sorted(before.keys() | after.keys()) if _shares_files(manager, record, sandbox)), ""
    )
    return f"{sharing} would write into files that are uploaded" if sharing else ""


def change_packages(
    record: Sandbox, desired: Sandbox, differences: Iterable[Difference], *, again: bool = False
) -> Iterator[PackageChange]:
    """What each manager has to do so that the packages are as desired; one that is not asked for now comes last.

    With `again` it installs all, whatever was recorded.
    """
    drift = [d for d in differences if d.cause == "drifted" and d.field.startswith("packages.")]
    before, after = _by_manager(record), _by_manager(desired)
    for manager in (*after, *(before.keys() - after.keys())):
        old = before.get(manager, PackageSet(manager=manager))
        new = after.get(manager, PackageSet(manager=manager))
        prefix = f"packages.{manager}."
        drifted = {d.field.removeprefix(prefix): d.after for d in drift if d.field.startswith(prefix)}
        kept, known = {package.name for package in new.packages}, set(old.packages)
        gone = (
            *sorted({package.name for package in old.packages} - kept),
            *sorted(name for name, version in drifted.items() if version is None),
        )
        lock = bool(new.lock_name) and (again or new != old or bool(drifted))
        # What lies below another package is nobody's to install but a lock's.
        pins = {n: str(version) for n, version in drifted.items() if version is not None and (lock or BELOW not in n)}
        change = PackageChange(
            wanted=new,
            changed=tuple(package for package in new.packages if again or package not in known),
            pins=pins,
            # A lock with its list brings the whole anew.
            remove=() if lock and new.fixed else gone,
            lock=lock,
        )
        if change.changed or change.pins or change.remove or change.lock:
            yield change


def _by_manager(sandbox: Sandbox) -> dict[Manager, PackageSet]:
    return {chosen.manager: chosen for chosen in sandbox.packages}


def _has_way_out(sandbox: Sandbox, stack: Stack) -> bool:
    declared = (stack.networks.get(name) for name in sandbox.networks)
    return any(network is None or not network.internal for network in declared)


def _can_follow(before: PackageSet | None, after: PackageSet | None) -> bool:
    if before and after and before.options != after.options and not (before.lock_name and after.lock_name):
        # To a manager what is there is there, whether its scripts have run or not.
        return False
    if before == after or not ((before and before.lock_name) or (after and after.lock_name)):
        return True
    if before is None or (after and after.fixed) or (before.fixed and not (after and after.lock_name)):
        return True
    return after is not None and bool(before.lock_name and after.lock_name) and MANAGERS[after.manager].follows_locks


def _shares_files(manager: Manager, record: Sandbox, desired: Sandbox) -> bool:
    """Whether `manager` would have to write into files that are uploaded."""
    chosen = _by_manager(desired).get(manager) or _by_manager(record).get(manager)
    if chosen is None or (chosen.lock_name and not chosen.fixed):
        return False
    paths = (place(u.target, f.path) for sandbox in (record, desired) for u in sandbox.uploads for f in u.files)
    folders = {dirname(path) for path in paths if path.rpartition("/")[2] in MANAGERS[manager].writes}
    # Where the image alone knows the working folder, any of them may be it.
    return bool(folders) and (desired.working_dir is None or normpath(desired.working_dir) in folders)
