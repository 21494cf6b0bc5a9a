"""A stack's lock: a volume, because creating one is an atomic test-and-set that answers with the winner's labels.

It lies on the engine, so it also holds between machines. An owner on this machine that died is taken over;
any other is only ended by `unlock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.base import Report
from nexusctl.engine.docker.foreign import describe_owner
from nexusctl.engine.docker.volume import claim_volume
from nexusctl.engine.docker.wire import Wire
from nexusctl.errors import Conflict, Diagnostic, EngineError, LockHeld, NotFound
from nexusctl.model.live import LockHolder
from nexusctl.model.names import lock_name

PAUSE = 0.2
"""Seconds between two tries."""

_BIRTH = labels.LOCK + "birth"


@contextmanager
def hold(wire: Wire, stack: str, holder: LockHolder, *, timeout: float, report: Report) -> Iterator[None]:
    """Hold the lock while inside. Raises `LockHeld` after `timeout` seconds, `EngineError`.

    One that cannot be removed at the end takes nothing back from what was done: `report` says that it is left.
    """
    _acquire(wire, stack, holder, timeout, report)
    try:
        yield
    finally:
        try:
            _release(wire, stack, holder.owner)
        except EngineError:
            report(
                f"the lock of stack {stack} is left behind: the next nexusctl on this machine takes it over, "
                f"elsewhere `nexusctl unlock {stack}` removes it"
            )


def unlock(wire: Wire, stack: str) -> LockHolder | None:
    """Remove the lock, whoever holds it; returns whose it was, None where there was none. Raises `EngineError`."""
    entry = _look(wire, stack)
    if entry is None:
        return None
    _require_lock(entry)
    _remove(wire, stack)
    return read_holder(entry)


def read_holder(volume: Mapping[str, Any]) -> LockHolder:
    """Who holds the lock that `volume` is. Unreadable numbers are 0, for a lock must never be overlooked."""
    found = volume["Labels"] or {}

    def text(name: str) -> str:
        return str(found.get(labels.LOCK + name, ""))

    return LockHolder(
        stack=found.get(labels.STACK, ""),
        owner=text("owner"),
        user=text("user"),
        host=text("host"),
        pid=int(text("pid")) if text("pid").isdigit() else 0,
        command=text("command"),
        since=_read_number(text("since")),
    )


def describe_holder(holder: LockHolder) -> str:
    """Such as `ann@laptop (pid 12, nexusctl apply) since 12:01:03`."""
    since = datetime.fromtimestamp(holder.since).strftime("%Y-%m-%d %H:%M:%S")
    return f"{holder.user or 'somebody'}@{holder.host or '?'} (pid {holder.pid}, {holder.command or '?'}) since {since}"


def _acquire(wire: Wire, stack: str, holder: LockHolder, timeout: float, report: Report) -> None:
    deadline = time.monotonic() + timeout
    reported = False
    while (entry := _try(wire, stack, holder)) is not None:
        other = read_holder(entry)
        if is_dead(entry):
            _take_over(wire, stack, other.owner)
            report(f"took over the lock of stack {stack}: its owner {describe_holder(other)} has died")
            continue
        if time.monotonic() >= deadline:
            raise LockHeld(
                Diagnostic(
                    f"stack {stack} is being changed by {describe_holder(other)}",
                    hint=f"wait for it; if it is gone for good, `nexusctl unlock {stack}` removes its lock",
                )
            )
        if not reported:
            report(f"waiting for {stack}'s lock held by {describe_holder(other)}")
            reported = True
        time.sleep(PAUSE)


def _try(wire: Wire, stack: str, holder: LockHolder) -> Mapping[str, Any] | None:
    """One test-and-set; None where it is ours now, else the volume that says whose it is."""
    try:
        entry = claim_volume(wire, lock_name(stack), _labels(stack, holder))
    except (EngineError, KeyboardInterrupt) as error:
        # Without an answer it may have been made all the same.
        if not isinstance(error, EngineError) or error.status == 0:
            with contextlib.suppress(EngineError):
                _release(wire, stack, holder.owner)
        raise
    _require_lock(entry)
    return None if read_holder(entry).owner == holder.owner else entry


def _require_lock(entry: Mapping[str, Any]) -> None:
    """Raise `Conflict` where a volume under a lock's name is somebody else's."""
    found = entry["Labels"] or {}
    if found.get(labels.ROLE) != "lock":
        raise Conflict(
            f"the volume name {entry['Name']} is taken by {describe_owner('volume', found)}",
            status=409,
            hint="nexusctl keeps its lock there; remove that volume, or give the stack another name",
        )


def _labels(stack: str, holder: LockHolder) -> dict[str, str]:
    fields = {
        "owner": holder.owner,
        "user": holder.user,
        "host": holder.host,
        "pid": str(holder.pid),
        "command": holder.command,
        "since": f"{holder.since:.3f}",
    }
    return {
        labels.STACK: stack,
        labels.ROLE: "lock",
        **{labels.LOCK + name: value for name, value in fields.items()},
        _BIRTH: process_birth(holder.pid),
    }


def process_birth(pid: int) -> str:
    """What tells a process of this machine from every other that ever had its pid; empty where it has ended.

    It is made of the kernel's boot, the namespace that the pid counts in, and the start time in clock ticks.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if status[0] in "ZX" else f"{_place()} {status[19]}"
    except (OSError, IndexError):
        return ""


def is_dead(entry: Mapping[str, Any]) -> bool:
    """Whether the lock's owner ran on this very machine and is gone. In doubt it is not."""
    holder = read_holder(entry)
    return has_ended(holder.host, holder.pid, (entry["Labels"] or {}).get(_BIRTH, "")) is True


def has_ended(host: str, pid: int, birth: str) -> bool | None:
    """Whether the process that was born so is gone; None where it cannot be looked at from here."""
    place = _place()
    if not place or not birth.startswith(f"{place} ") or host != socket.gethostname():
        return None
    return process_birth(pid) != birth


def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _take_over(wire: Wire, stack: str, owner: str) -> None:
    """Remove a dead owner's lock.

    Two that see the same dead owner must not remove each other's fresh lock; both are on this machine, so a
    file of it can keep them apart.
    """
    with _alone_on_this_machine():
        _release(wire, stack, owner)


@contextmanager
def _alone_on_this_machine() -> Iterator[None]:
    # Loading it takes longer than most locks are held, and only a take-over needs it.
    import tempfile  # noqa: PLC0415

    path = Path(tempfile.gettempdir()) / "nexusctl-takeover.lock"
    descriptor = _open_shared(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_shared(path: Path) -> int:
    """A descriptor of a file that any user of this machine may lock; reading is enough for that."""
    with contextlib.suppress(FileExistsError):
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444)
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)


def _release(wire: Wire, stack: str, owner: str) -> None:
    """Remove the lock if it is still `owner`'s."""
    entry = _look(wire, stack)
    if entry is not None and read_holder(entry).owner == owner:
        _remove(wire, stack)


def _look(wire: Wire, stack: str) -> Mapping[str, Any] | None:
    try:
        entry: Mapping[str, Any] = wire.get(f"/volumes/{lock_name(stack)}")
    except NotFound:
        return None
    return entry


def _remove(wire: Wire, stack: str) -> None:
    with contextlib.suppress(NotFound):
        wire.delete(f"/volumes/{lock_name(stack)}")


def _read_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
