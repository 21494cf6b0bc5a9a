"""The life of a container: create, rename, limit, connect. `stop.py` has its start and its end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.create_body import (
    birth_aliases,
    container_body,
    counts_cores,
    endpoint,
    limits_update,
    network_key,
    read_limits,
)
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.own_volumes import claim_anonymous
from nexusctl.engine.docker.objects.ownership import describe_owner
from nexusctl.engine.docker.objects.stop import remove_container
from nexusctl.engine.docker.objects.storage_limit import create_with_storage
from nexusctl.engine.memory_limits.refusals import refuse_memory
from nexusctl.errors import Conflict, EngineError, EngineUnreachable, NotFound
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.plan.plan import Attachment, Placement
from nexusctl.model.secret import Reveal, withhold
from nexusctl.model.stack import Resources, RestartPolicy, Sandbox

_FREEZING_PAUSES = (0.1, 0.3, 1.0, 3.0, None)
"""Seconds between attempts to freeze a container."""


def create_container(
    wire: Wire,
    stack: str,
    sandbox: Sandbox,
    placement: Placement,
    reveal: Reveal = withhold,
    holder: LockHolder | None = None,
) -> str:
    """Create it, join its networks, put its uploads and secrets in; returns its id. `holder` is who does.

    One of ours that was created before and never started is taken over. What cannot be completed is removed again.
    """
    placement = replace(placement, anonymous=claim_anonymous(wire, stack, sandbox, placement))
    if not sandbox.secrets:
        return _create(wire, sandbox, placement, container_body(stack, sandbox, placement, reveal, holder=holder))
    # Few sandboxes have secrets as files.
    from nexusctl.engine.docker.files.secret_files import (  # noqa: PLC0415 - deferred: start-up time
        fill_folder,
        new_folder,
        open_courier,
        remove_deed,
        write_deed,
    )

    with open_courier(wire, stack, [placement.image], new_folder()) as courier:
        body = container_body(stack, sandbox, placement, reveal, courier.folder, holder)
        try:
            write_deed(wire, stack, courier.folder)
            courier.make_folder()
            return _create(wire, sandbox, placement, body, lambda made: fill_folder(courier, made, sandbox, reveal))
        except BaseException:
            with contextlib.suppress(EngineError):
                courier.wipe()
                remove_deed(wire, courier.folder)
            raise


def _create(
    wire: Wire,
    sandbox: Sandbox,
    placement: Placement,
    body: Mapping[str, Any],
    fill: Callable[[str], None] = lambda container_id: None,  # noqa: ARG005 - there is nothing to fill
) -> str:
    """`fill` is called with the id once the uploads are in."""
    name = placement.birth_name or placement.name
    container_id = create_with_storage(wire, lambda made: _create_or_adopt(wire, name, made), body, sandbox)
    try:
        for attachment in placement.networks[1:]:
            connect(wire, container_id, attachment, birth_aliases(attachment, placement))
        if sandbox.uploads:
            # A plan, and an apply without uploads, need no tar.
            from nexusctl.engine.docker.files.upload import put_uploads  # noqa: PLC0415 - deferred: start-up time

            put_uploads(wire, container_id, sandbox.uploads)
        fill(container_id)
    except BaseException:
        with contextlib.suppress(EngineError):
            remove_container(wire, container_id)
        raise
    return container_id


def signal_container(wire: Wire, container_id: str, signal: str) -> None:
    """To the main process; the init before it hands signals on."""
    wire.post(f"/containers/{container_id}/kill", query={"signal": signal})


def pause_container(wire: Wire, container_id: str) -> None:
    """Freeze it; one that is frozen already stays so.

    With cgroup v1 a busy machine may not manage to, and its callers are to ask again (opencontainers/runc#4388).
    """
    for pause in _FREEZING_PAUSES:
        try:
            wire.post(f"/containers/{container_id}/pause")
        except EngineError as error:
            if "is already paused" in str(error):
                return
            if pause is None or "unable to freeze" not in str(error):
                raise
            time.sleep(pause)
        else:
            return


def unpause_container(wire: Wire, container_id: str) -> None:
    try:
        wire.post(f"/containers/{container_id}/unpause")
    except EngineError as error:
        if "is not paused" not in str(error):
            raise


def rename_container(wire: Wire, container_id: str, name: str) -> None:
    """Give it `name`; raises `Conflict` naming whoever has that name."""
    try:
        wire.post(f"/containers/{container_id}/rename", query={"name": name})
    except EngineError as error:
        if (found := _find(wire, container_id)) and found["Name"] == f"/{name}":
            return
        if isinstance(error, Conflict) and (holder := _find(wire, name)):
            raise _name_conflict(name, holder) from error
        raise


def update_limits(
    wire: Wire, container_id: str, resources: Resources, restart: RestartPolicy, left: Sequence[str] = ()
) -> None:
    """Set all but those that are `left`.

    What is not limited stays as it is, for a limit that was lifted does not look like none at all.
    Raises `EngineError`, and changes nothing, where it uses more memory already: some kernels refuse that, and others
    end its programs.
    """
    config = wire.get(f"/containers/{container_id}/json")["HostConfig"]
    if resources.memory and "memory" not in left:
        _require_memory(wire, container_id, resources.memory, read_limits(config).memory)
    cores = int(wire.get("/info")["NCPU"]) if counts_cores(config) else None
    body = limits_update(resources, restart, read_limits(config), left, cores)
    wire.post(f"/containers/{container_id}/update", body)


def _require_memory(wire: Wire, container_id: str, wanted: int, limit: int | None) -> None:
    if limit is not None and limit <= wanted:
        return
    # Few changes lower a limit.
    from nexusctl.engine.docker.objects.memory_use import read_memory  # noqa: PLC0415 - deferred: start-up time

    if (used := read_memory(wire, container_id)) > wanted:
        raise refuse_memory(wanted, used)


def connect(wire: Wire, container_id: str, attachment: Attachment, aliases: Iterable[str]) -> None:
    """Join a network; one that it is in already is fine."""
    path = f"/networks/{network_key(attachment)}/connect"
    body = {"Container": container_id, "EndpointConfig": endpoint(attachment, aliases)}
    try:
        wire.post(path, body)
    except EngineError as error:
        if "private (none) mode" in str(error):
            # A sandbox without networks is in the engine's `none`, which suffers no other beside it.
            disconnect(wire, container_id, "none")
            wire.post(path, body)
        elif error.status not in (403, 409):
            raise
        elif not _is_attached(wire, container_id, attachment):
            # It may be in there unseen: whoever joined another network of the same name has taken its place in the
            # list that the engine keeps by name, and the engine refuses to join twice.
            disconnect(wire, container_id, network_key(attachment))
            wire.post(path, body)


def disconnect(wire: Wire, container_id: str, network_id: str) -> None:
    """Leave a network; one that it is not in, or that is gone, is fine."""
    try:
        wire.post(f"/networks/{network_id}/disconnect", {"Container": container_id, "Force": False})
    except NotFound:
        if _find(wire, container_id) is None:
            raise
    except EngineError as error:
        if "is not connected" not in str(error):
            raise


def _create_or_adopt(wire: Wire, name: str, body: Mapping[str, Any]) -> str:
    try:
        return str(wire.post("/containers/create", body, {"name": name})["Id"])
    except EngineUnreachable:
        # The engine may have done it before the answer was lost. Asking is harmless, asking twice for it is not.
        if (found := _find(wire, name)) and _is_adoptable(found, body):
            return str(found["Id"])
        raise
    except Conflict as error:
        found = _find(wire, name)
        if found is None:
            raise
        if _is_adoptable(found, body):
            return str(found["Id"])
        raise _name_conflict(name, found) from error
    except NotFound as error:
        raise NotFound(f"cannot create {name}: {error.summary}", status=404) from error


def _is_adoptable(found: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    marks = found["Config"]["Labels"] or {}
    wanted = {name: value for name, value in body["Labels"].items() if name != labels.BIRTH}
    same = all(marks.get(name) == value for name, value in wanted.items())
    return same and found["State"]["Status"] == "created" and found["Config"]["Image"] == body["Image"]


def _find(wire: Wire, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = wire.get(f"/containers/{name}/json")
    except NotFound:
        return None
    return found


def _is_attached(wire: Wire, container_id: str, attachment: Attachment) -> bool:
    """A join that was refused leaves the name in the list of a running container, without a place in the network."""
    inspected = wire.get(f"/containers/{container_id}/json")
    found = (inspected["NetworkSettings"]["Networks"] or {}).get(attachment.name)
    if found is None:
        return False
    placed = found["EndpointID"] or not inspected["State"]["Running"]
    return bool(placed) and attachment.id in ("", found["NetworkID"])


def _name_conflict(name: str, holder: Mapping[str, Any]) -> Conflict:
    marks = holder["Config"]["Labels"] or {}
    owner = describe_owner("container", marks)
    if marks.get(labels.ROLE) == "sandbox":
        owner = f"{owner}, sandbox {marks.get(labels.SANDBOX)}"
    return Conflict(
        f"the container name {name} is taken by {owner} ({str(holder['Id'])[:12]}, {holder['State']['Status']})",
        status=409,
        hint="plan again; if it is not nexusctl's, rename or remove it",
    )
