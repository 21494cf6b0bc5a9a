"""What the doctor looks at: gathered once, changed by nothing, judged in `checks.py`."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.docker.client.silence import LOCKED_UP
from nexusctl.engine.docker.host.answering import ANSWER_TIMEOUT, find_stuck, find_unanswered
from nexusctl.engine.docker.host.machine_facts import find_program, read_listener
from nexusctl.engine.docker.images.builder import cache_name, list_builders
from nexusctl.engine.docker.images.closed_index import list_index_variables
from nexusctl.engine.docker.objects.subnets import find_routed, is_local, read_address_space, read_routes
from nexusctl.errors import EngineError, EngineUnreachable, NotFound
from nexusctl.model.engine_names import RESOLUTION, lock_name
from nexusctl.model.observed.address_space import AddressSpace
from nexusctl.model.values.frozen import dataclass
from nexusctl.packages import MANAGERS
from nexusctl.plan.decide.subnets import DEFAULT_POOLS

WELL_KNOWN_IMAGE = "debian:bookworm-slim"
REGISTRY_TIMEOUT = 6.0
INFO_TIMEOUT = 30.0
"""Seconds for the registry's answer through the engine, and for the engine's own."""

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "CURL_CA_BUNDLE")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes in the file system that holds `path`."""

    path: str
    total: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """`skew` is the engine's clock minus ours in seconds. `open_files` is what the daemon may open, None for unknown.

    `template_images` counts the images that recipes have made. `addresses` are those that networks may get, and
    `routed` tells of nexusctl's networks whose addresses this machine looks for elsewhere, a phrase each.
    `builders` are names of containers that an install left behind, `stale_locks` stacks whose owner is dead.
    `unread_caches` are volumes that package managers fetched into for an image that is gone, or for all of them.
    `stuck` are names of containers that it tells nothing of.
    `empty_networks` maps the names of networks that are left of stacks without containers to those stacks.
    """

    endpoint: Endpoint
    version: Mapping[str, Any]
    info: Mapping[str, Any]
    skew: float = 0.0
    disk: Disk | None = None
    open_files: int | None = None
    addresses: AddressSpace = AddressSpace(pools=DEFAULT_POOLS)
    routed: tuple[str, ...] = ()
    template_images: int = 0
    builders: tuple[str, ...] = ()
    stale_locks: tuple[str, ...] = ()
    unread_caches: tuple[str, ...] = ()
    empty_networks: Mapping[str, str] = field(default_factory=dict)
    stuck: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFacts:
    reachable: bool
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """This machine. `kernel` maps a sysctl to its value, `memory` is (total, available) in bytes, None for unknown.

    `settings` are the environment variables that installs honour; `missing` those of them that name no file.
    """

    root: bool = False
    mmdebstrap: str = ""
    kernel: Mapping[str, int] = field(default_factory=dict)
    open_files: int = 0
    memory: tuple[int, int] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    docker_host: str = ""
    docker_context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`engine` is None where none answers; `absence` and `advice` then say why and what to do."""

    engine: EngineFacts | None
    host: HostFacts
    registry: RegistryFacts | None = None
    absence: str = ""
    advice: str = ""


def gather(environ: Mapping[str, str]) -> Facts:
    """Look at the engine, the registry and this machine. Never raises for what it finds."""
    host = _gather_host(environ)
    try:
        wire = connect(environ)
        if unanswered := find_unanswered(wire.endpoint):
            calls = " and ".join(f"GET {path}" for path in unanswered)
            absence = (
                f"the engine at {wire.endpoint.url} is there, but has not answered {calls} for {ANSWER_TIMEOUT:g} s"
            )
            return Facts(engine=None, host=host, absence=absence, advice=LOCKED_UP)
        engine = _gather_engine(Wire(wire.endpoint, timeout=INFO_TIMEOUT), environ)
    except EngineError as error:
        return Facts(engine=None, host=host, absence=error.summary, advice=error.diagnostics[0].hint or "")
    return Facts(engine=engine, host=host, registry=_ask_registry(wire))


def _gather_engine(wire: Wire, environ: Mapping[str, str]) -> EngineFacts:
    info: Mapping[str, Any] = wire.get("/info")
    networks = wire.get("/networks")
    images = wire.get("/images/json", {"all": True})
    now = time.time()
    local = is_local(wire)
    return EngineFacts(
        endpoint=wire.endpoint,
        version=wire.get("/version"),
        info=info,
        skew=_read_skew(str(info.get("SystemTime", "")), now),
        disk=_read_disk(str(info.get("DockerRootDir", ""))) if local else None,
        open_files=_read_daemon_limit(wire.endpoint.url.removeprefix("unix://")) if local else None,
        addresses=read_address_space(wire, networks, environ),
        routed=tuple(find_routed(networks, read_routes())) if local else (),
        template_images=_count_template_images(images),
        builders=_find_builders(wire),
        stale_locks=_find_stale_locks(wire),
        unread_caches=_find_unread_caches(wire, images),
        empty_networks=find_empty_networks(wire, networks),
        stuck=find_stuck(wire.endpoint, wire.get("/containers/json", {"all": True})),
    )


def _ask_registry(wire: Wire) -> RegistryFacts:
    """Whether the engine, which does the pulling, gets an answer about a well-known image."""
    try:
        wire.call("GET", f"/distribution/{WELL_KNOWN_IMAGE}/json", timeout=REGISTRY_TIMEOUT)
    except NotFound as error:
        # Podman does not know the question.
        return RegistryFacts(reachable=False, answer=f"the engine cannot say: {error.summary}")
    except EngineUnreachable:
        return RegistryFacts(reachable=False, answer=f"no answer within {REGISTRY_TIMEOUT:g} s")
    except EngineError as error:
        return RegistryFacts(reachable=False, answer=error.summary.strip())
    return RegistryFacts(reachable=True)


def _find_builders(wire: Wire) -> tuple[str, ...]:
    found = (container["Names"] for container in list_builders(wire))
    return tuple(sorted(names[0].lstrip("/") for names in found if names))


def _find_stale_locks(wire: Wire) -> tuple[str, ...]:
    found = wire.get("/volumes", {"filters": {"label": [f"{labels.ROLE}=lock"]}})["Volumes"] or []
    here = socket.gethostname()
    stale = []
    for volume in found:
        known: Mapping[str, str] = volume.get("Labels") or {}
        pid = labels.read_number(known.get(f"{labels.LOCK}pid", ""))
        stack = known.get(labels.STACK, "")
        own = volume["Name"] == lock_name(stack) and known.get(f"{labels.LOCK}host") == here
        if own and pid and not Path(f"/proc/{pid}").exists():
            stale.append(stack)
    return tuple(sorted(stale))


def _find_unread_caches(wire: Wire, images: Any) -> tuple[str, ...]:
    """Caches of package managers whose image is gone, and those of before each image had its own."""
    found = wire.get("/volumes", {"filters": {"label": [f"{labels.ROLE}=cache"]}})["Volumes"] or []
    read = {cache_name(manager, image) for manager in MANAGERS for image in images}
    return tuple(sorted(volume["Name"] for volume in found if volume["Name"] not in read))


def find_empty_networks(wire: Wire, networks: Any) -> dict[str, str]:
    """Those of stacks without containers. An apply makes its networks before anything else, and holds a lock then."""
    entries = wire.get("/containers/json", {"all": True, "filters": {"label": [labels.STACK]}})
    locks = wire.get("/volumes", {"filters": {"label": [f"{labels.ROLE}=lock"]}})["Volumes"] or []
    busy = {(entry["Labels"] or {}).get(labels.STACK, "") for entry in (*entries, *locks)}
    marked = ((str(entry["Name"]), (entry["Labels"] or {}).get(labels.STACK, "")) for entry in networks)
    return {name: stack for name, stack in marked if stack and stack not in busy}


# With packages, for sandboxes and for locks.
_OTHERS = ("nexusctl/env:", RESOLUTION)


def _count_template_images(images: Any) -> int:
    tags = (tag for image in images for tag in image.get("RepoTags") or ())
    return sum(1 for tag in tags if tag.startswith("nexusctl/") and not tag.startswith(_OTHERS))


def _read_skew(answered: str, now: float) -> float:
    try:
        return datetime.fromisoformat(answered).timestamp() - now
    except ValueError:
        return 0.0


def _read_disk(path: str) -> Disk | None:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None
    return Disk(path=path, total=usage.total, free=usage.free)


def _read_daemon_limit(path: str) -> int | None:
    pid = read_listener(path)
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines() if pid > 1 else []
    except OSError:
        return None
    values = [line.split()[4] for line in lines if line.startswith("Max open files")]
    return int(values[0]) if values and values[0].isdigit() else None


def _gather_host(environ: Mapping[str, str]) -> HostFacts:
    settings = {
        n: environ[n] for n in (*CA_VARIABLES, *PROXY_VARIABLES, *list_index_variables(environ)) if environ.get(n)
    }
    return HostFacts(
        root=os.geteuid() == 0,
        mmdebstrap=find_program("mmdebstrap"),
        kernel=_read_kernel(),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        memory=_read_memory(),
        settings=settings,
        missing=tuple(name for name in CA_VARIABLES if name in settings and not Path(settings[name]).is_file()),
        docker_host=environ.get("DOCKER_HOST", ""),
        docker_context=environ.get("DOCKER_CONTEXT", ""),
    )


def _read_kernel() -> dict[str, int]:
    found = {}
    for name in ("kernel.pid_max", "fs.inotify.max_user_watches", "fs.inotify.max_user_instances"):
        try:
            found[name] = int(Path(f"/proc/sys/{name.replace('.', '/')}").read_text())
        except (OSError, ValueError):
            continue
    return found


def _read_memory() -> tuple[int, int] | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        values = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
        return values["MemTotal"], values["MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        return None
