"""What a running container uses, and what runs in it."""

from __future__ import annotations

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What it uses at one moment, and has used since it was started.

    `cpu_time` and `machine_time`, that of all `cpus` of the engine's machine, are in nanoseconds. `memory` are the
    bytes that it cannot do without, `memory_limit` those that it may have. `received` and `sent` are the bytes over
    its networks, `read` and `written` those over block devices.
    """

    cpu_time: int
    machine_time: int
    cpus: int
    memory: int
    memory_limit: int
    pids: int
    received: int
    sent: int
    read: int
    written: int

    def cpu_percent(self, before: Usage) -> float | None:
        """What it has used since `before`, in percent of one processor; None where that cannot be told."""
        elapsed, used = self.machine_time - before.machine_time, self.cpu_time - before.cpu_time
        # A container that was started again meanwhile counts from the beginning.
        return used / elapsed * self.cpus * 100 if elapsed > 0 and used >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """As `ps` lists them: a row a process, with a value for each of the `titles`."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
