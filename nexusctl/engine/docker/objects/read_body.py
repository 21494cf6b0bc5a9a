"""A container that somebody else made, as the sandbox that would make one like it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.config.build.units import parse_size
from nexusctl.engine.docker.bodies.create_body import read_limits
from nexusctl.engine.docker.bodies.inspect import RESTART_POLICIES
from nexusctl.engine.docker.bodies.port_bindings import read_bindings
from nexusctl.engine.docker.bodies.settings import SETTINGS, read_placed_settings
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.own_volumes import UNNAMED
from nexusctl.model.capabilities import ALL, GIVEN, GRANTED, LEFT_OUT
from nexusctl.model.observed.inspected_container import InspectedContainer
from nexusctl.model.stack import STOP_GRACE_PERIOD, Health, Lifecycle, Mount, Resources, Sandbox

Inspected = Mapping[str, Any]

_OF_COMPOSE = "com.docker.compose."

# Settings of the host that have a place, that `_judge` speaks of, or that only say how the container was asked for.
_PLACED = frozenset(
    {
        "Binds", "CapAdd", "CapDrop", "ConsoleSize", "ContainerIDFile", "CpuPeriod", "CpuQuota", "Init", "LogConfig",
        "MaskedPaths", "Memory", "MemorySwap", "Mounts", "NanoCpus", "NetworkMode", "PidsLimit", "PortBindings",
        "ReadonlyPaths", "RestartPolicy", "StorageOpt", *(setting.key for setting in SETTINGS.values()),
    }
)  # fmt: skip
# What others say, besides nothing, that means nothing special. Every other one has no place.
_USUAL: Mapping[str, tuple[Any, ...]] = {
    "CgroupnsMode": ("host", "private"),
    "IpcMode": ("private", "shareable"),
    "Isolation": ("default",),
    "MemorySwappiness": (-1,),
    "Runtime": ("runc", "crun", "oci", "io.containerd.runc.v2"),
    "SecurityOpt": (["no-new-privileges"], ["no-new-privileges:true"]),
}
_SETTINGS: Mapping[str, tuple[Any, ...]] = {
    "Tty": (False,),
    "OpenStdin": (False,),
    "Domainname": ("", None),
    "MacAddress": ("", None),
    "NetworkDisabled": (False, None),
}

NAMELESS = frozenset({"bridge", "host", "none", "podman"})
"""The own networks of engines, in which nobody is found by name."""


def inspect(wire: Wire, name: str) -> InspectedContainer:
    """The container `name` with what its image says by itself left out. Raises `NotFound`, `EngineError`."""
    seen = wire.get(f"/containers/{name}/json")
    image = wire.get(f"/images/{seen['Image']}/json")["Config"] or {}
    config, host = seen["Config"], seen["HostConfig"]
    own = str(seen["Name"]).lstrip("/")
    mounts, lost = _mounts(seen, image)
    settings, further = read_placed_settings(seen)
    sandbox = Sandbox(
        name=own,
        group=own,
        image=config["Image"],
        command=_command(config, image),
        working_dir=config["WorkingDir"] if config["WorkingDir"] != image.get("WorkingDir", "") else None,
        user=config["User"] if config["User"] != image.get("User", "") else None,
        env=_env(config, image),
        health=_health(config, image),
        image_health=not _is_switched_off(config, image),
        ports=tuple(read_bindings(host["PortBindings"])),
        mounts=mounts,
        networks=tuple(sorted(name for name in seen["NetworkSettings"]["Networks"] or {} if name != "none")),
        aliases=_read_aliases(seen),
        resources=_limits(host),
        lifecycle=_lifecycle(host),
        restart=RESTART_POLICIES.get(host["RestartPolicy"]["Name"], "no"),
        stop_grace_period=_stop_grace_period(config),
        stop_signal=_stop_signal(config, image),
        cap_add=_capabilities(host, "CapAdd", GRANTED),
        cap_drop=_capabilities(host, "CapDrop", (ALL, *LEFT_OUT, *GIVEN)),
        **settings,
    )
    return InspectedContainer(
        id=seen["Id"], name=own, sandbox=sandbox, remarks=(*lost, *further, *_remarks(seen, image))
    )


def _command(config: Inspected, image: Inspected) -> tuple[str, ...] | None:
    """Where the image has no entrypoint, one of the container's own is the beginning of its command."""
    own = tuple(config.get("Entrypoint") or ()) if not image.get("Entrypoint") else ()
    if own or config["Cmd"] != image.get("Cmd"):
        return (*own, *(config["Cmd"] or ()))
    return None


