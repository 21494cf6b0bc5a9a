"""The doctor's judgement: facts in, findings out, each with what to do. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nexusctl.engine.docker.client.silence import LOCKED_UP
from nexusctl.engine.docker.host.answering import ANSWER_TIMEOUT
from nexusctl.engine.docker.host.facts import CA_VARIABLES, PROXY_VARIABLES, EngineFacts, Facts
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.decide.subnets import USUAL_PREFIX, VARIABLE, count_free, find_malformed, say_full

OLDEST_API = (1, 40)
GIB = 1024**3
OPEN_FILES = 8_192
FEW_SUBNETS = 5
NAMED = 5
SKEW = 5.0
KERNEL_FLOOR = {
    "kernel.pid_max": 32_768,
    "fs.inotify.max_user_watches": 65_536,
    "fs.inotify.max_user_instances": 128,
}
"""Below this, a hundred sandboxes with a dev server each run out; inotify limits are shared by all containers."""

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`advice` says what to do and is empty where nothing is."""

    name: str
    status: Status
    finding: str
    advice: str = ""


def diagnose(facts: Facts) -> tuple[Check, ...]:
    """Every check that the facts allow, in a fixed order."""
    found: list[Check | None] = [_check_engine(facts)]
    if facts.engine:
        found += [check(facts.engine) for check in _ENGINE_CHECKS]
    found += [check(facts) for check in _HOST_CHECKS]
    return tuple(check for check in found if check is not None)


def _check_engine(facts: Facts) -> Check:
    engine = facts.engine
    if engine is None:
        return Check(name="engine", status="problem", finding=facts.absence, advice=facts.advice)
    version, api = engine.version.get("Version", "?"), str(engine.version.get("ApiVersion", "0"))
    finding = f"{version}, API {api}, at {engine.endpoint.url} (found through {engine.endpoint.source})"
    if tuple(int(part) for part in api.split(".") if part.isdigit()) < OLDEST_API:
        oldest = ".".join(map(str, OLDEST_API))
        return Check(name="engine", status="problem", finding=finding, advice=f"install one that speaks API {oldest}")
    return Check(name="engine", status="ok", finding=finding)


def _check_storage(engine: EngineFacts) -> Check:
    driver = str(engine.info.get("Driver", "?"))
    if driver in ("vfs", "devicemapper"):
        advice = "every sandbox gets a whole copy of its image; use overlay2 on ext4 or xfs"
        return Check(name="storage", status="warning", finding=f"driver {driver}", advice=advice)
    return Check(name="storage", status="ok", finding=f"driver {driver}")


def _check_limits(engine: EngineFacts) -> Check:
    version = engine.info.get("CgroupVersion", "1")
    needed = {"MemoryLimit": "memory", "CpuCfsQuota": "cpus", "PidsLimit": "pids", "SwapLimit": "memory (its swap)"}
    lacking = [name for key, name in needed.items() if engine.info.get(key) is False]
    finding = f"cgroup version {version}, driver {engine.info.get('CgroupDriver', '?')}"
    if lacking:
        advice = "these limits have no effect: mount or enable the kernel's cgroup controllers for them"
        return Check(name="limits", status="warning", finding=f"{finding}; no {', '.join(lacking)}", advice=advice)
    return Check(name="limits", status="ok", finding=f"{finding}; cpus, memory and pids work")


def _check_disk(engine: EngineFacts) -> Check | None:
    disk = engine.disk
    if disk is None:
        return None
    finding = f"{disk.free / GIB:.1f} of {disk.total / GIB:.1f} GiB free at {disk.path}"
    if disk.free >= 10 * GIB:
        return Check(name="disk", status="ok", finding=finding)
    advice = "remove unused images and stopped containers, or move the engine's data root to a larger disk"
    return Check(name="disk", status="problem" if disk.free < GIB else "warning", finding=finding, advice=advice)


