"""A sandbox as the body of the call that creates its container. Pure."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.health_probe import healthcheck_test
from nexusctl.engine.docker.bodies.port_bindings import port_key, write_bindings
from nexusctl.engine.docker.bodies.settings import write_settings
from nexusctl.model.capabilities import settle_capabilities
from nexusctl.model.engine_names import anonymous_volume, anonymous_volume_name, is_volume_name
from nexusctl.model.observed.lock_holder import LockHolder, name_holder
from nexusctl.model.plan.plan import Attachment, Placement
from nexusctl.model.record import encode
from nexusctl.model.secret import FOLDER, Reveal, reveal_text, withhold
from nexusctl.model.stack import Health, Mount, Network, Resources, RestartPolicy, Sandbox

CPU_PERIOD = 100_000
_NANO = 10**9
"""Microseconds. Limits are set as a quota per period because the engine can lift that one again, and cannot lift
the NanoCpus that mean the same."""

LIFTED_MEMORY = 1 << 62
"""The limit that stands for none when a live container's is lifted: the engine takes 0 for `unchanged`."""

_LOW_PORTS = 1024
MEMORY = "/dev/shm"
MEMORY_FOLDER = "nexusctl"
_SECRETS = f"{MEMORY}/{MEMORY_FOLDER}/"
"""Where secrets lie as files on the engine's host: a folder a sandbox below this one in a place that is memory."""

LOG_CONFIG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


def container_body(
    stack: str,
    sandbox: Sandbox,
    placement: Placement,
    reveal: Reveal = withhold,
    secrets: str = "",
    holder: LockHolder | None = None,
) -> dict[str, Any]:
    """What to POST to /containers/create. It joins the first network at birth; the rest is for `connect`.

    `secrets` is the folder of its secrets, empty where it has none as files; `holder` is who makes it.
    """
    own = {
        labels.SECRETS: secrets,
        labels.MAKER: name_holder(holder),
        labels.BRANCH: holder.branch if holder else "",
        labels.BIRTH: _new_birth(),
    }
    optional = {
        "Cmd": None if sandbox.command is None else list(sandbox.command),
        "WorkingDir": sandbox.working_dir,
        "User": sandbox.user,
        # For `docker stop`, and for an engine that ends itself.
        "StopTimeout": sandbox.stop_grace_period,
        "StopSignal": sandbox.stop_signal,
        "Healthcheck": _healthcheck(sandbox),
    }
    return {
        "Image": placement.image,
        "Hostname": hostname(stack, sandbox.name),
        "Env": [f"{name}={reveal_text(value, reveal).decode()}" for name, value in sandbox.env.items()],
        "Labels": {**container_labels(stack, sandbox, placement), **own},
        "ExposedPorts": {port_key(port): {} for port in sandbox.ports},
        "HostConfig": host_config(stack, sandbox, placement, secrets),
        "NetworkingConfig": {"EndpointsConfig": _first_endpoint(placement)},
        **{key: value for key, value in optional.items() if value is not None},
        **write_settings(sandbox, "Config"),
    }


def _new_birth() -> str:
    # The module `uuid` takes longer to load than this call to make.
    return os.urandom(8).hex()


def container_labels(stack: str, sandbox: Sandbox, placement: Placement) -> dict[str, str]:
    """Every label is written, the empty one too: an image could carry one of the same name."""
    return {
        labels.STACK: stack,
        labels.SANDBOX: sandbox.name,
        labels.ROLE: "sandbox",
        labels.NAMED: "stack",
        labels.CAPABILITIES: "reduced",
        labels.RECORD: encode(sandbox),
        labels.BIRTH_NAME: placement.birth_name,
        labels.IMAGE_INVENTORY: "",
        labels.OWN_VOLUMES: " ".join(list_own_volumes(stack, sandbox, placement)),
    }


def host_config(stack: str, sandbox: Sandbox, placement: Placement, secrets: str = "") -> dict[str, Any]:
    own = list_own_volumes(stack, sandbox, placement)
    mounts = [_mount(stack, mount, placement, own) for mount in sandbox.mounts if mount.kind != "anonymous"]
    mounts += [_own_mount(stack, sandbox, target, name) for target, name in placement.anonymous.items()]
    return {
        "Init": True,
        **capabilities(sandbox),
        "SecurityOpt": ["no-new-privileges:true"],
        "LogConfig": LOG_CONFIG,
        "NetworkMode": network_key(placement.networks[0]) if placement.networks else "none",
        "PortBindings": write_bindings(sandbox.ports, placement.ports),
        "Mounts": [*mounts, secrets_mount(secrets)] if secrets else mounts,
        "RestartPolicy": {"Name": restart_policy(sandbox)},
        **limits(sandbox.resources),
        **write_settings(sandbox, "HostConfig"),
    }