def _limits(host: Inspected) -> Resources:
    """Without a limit on processes the one that every sandbox has; see `_lifecycle`."""
    found = replace(read_limits(host), storage=_storage(host))
    return found if found.pids else replace(found, pids=Resources().pids)


def _storage(host: Inspected) -> int | None:
    try:
        return parse_size((host.get("StorageOpt") or {})["size"])
    except (KeyError, ValueError):
        return None


def _lifecycle(host: Inspected) -> Lifecycle:
    """That a container may have any number of processes cannot be said in a stack file: it is left as it is."""
    return Lifecycle() if read_limits(host).pids else Lifecycle(ignore=("resources.pids",))


def _stop_grace_period(config: Inspected) -> int | None:
    """One without an end, which others may ask for, cannot be said."""
    found = config.get("StopTimeout")
    return None if found is None or found < 0 or found == STOP_GRACE_PERIOD else int(found)


def _capabilities(host: Inspected, key: str, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_bare(name) for name in host.get(key) or ()} & {*known}))


def _bare(capability: str) -> str:
    return capability.upper().removeprefix("CAP_")


def _stop_signal(config: Inspected, image: Inspected) -> str | None:
    found = str(config.get("StopSignal") or "")
    if not found or found == (image.get("StopSignal") or "SIGTERM"):
        return None
    return found if found.isdigit() else f"SIG{found.removeprefix('SIG')}"


def _env(config: Inspected, image: Inspected) -> dict[str, str]:
    known = set(image.get("Env") or ())
    pairs = (entry.partition("=") for entry in config["Env"] or () if entry not in known)
    return {name: value for name, _, value in pairs}


def _health(config: Inspected, image: Inspected) -> Health | None:
    check = config.get("Healthcheck")
    return None if check == image.get("Healthcheck") else read_health(check)


def _is_switched_off(config: Inspected, image: Inspected) -> bool:
    return read_health(image.get("Healthcheck")) is not None and read_health(config.get("Healthcheck")) is None


def read_health(check: Inspected | None) -> Health | None:
    """A health check as the engine has it; None for one that is none."""
    check = check or {}
    test = check.get("Test") or []
    if not test or test[0] == "NONE":
        return None
    words = ("/bin/sh", "-c", test[1]) if test[0] == "CMD-SHELL" else tuple(test[1:])
    # What is not said is the engine's own: 30 s, 30 s, 3 times, at once.
    return Health(
        command=words,
        interval=_seconds(check.get("Interval")) or 30.0,
        timeout=_seconds(check.get("Timeout")) or 30.0,
        retries=check.get("Retries") or 3,
        start_period=_seconds(check.get("StartPeriod")),
    )


def _seconds(nanoseconds: int | None) -> float:
    return (nanoseconds or 0) / 1e9


def _mounts(seen: Inspected, image: Inspected) -> tuple[tuple[Mount, ...], tuple[tuple[str, str], ...]]:
    """Those that can be named, and remarks on the others; what the image declares it brings by itself."""
    mounts, lost = [], []
    brought = {posixpath.normpath(target) for target in image.get("Volumes") or {}}
    named = _list_named(seen["HostConfig"])
    for mount in sorted(seen["Mounts"] or (), key=lambda mount: mount["Destination"]):
        kind, target, read_only = mount["Type"], mount["Destination"], not mount["RW"]
        if kind == "volume" and UNNAMED.match(mount["Name"]) and mount["Name"] not in named:
            if target not in brought:
                mounts.append(Mount(kind="anonymous", source="", target=target))
        elif kind == "volume":
            mounts.append(Mount(kind="volume", source=mount["Name"], target=target, read_only=read_only))
        elif kind == "bind":
            mounts.append(Mount(kind="bind", source=mount["Source"], target=target, read_only=read_only))
            if mount.get("Propagation") not in (None, "", "private", "rprivate"):
                lost.append(
                    (f"mount {target}", f"its propagation `{mount['Propagation']}` has no place in a stack file")
                )
        else:
            lost.append((f"mount {target}", f"a {kind} mount"))
    return tuple(mounts), tuple(lost)