def _check_networks(engine: EngineFacts) -> Check:
    space = engine.addresses
    if find_malformed(space):
        summary, advice = say_full("", space)
        return Check(name="networks", status="problem", finding=summary, advice=advice)
    left = count_free(space)
    finding = f"{left} subnets of /{USUAL_PREFIX} are free in {', '.join(space.pools)}"
    if left <= FEW_SUBNETS:
        advice = f"each stack needs one: destroy stacks, or name more ranges in {VARIABLE}"
        return Check(name="networks", status="warning" if left else "problem", finding=finding, advice=advice)
    if engine.routed:
        advice = "what lies behind that route is not reached from here: destroy the stack and apply it again"
        return Check(name="networks", status="warning", finding="; ".join(engine.routed), advice=advice)
    return Check(name="networks", status="ok", finding=finding)


def _check_forwarding(engine: EngineFacts) -> Check:
    if engine.info.get("IPv4Forwarding") is False:
        advice = "sandboxes reach neither each other's published ports nor the outside: sysctl -w net.ipv4.ip_forward=1"
        return Check(name="forwarding", status="problem", finding="net.ipv4.ip_forward is 0", advice=advice)
    if engine.info.get("BridgeNfIptables") is False:
        advice = "networks are not kept apart: modprobe br_netfilter; sysctl -w net.bridge.bridge-nf-call-iptables=1"
        return Check(name="forwarding", status="warning", finding="bridges pass by iptables", advice=advice)
    return Check(name="forwarding", status="ok", finding="IPv4 is forwarded, bridges pass through iptables")


def _check_open_files(engine: EngineFacts) -> Check | None:
    limit = engine.open_files
    if limit is None:
        return None
    if limit < OPEN_FILES:
        advice = "containers inherit it: raise it in the engine's service file (LimitNOFILE), or `default-ulimits`"
        return Check(name="open files", status="warning", finding=f"the engine may open {limit}", advice=advice)
    return Check(name="open files", status="ok", finding=f"the engine may open {limit}")


def _check_clock(engine: EngineFacts) -> Check:
    finding = f"the engine's differs from this machine's by {abs(engine.skew):.1f} s"
    if abs(engine.skew) > SKEW:
        advice = "set both by NTP: ages, `--since` and certificates are judged by it"
        return Check(name="clock", status="warning", finding=finding, advice=advice)
    return Check(name="clock", status="ok", finding=finding)


def _check_leftovers(engine: EngineFacts) -> Check:
    found = [f"builder {name}" for name in engine.builders] + [f"lock of stack {name}" for name in engine.stale_locks]
    found += [
        f"network {name} of stack {stack}, which has no containers" for name, stack in engine.empty_networks.items()
    ]
    found += [f"cache {name}, which no install reads" for name in engine.unread_caches]
    if not found:
        return Check(name="leftovers", status="ok", finding="none")
    advice = []
    if engine.unread_caches:
        advice.append("docker volume rm " + " ".join(engine.unread_caches))
    if engine.stale_locks:
        advice.append("the next command on the stack takes its lock over by itself")
    if engine.builders:
        advice.append("if no apply runs now: docker rm -f " + " ".join(engine.builders))
    if engine.empty_networks:
        stacks = sorted(set(engine.empty_networks.values()))
        advice += [f"nexusctl destroy --stack {stack}" for stack in stacks]
        advice.append(
            "an engine that keeps one in use has lost count of what was in it: restart it, or apply the stack again"
        )
    return Check(name="leftovers", status="warning", finding=", ".join(found), advice="; ".join(advice))


def _check_containers(engine: EngineFacts) -> Check:
    if not engine.stuck:
        return Check(name="containers", status="ok", finding="the engine tells of each of them in time")
    named = ", ".join(engine.stuck[:NAMED])
    named += f" and {len(engine.stuck) - NAMED} more" if len(engine.stuck) > NAMED else ""
    finding = f"the engine has told nothing of {named} for {ANSWER_TIMEOUT:g} s"
    advice = f"it may copy something large into them; {LOCKED_UP}"
    return Check(name="containers", status="problem", finding=finding, advice=advice)


