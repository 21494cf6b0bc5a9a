"""Whether the engine can limit what a container writes into its own layer, and what is done where it cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.subnets import is_local
from nexusctl.errors import EngineError
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.stack import Sandbox, Stack

_QUOTAS = {"pquota", "prjquota"}
_OPTION = "StorageOpt"


def needs_storage(stack: Stack, sandboxes: Iterable[LiveSandbox]) -> bool:
    """Whether anybody has asked for a limit on storage, in `stack` or before: else no engine needs to be asked."""
    recorded = (found.record for found in sandboxes if found.record)
    return any(sandbox.resources.asks_for("storage") for sandbox in (*stack.sandboxes.values(), *recorded))


@lru_cache(maxsize=8)
def limits_storage(wire: Wire) -> bool:
    """Whether the engine can, as far as it says. With other drivers than these a limit would count the image as well.

    With overlay2 it depends on a mount option that it keeps for itself; one on this machine has its mounts looked up.
    """
    info = wire.get("/info")
    if info.get("Driver") != "overlay2":
        return bool(info.get("Driver") == "zfs")
    if dict(info.get("DriverStatus") or ()).get("Backing Filesystem") != "xfs":
        return False
    options = _mount_options(str(info.get("DockerRootDir", ""))) if is_local(wire) else None
    return options is None or bool(options & _QUOTAS)


def _mount_options(folder: str) -> set[str] | None:
    """Those of the file system that `folder` is on; None where this process does not see it."""
    if not folder or not os.path.isdir(folder):  # noqa: PTH112 - pathlib loads slowly
        return None
    options: dict[str, set[str]] = {}
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            for line in file:
                _, point, _, words, *_ = line.split(" ")
                options[point.replace("\\040", " ")] = set(words.split(","))
    except OSError:
        return None
    while folder not in options and folder != "/":
        folder = os.path.dirname(folder)  # noqa: PTH120 - as above
    return options.get(folder)


def with_storage(body: Mapping[str, Any], sandbox: Sandbox) -> Mapping[str, Any]:
    """`body`, which creates a container, with the limit that `sandbox` has on its storage."""
    limit = sandbox.resources.storage
    if limit is None:
        return body
    return {**body, "HostConfig": {**body["HostConfig"], _OPTION: {"size": str(limit)}}}


def create_with_storage(
    wire: Wire, create: Callable[[Mapping[str, Any]], str], body: Mapping[str, Any], sandbox: Sandbox
) -> str:
    """What `create` returns for `body` with the limit, or without where the engine cannot hold it: it is watched then.

    One that refuses it makes nothing.
    """
    if sandbox.resources.storage is None or not limits_storage(wire):
        return create(body)
    try:
        return create(with_storage(body, sandbox))
    except EngineError as error:
        if "storage-opt" not in str(error).lower() and "storage opt" not in str(error).lower():
            raise
        return create(body)