def secrets_mount(folder: str) -> dict[str, Any]:
    """The mount that shows the secrets folder called `folder` to a sandbox."""
    return {"Type": "bind", "Source": f"{_SECRETS}{folder}", "Target": FOLDER, "ReadOnly": True}


def capabilities(sandbox: Sandbox) -> dict[str, list[str]]:
    low = any(port.container < _LOW_PORTS for port in sandbox.ports)
    added, dropped = settle_capabilities(sandbox.cap_add, sandbox.cap_drop, low_port=low)
    return {"CapAdd": list(added), "CapDrop": list(dropped)}


def mounted_secrets(entry: Mapping[str, Any]) -> Iterator[str]:
    """The secrets folders that a listed container mounts, whatever its labels say."""
    for mount in entry.get("Mounts") or ():
        if str(mount.get("Source", "")).startswith(_SECRETS):
            yield mount["Source"].removeprefix(_SECRETS)


def restart_policy(sandbox: Sandbox) -> RestartPolicy:
    """A task runs to its end once, whatever else is said."""
    return "no" if sandbox.kind == "task" else sandbox.restart


def limits(resources: Resources) -> dict[str, Any]:
    """The limits of a new container; without a mention there is none."""
    found: dict[str, Any] = {"PidsLimit": resources.pids}
    if resources.cpus is not None:
        found |= {"CpuPeriod": CPU_PERIOD, "CpuQuota": round(resources.cpus * CPU_PERIOD)}
    if resources.memory is not None:
        found |= {"Memory": resources.memory, "MemorySwap": resources.memory}
    return found


_LIMIT_OF = {
    "NanoCpus": "cpus",
    "CpuPeriod": "cpus",
    "CpuQuota": "cpus",
    "Memory": "memory",
    "MemorySwap": "memory",
    "PidsLimit": "pids",
    "RestartPolicy": "restart",
}


def limits_update(
    resources: Resources, restart: RestartPolicy, now: Resources, left: Sequence[str] = (), cores: int | None = None
) -> dict[str, Any]:
    """The body of an update that sets all limits, lifting those that are None of those that there are `now`.

    What is called in `left` is not in it. `cores` are those of the engine's host, for a container whose processor time
    it counts by cores: then it takes no other measure, and all of them, with that number as a sign, are no limit.
    """
    lifted: dict[str, Any] = {}
    if now.cpus is not None:
        lifted |= {"CpuPeriod": CPU_PERIOD, "CpuQuota": -1}
    if now.memory is not None:
        lifted |= {"Memory": LIFTED_MEMORY, "MemorySwap": LIFTED_MEMORY}
    body = {**lifted, **limits(resources), "RestartPolicy": {"Name": restart}}
    if cores:
        body = {key: value for key, value in body.items() if _LIMIT_OF[key] != "cpus"}
        body |= {"NanoCpus": round((resources.cpus or cores) * _NANO)} | (
            {} if resources.cpus else {"CpuQuota": -cores}
        )
    return {key: value for key, value in body.items() if _LIMIT_OF[key] not in left}


def counts_cores(config: Mapping[str, Any]) -> bool:
    """Whether the engine counts a container's processor time by cores, as others tell it to and nexusctl never does."""
    return bool(config.get("NanoCpus"))


def read_limits(config: Mapping[str, Any]) -> Resources:
    """The limits in a container's HostConfig, as they were put there by this module or by hand."""
    memory, pids = config.get("Memory") or 0, config.get("PidsLimit") or 0
    return Resources(cpus=_read_cpus(config), memory=memory if 0 < memory < LIFTED_MEMORY else None, pids=max(pids, 0))


def _read_cpus(config: Mapping[str, Any]) -> float | None:
    quota = config.get("CpuQuota") or 0
    if nano := config.get("NanoCpus") or 0:
        return float(nano) / _NANO if nano != -quota * _NANO else None
    return quota / (config.get("CpuPeriod") or CPU_PERIOD) if quota > 0 else None


def _healthcheck(sandbox: Sandbox) -> dict[str, Any] | None:
    """None leaves the image's own in force."""
    if sandbox.health:
        return healthcheck(sandbox.health)
    return None if sandbox.image_health else {"Test": ["NONE"]}


def healthcheck(health: Health) -> dict[str, Any]:
    """Durations go out in nanoseconds."""
    return {
        "Test": healthcheck_test(health),
        "Interval": _nanoseconds(health.interval),
        "Timeout": _nanoseconds(health.timeout),
        "Retries": health.retries,
        "StartPeriod": _nanoseconds(health.start_period),
    }


