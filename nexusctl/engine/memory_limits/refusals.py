"""A limit on memory below what is in use: some kernels refuse it, and others end programs for it."""

from __future__ import annotations

from nexusctl.errors import EngineError


def refuse_memory(wanted: int, used: int) -> EngineError:
    """For a limit of `wanted` bytes where `used` are in use."""
    return EngineError(
        f"memory: {_mebibytes(wanted)} is less than the {_mebibytes(used)} that it uses now",
        status=409,
        hint="give it more than that, or restart its program first",
    )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