def _list_named(host: Inspected) -> set[str]:
    """The volumes that somebody asked for by name."""
    binds = {str(bind).partition(":")[0] for bind in host.get("Binds") or ()}
    return binds | {str(mount.get("Source") or "") for mount in host.get("Mounts") or ()}


def _remarks(seen: Inspected, image: Inspected) -> Iterator[tuple[str, str]]:
    yield from ((name, "it has no place in a stack file") for name in _find_unplaced(seen))
    yield from (remark for remark, holds in _judge(seen, image) if holds)
    yield from _judge_networks(seen)
    known_labels = (image.get("Labels") or {}).keys()
    for label in sorted((seen["Config"]["Labels"] or {}).keys() - known_labels):
        if not label.startswith(_OF_COMPOSE):
            yield f"label {label}", "labels are not set on containers"


def _find_unplaced(seen: Inspected) -> Iterator[str]:
    for name, value in seen["HostConfig"].items():
        if value and name not in _PLACED and value not in _USUAL.get(name, ()):
            yield name
    for name, plain in _SETTINGS.items():
        if seen["Config"].get(name) not in plain:
            yield name


def _read_aliases(seen: Inspected) -> dict[str, tuple[str, ...]]:
    """The names under which others find it in its networks, its own among them; in the engine's own there are none."""
    own, short = str(seen["Name"]).lstrip("/"), seen["Id"][:12]
    networks = seen["NetworkSettings"]["Networks"] or {}
    return {
        name: tuple(alias for alias in dict.fromkeys((own, *(place.get("Aliases") or ()))) if alias != short)
        for name, place in sorted(networks.items())
        if name not in NAMELESS
    }


def _judge_networks(seen: Inspected) -> Iterator[tuple[str, str]]:
    for network, endpoint in sorted((seen["NetworkSettings"]["Networks"] or {}).items()):
        for name in ("IPAMConfig", "Links", "DriverOpts"):
            if endpoint.get(name):
                yield f"network {network}.{name}", "it has no place in a stack file"


def _judge(seen: Inspected, image: Inspected) -> Iterator[tuple[tuple[str, str], bool]]:
    """Remarks, each with whether it holds."""
    config, host = seen["Config"], seen["HostConfig"]
    mode = host["NetworkMode"]
    yield (
        ("Entrypoint", "the image's own is used"),
        bool(image.get("Entrypoint")) and (config.get("Entrypoint") or None) != image["Entrypoint"],
    )
    further = sorted({_bare(name) for name in host.get("CapAdd") or ()} - {*GRANTED, *GIVEN})
    yield ("CapAdd", f"a sandbox is never given {', '.join(further)}"), bool(further)
    yield ("Init", "every sandbox has an init process"), not host.get("Init")
    yield ("SecurityOpt", "every sandbox has no-new-privileges"), not host.get("SecurityOpt")
    yield (
        ("PidsLimit", "it has none, and is left like that; a new container in its place gets one of 1024"),
        not (host.get("PidsLimit") or 0) > 0,
    )
    yield (
        ("MemorySwap", "a sandbox with a limit on memory has no swap beside it"),
        host.get("MemorySwap", 0) not in (0, host["Memory"], 2 * host["Memory"]),
    )
    yield ("MaximumRetryCount", "it starts again each time"), bool(host["RestartPolicy"].get("MaximumRetryCount"))
    yield (
        ("LogConfig", "every sandbox has rotated logs of its own"),
        host.get("LogConfig") not in (None, {"Type": "json-file", "Config": {}}),
    )
    yield (
        ("NetworkMode", "`host` is none of a stack; the stack's own network is used"),
        mode == "host",
    )
    shared = mode.startswith("container:")
    yield ("NetworkMode", "it has the network of another container; a new one in its place is in none"), shared
