"""A stack's lock: a mark, because creating a volume is an atomic test-and-set that answers with the winner's labels.

It lies on the engine, so it also holds between machines. An owner on this machine that died is taken over, and
so is one in a container of this engine, the reaper, that has ended or begun anew since; any other is only ended by
`unlock`.

No prune takes it (see `client/claim_volume.py`), but whoever may use the engine may remove it, as `unlock` does. So it
is looked at again before each step that changes something. One that is gone, or somebody else's, is never put back:
others may have held it in between and made the plan untrue. Then nothing more is begun. What the steps that run at that
moment have left to do they still do; in this they can overlap with the first steps of whoever came next.

On a disk without space a volume cannot be made. Whoever is there to make space may go on without one as long as there
is none of somebody else's, and takes the lock as soon as it can be made: the same test-and-set before each step.
"""

from __future__ import annotations

import contextlib
import os
import time
from _socket import gethostname
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.base import Report
from nexusctl.engine.docker.client.claim_volume import claim_mark
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.ownership import describe_owner
from nexusctl.errors import Conflict, Diagnostic, EngineError, LockHeld, LockLost, NotFound, is_out_of_space
from nexusctl.model.engine_names import lock_name
from nexusctl.model.observed.lock_holder import LockHolder, describe_holder

PAUSE = 0.2
"""Seconds between two tries."""

LAST_TIME = 253_000_000_000.0
"""In the year 9987: no calendar goes much further."""

TURN = 1.0
"""Seconds that heirs of one dead owner wait for each other at least; a removal takes some milliseconds."""

_BIRTH = labels.LOCK + "birth"
_LIFE = labels.LOCK + "life"
"""Of an owner in a container of the engine: its id, and when it was started."""


Check = Callable[[], None]
"""Raises `LockLost` where the lock that was taken is not there any more, `EngineError` where nobody can say."""


@contextmanager
def hold(
    wire: Wire, stack: str, holder: LockHolder, *, timeout: float, report: Report, makes_space: bool = False
) -> Iterator[Check]:
    """Hold the lock while inside. Raises `LockHeld` after `timeout` seconds, `EngineError`.

    What it gives is to be called before each write. With `makes_space` a full disk is no reason to refuse.
    One that cannot be removed at the end takes nothing back from what was done: `report` says that it is left.
    """
    held = _TakenLock(wire, stack, holder)
    try:
        _acquire(wire, stack, holder, timeout, report)
    except EngineError as error:
        if not is_out_of_space(error):
            raise
        if not makes_space:
            hint = "`nexusctl destroy` and `nexusctl prune` make some, and need none"
            raise EngineError(f"the engine has no space left for the lock of stack {stack}", hint=hint) from error
        held.owed = True
        report(f"the engine's disk is full: stack {stack} is not locked until there is space again")
    try:
        yield held.check
    finally:
        try:
            _release(wire, stack, holder.owner)
        except EngineError:
            rest = f"the next nexusctl on this machine takes it over, elsewhere `nexusctl unlock {stack}` removes it"
            report(f"the lock of stack {stack} is left behind: {rest}")


class _TakenLock:
    """A lock that was taken; or is `owed`, for want of space."""

    def __init__(self, wire: Wire, stack: str, holder: LockHolder) -> None:
        self._wire, self._stack, self._holder = wire, stack, holder
        self.owed = False

    def check(self) -> None:
        entry = self._claim() if self.owed else _look(self._wire, self._stack)
        if entry is not None and read_holder(entry).owner == self._holder.owner:
            self.owed = False
        elif entry is not None or not self.owed:
            raise _lost(self._stack, entry)

    def _claim(self) -> Mapping[str, Any] | None:
        """What is there after a try to take it; None where there is no space for one still."""
        try:
            return claim_mark(self._wire, lock_name(self._stack), _labels(self._stack, self._holder))
        except EngineError as error:
            if not is_out_of_space(error):
                raise
            return _look(self._wire, self._stack)