def endpoint(attachment: Attachment, aliases: Iterable[str]) -> dict[str, Any]:
    """A container's place in a network; it is found there under `aliases`, which the engine's own network knows not.

    By the id alone the engine finds it again when the container starts: it keeps its networks by name. Where another
    of that name will do as well, there is no id. Links need nobody to be there: in networks but
    the engine's own they say what a name means to this container, before anybody else's names count.
    """
    if attachment.name == "bridge":
        return {}
    known = {"NetworkID": attachment.id} if attachment.id and not attachment.by_name else {}
    links = {"Links": list(attachment.links)} if attachment.links else {}
    return {"Aliases": list(dict.fromkeys(aliases)), **known, **links}


def network_key(attachment: Attachment) -> str:
    """The network's id where names are not unique; its name where it may be made anew, or its id is not known."""
    return attachment.name if attachment.by_name else attachment.id or attachment.name


def network_body(stack: str, network: Network, name: str, *, check_duplicate: bool = True) -> dict[str, Any]:
    """What to POST to /networks/create. The host has no address in an internal one, so nobody reaches it there.

    Without a word on IPv6 a newer engine does as its settings say, and the host has an address of that kind.
    """
    options = {"com.docker.network.bridge.inhibit_ipv4": "true"} if network.internal else {}
    return {
        "Name": name,
        "Driver": "bridge",
        "CheckDuplicate": check_duplicate,
        "Internal": network.internal,
        "EnableIPv6": network.enable_ipv6,
        "Options": options,
        "Labels": {
            **network.labels,
            labels.STACK: stack,
            labels.NETWORK: network.name,
            labels.ROLE: "network",
            labels.IPV6: str(network.enable_ipv6).lower(),
            **({labels.FIXED: "true"} if network.subnet else {}),
        },
    }


def address_config(network: Network, subnet: str) -> list[dict[str, str]]:
    """Where a network has its addresses, with `subnet` for those of IPv4."""
    chosen = {"Gateway": network.gateway, "IPRange": network.ip_range}
    own = {"Subnet": subnet, **{key: text for key, text in chosen.items() if text}}
    return [own, *([{"Subnet": choose_ipv6()}] if network.enable_ipv6 else [])]


def choose_ipv6() -> str:
    """A range for a network: of the 2^56 private ones (RFC 4193) one that nobody else has."""
    digits = os.urandom(7).hex()
    return f"fd{digits[:2]}:{digits[2:6]}:{digits[6:10]}:{digits[10:]}::/64"


def hostname(stack: str, name: str) -> str:
    """Such as `api.shop`; Linux allows 64 characters.

    Others in a network find a container under its hostname, too. With `api` alone, a replacement would be asked for
    answers before it is ready.
    """
    return f"{name}.{stack}"[:63].rstrip("-.")


def birth_aliases(attachment: Attachment, placement: Placement) -> tuple[str, ...]:
    """The names under which others in a network find a new container."""
    return () if placement.quiet else attachment.names


def _first_endpoint(placement: Placement) -> dict[str, Any]:
    if not placement.networks:
        return {}
    first = placement.networks[0]
    return {network_key(first): endpoint(first, birth_aliases(first, placement))}


def volume_labels(stack: str, name: str) -> dict[str, str]:
    """On a volume of the stack; `name` is the one in the file."""
    return {labels.STACK: stack, labels.VOLUME: name, labels.ROLE: "volume"}


def list_own_volumes(stack: str, sandbox: Sandbox, placement: Placement) -> list[str]:
    """The volumes of the file that are the stack's and not only called so, as an external one may be."""
    named = {mount.source for mount in sandbox.mounts if mount.kind == "volume"} - placement.external
    return sorted(name for name in named if is_volume_name(stack, name, placement.volumes.get(name, name)))


def _mount(stack: str, mount: Mount, placement: Placement, own_volumes: Collection[str]) -> dict[str, Any]:
    """`own_volumes` are those that are the stack's."""
    if mount.kind != "volume":
        source = mount.real or mount.source
        return {"Type": mount.kind, "Source": source, "Target": mount.target, "ReadOnly": mount.read_only}
    name = placement.volumes.get(mount.source, mount.source)
    body: dict[str, Any] = {"Type": "volume", "Source": name, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.source in own_volumes:
        # Until a container has it, a prune may take it. Then the engine makes it anew with the container.
        declared = placement.declared.get(mount.source)
        own = volume_labels(stack, mount.source)
        body["VolumeOptions"] = {"Labels": {**declared.labels, **own} if declared else own}
        if declared:
            body["VolumeOptions"]["DriverConfig"] = {"Name": declared.driver, "Options": dict(declared.driver_opts)}
    return body


def _own_mount(stack: str, sandbox: Sandbox, target: str, name: str) -> dict[str, Any]:
    """As for those of the file; one that the engine or another stack has named keeps what it bears."""
    body: dict[str, Any] = {"Type": "volume", "Source": name, "Target": target}
    if name == anonymous_volume_name(stack, sandbox.name, target):
        body["VolumeOptions"] = {"Labels": volume_labels(stack, anonymous_volume(sandbox.name, target))}
    return body


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANO)