def _check_registry(facts: Facts) -> Check | None:
    registry = facts.registry
    if registry is None:
        return None
    if registry.reachable:
        return Check(name="registry", status="ok", finding="the engine reaches an image registry")
    advice = "templates are made from distribution packages by their recipes; other images must be local"
    finding = f"the engine reaches no image registry: {registry.answer}"
    return Check(name="registry", status="warning", finding=finding, advice=advice)


def _check_recipes(facts: Facts) -> Check:
    host = facts.host
    if host.mmdebstrap and host.root:
        return Check(name="recipes", status="ok", finding=f"{host.mmdebstrap} makes base images")
    lacking = "mmdebstrap is not installed" if not host.mmdebstrap else "not root, which making a base image takes"
    advice = "apt-get install mmdebstrap" if not host.mmdebstrap else "run the first apply of a template as root"
    registry, engine = facts.registry, facts.engine
    if registry and registry.reachable:
        return Check(name="recipes", status="ok", finding=f"{lacking}; not needed while a registry is reached")
    stuck = engine is not None and not engine.template_images
    return Check(name="recipes", status="problem" if stuck else "warning", finding=lacking, advice=advice)


def _check_memory(facts: Facts) -> Check | None:
    if facts.host.memory is None:
        return None
    total, available = facts.host.memory
    finding = f"{available / GIB:.1f} of {total / GIB:.1f} GiB available"
    if available >= GIB:
        return Check(name="memory", status="ok", finding=finding)
    status: Status = "problem" if available < GIB / 4 else "warning"
    return Check(name="memory", status=status, finding=finding, advice="destroy stacks that nobody needs")


def _check_kernel(facts: Facts) -> Check:
    low = [
        (n, facts.host.kernel[n], floor) for n, floor in KERNEL_FLOOR.items() if facts.host.kernel.get(n, floor) < floor
    ]
    if not low:
        known = ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in facts.host.kernel.items())
        return Check(name="kernel", status="ok", finding=known or "its limits cannot be read here")
    finding = ", ".join(f"{name} is {value}" for name, value, _ in low)
    advice = "; ".join(f"sysctl -w {name}={floor}" for name, _, floor in low)
    return Check(name="kernel", status="warning", finding=finding, advice=advice)


def _check_context(facts: Facts) -> Check:
    host = facts.host
    if host.docker_host and host.docker_context:
        finding = f"DOCKER_HOST ({host.docker_host}) and DOCKER_CONTEXT ({host.docker_context}) are both set"
        advice = "DOCKER_HOST wins here and in docker; unset the one that you do not mean"
        return Check(name="context", status="warning", finding=finding, advice=advice)
    return Check(name="context", status="ok", finding="one way to the engine is named, no other contradicts it")


def _check_settings(facts: Facts) -> Check:
    host = facts.host
    if host.missing:
        finding = ", ".join(f"{name} names {host.settings[name]}, which is no file" for name in host.missing)
        return Check(
            name="installs", status="problem", finding=finding, advice="correct or unset it; installs would fail"
        )
    proxied = [name for name in PROXY_VARIABLES if name in host.settings]
    bundles = sorted({host.settings[name] for name in CA_VARIABLES if name in host.settings})
    # A proxy's address may carry a password, so only the variables' names are shown.
    parts = [f"CA bundle {', '.join(bundles)}"] if bundles else []
    parts += [f"proxy from {', '.join(proxied)}"] if proxied else []
    parts += [f"{n} is set" for n in host.settings if n not in CA_VARIABLES and n not in PROXY_VARIABLES]
    return Check(name="installs", status="ok", finding="; ".join(parts) or "no proxy, CA bundle or index is set")


_ENGINE_CHECKS: tuple[Callable[[EngineFacts], Check | None], ...] = (
    _check_containers,
    _check_storage,
    _check_limits,
    _check_disk,
    _check_networks,
    _check_forwarding,
    _check_open_files,
    _check_clock,
    _check_leftovers,
)

_HOST_CHECKS: tuple[Callable[[Facts], Check | None], ...] = (
    _check_registry,
    _check_recipes,
    _check_memory,
    _check_kernel,
    _check_context,
    _check_settings,
)