def _lost(stack: str, entry: Mapping[str, Any] | None) -> LockLost:
    taken = f"the lock of stack {stack} was taken away"
    hint = f"what ran was finished; see who removes {lock_name(stack)}, then apply again"
    if entry is not None:
        other = describe_holder(read_holder(entry))
        return LockLost(Diagnostic(f"{taken}, and {other} has it now; nothing more is begun", hint=hint))
    return LockLost(Diagnostic(f"{taken} while nexusctl worked on it; nothing more is begun", hint=hint))


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
        pid=labels.read_number(text("pid")),
        command=text("command"),
        since=_read_time(text("since")),
    )


def find_holder(volumes: Iterable[Mapping[str, Any]], stack: str) -> LockHolder | None:
    """Who holds the stack's lock by the engine's list of volumes."""
    for entry in volumes:
        if entry["Name"] == lock_name(stack):
            return replace(read_holder(entry), dead=is_dead(entry))
    return None


def list_holders(wire: Wire) -> dict[str, LockHolder]:
    """Who holds which lock, by the name of what is locked. Raises `EngineError`."""
    volumes = wire.get("/volumes", {"filters": {"label": [f"{labels.ROLE}=lock"]}})["Volumes"] or []
    stacks = (entry["Labels"].get(labels.STACK, "") for entry in volumes)
    return {stack: holder for stack in stacks if (holder := find_holder(volumes, stack))}


def _acquire(wire: Wire, stack: str, holder: LockHolder, timeout: float, report: Report) -> None:
    deadline = time.monotonic() + timeout
    reported = False
    while (entry := _try(wire, stack, holder)) is not None:
        other = read_holder(entry)
        if is_dead(entry) or _has_ended_life(wire, entry):
            _take_over(wire, stack, other, deadline)
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
        entry = claim_mark(wire, lock_name(stack), _labels(stack, holder))
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
        **({_LIFE: holder.life} if holder.life else {_BIRTH: process_birth(holder.pid)}),
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


def describe_life(wire: Wire, container_id: str) -> str:
    """What tells this life of a running container from every other, and from those of others."""
    return f"{container_id} {wire.get(f'/containers/{container_id}/json')['State']['StartedAt']}"


def _has_ended_life(wire: Wire, entry: Mapping[str, Any]) -> bool:
    """Whether the owner was in a container of this engine that does not run any more as it did then."""
    life = str((entry["Labels"] or {}).get(_LIFE, ""))
    container_id = life.partition(" ")[0]
    if not (len(container_id) == 64 and container_id.isalnum() and container_id.isascii()):
        return False
    try:
        state = wire.get(f"/containers/{container_id}/json")["State"]
    except NotFound:
        return True
    return not state["Running"] or f"{container_id} {state['StartedAt']}" != life


def has_ended(host: str, pid: int, birth: str) -> bool | None:
    """Whether the process that was born so is gone; None where it cannot be looked at from here."""
    place = _place()
    if not place or not birth.startswith(f"{place} ") or host != gethostname():
        return None
    return process_birth(pid) != birth


def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _take_over(wire: Wire, stack: str, dead: LockHolder, deadline: float) -> None:
    """Remove a dead owner's lock.

    Two that see the same dead owner must not remove each other's fresh lock; both are on this machine, so a
    file of it can keep them apart. Anybody of this machine may hold that file for good, so it is not waited for longer
    than for a lock. Raises `LockHeld`.
    """
    # Loading it takes longer than most locks are held, and only a take-over needs it.
    import tempfile  # noqa: PLC0415 - deferred: start-up time

    path = Path(tempfile.gettempdir()) / "nexusctl-takeover.lock"
    descriptor = _open_shared(path)
    try:
        if not _lock_file(descriptor, max(deadline, time.monotonic() + TURN)):
            raise LockHeld(
                Diagnostic(
                    f"stack {stack} is locked by {describe_holder(dead)}, which has died, and {path} keeps it so",
                    hint=f"`fuser {path}` says who holds that file; `nexusctl unlock {stack}` removes the lock",
                )
            )
        _release(wire, stack, dead.owner)
    finally:
        os.close(descriptor)


def _lock_file(descriptor: int, deadline: float) -> bool:
    """Whether it could be locked until then."""
    import fcntl  # noqa: PLC0415 - deferred: only a take-over needs it

    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(TURN / 20)
        else:
            return True


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


def _read_time(text: str) -> float:
    """Seconds since 1970, of a time that a calendar has; else 0."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0.0 <= found < LAST_TIME else 0.0
