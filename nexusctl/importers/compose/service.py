"""One service as a sandbox."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Mapping as MappingNode
from nexusctl.config.document.node import Node, Scalar, Sequence
from nexusctl.importers.compose.env_files import read_env_files
from nexusctl.importers.compose.live_project import leave_as_it_is
from nexusctl.importers.compose.mounts import read_mounts
from nexusctl.importers.compose.ports import read_ports
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.compose.secrets_and_configs import Grants
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.draft.secret_references import Secrets
from nexusctl.model.capabilities import ALL, GIVEN, GRANTED, LEFT_OUT
from nexusctl.model.live import Portrait, Project
from nexusctl.model.stack import DEFAULT_NETWORK
from nexusctl.model.values.frozen import dataclass

REASONS = {
    "init": "every sandbox has an init process",
    "labels": "labels are not set on containers; what people should know of a sandbox goes into `metadata`",
    "container_name": "containers are called STACK_SANDBOX, so that two stacks never meet",
    "hostname": "the host name is the sandbox's name",
    "privileged": "a sandbox never has power over its machine",
    "devices": "a sandbox gets no devices",
    "security_opt": "every sandbox has no-new-privileges, and nothing that loosens it",
    "logging": "every sandbox has rotated logs of at most 3 times 10 MB",
    "expose": "sandboxes of one network reach every port of each other",
    "links": "sandboxes of one network reach each other by name",
    "extends": "import what `docker compose config` prints, where it is worked in",
    "tmpfs": "there are no mounts in memory",
    "volumes_from": "name the volumes in each sandbox",
    "develop": "nexusctl watches no files; uploads are sent on apply",
}
_NO_PLACE = "it has no place in a stack file"
_USUAL = {"init": "true", "privileged": "false", "read_only": "false", "tty": "false", "stdin_open": "false"}
"""What asks for no more than every sandbox has."""
_RESTARTS = ("no", "always", "on-failure", "unless-stopped")
_CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeContext:
    """What the services of one file share: names by Compose's names, and the folders of both files.

    `project` is what Compose calls them together, `stack` what the stack is called.

    `outer` are Compose's names of the networks that are not the stack's, `closed` the draft's of the internal ones.
    `tasks` are the services that others wait for to complete, `live` is what there is of the project.
    """

    project: str
    stack: str
    names: Mapping[str, str]
    networks: dict[str, str]
    volumes: dict[str, str]
    configs: dict[str, dict[str, str]]
    granted: dict[str, str]
    secrets: Secrets
    leftovers: Leftovers
    origin: Path
    target: Path
    tasks: frozenset[str] = field(default_factory=frozenset)
    live: Project = Project()
    outer: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()


def read_service(name: str, service: Reader, around: ComposeContext) -> dict[str, Any]:
    """The sandbox that `service` becomes, without what is empty; what has no place is left over."""
    task, portraits = name in around.tasks, around.live.services.get(name, ())
    grants = Grants(
        service,
        around.configs,
        around.secrets.section,
        around.granted,
        target=around.target,
        live=bool(portraits),
    )
    replicas = _replicas(service)
    sandbox: dict[str, Any] = {
        "image": _image(name, service, around),
        "kind": "task" if task else None,
        "command": _command(service),
        "working_dir": service.text("working_dir"),
        "user": service.text("user"),
        "profiles": service.texts("profiles"),
        "env_file": list(read_env_files(service, around.origin, around.target, around.leftovers)),
        "env": _env(around.names[name], service, portraits, around.secrets),
        "uploads": grants.uploads,
        "secrets": grants.secrets,
        "depends_on": _dependencies(service, around),
        "health": _health(service),
        "ports": read_ports(service, shared=replicas is not None),
        "volumes": [*read_mounts(service, around.volumes, around.origin, around.target), *grants.volumes],
        "resources": _resources(service),
        "replicas": replicas,
        "restart": _restart(service),
        "stop_grace_period": service.text("stop_grace_period"),
        "stop_signal": service.text("stop_signal"),
        "cap_add": _capabilities(service, "cap_add", GRANTED),
        "cap_drop": _capabilities(service, "cap_drop", (ALL, *LEFT_OUT, *GIVEN)),
    }
    sandbox["lifecycle"] = leave_as_it_is(sandbox, portraits, grants.ignored)
    networks = _networks(name, service, around)
    joined = {"default"} if networks is None else set(networks)
    if sandbox["ports"] and joined <= around.closed:
        service.drop("ports", "no port is published where all networks are internal, or there are none")
        sandbox["ports"] = []
    _accept_defaults(service)
    service.finish(REASONS, _NO_PLACE)
    if task:
        _drop_from_task(service, sandbox)
    kept = {key: value for key, value in sandbox.items() if value not in (None, [], {}, "")}
    return kept if networks is None else {**kept, "networks": networks}


def _capabilities(service: Reader, key: str, known: Collection[str]) -> list[str]:
    """Those that a file may name; the others are left over, each for itself."""
    found = []
    for item in service.scalars(key):
        name = service.rewrite(item).upper().removeprefix("CAP_")
        if name in known:
            found.append(name)
        elif not (key == "cap_add" and name in GIVEN):
            service.drop_at(service.path(key), f"{name} reaches further than a sandbox does", item)
    return found


def _image(name: str, service: Reader, around: ComposeContext) -> str:
    image = service.text("image") or ""
    if service.get("build") is not None:
        image = image or f"{around.project}-{name}"
        service.drop("build", f"nexusctl builds no Dockerfile: `docker compose build` makes {image}, or use a template")
    if not image:
        service.drop_at(f"{service.where}.image", "it has neither an image nor a build; name an image", service.node)
    return image or "scratch"


def _command(service: Reader) -> list[str] | None:
    """Compose splits a text into words and never gives it to a shell."""
    words = [*_words(service, "entrypoint"), *_words(service, "command")]
    if service.items("entrypoint"):
        service.drop(
            "entrypoint", "it became the beginning of `command`, below the image's own entrypoint if it has one"
        )
    return words or None


def _words(service: Reader, key: str) -> list[str]:
    node = service.get(key)
    if isinstance(node, Sequence):
        if not node.items:
            service.drop(key, "nothing says to have none; the image's own is used")
        return service.texts(key)
    if not isinstance(node, Scalar):
        if node is not None:
            service.drop(key, "a text or a list of texts is needed here")
        return []
    try:
        return shlex.split(service.rewrite(node))
    except ValueError:
        service.drop(key, "its quotes do not close")
        return []


def _env(owner: str, service: Reader, portraits: Collection[Portrait], secrets: Secrets) -> dict[str, str]:
    env = {}
    for name, value, place in service.pairs("environment"):
        if value is not None:
            env[name] = secrets.protect_references(owner, name, value, place)
        elif portraits and not any(name in portrait.sandbox.env for portrait in portraits):
            service.drop_at(
                f"{service.where}.environment.{name}", "it was not set, and the container has not got it", place
            )
        else:
            # A name alone passes the variable of the one who runs it on.
            env[name] = f"${{env.{name}:-}}"
            reason = "where it is not set, it is empty, while Compose would leave it out"
            service.drop_at(f"{service.where}.environment.{name}", reason, place)
    return env


def _dependencies(service: Reader, around: ComposeContext) -> Any:
    node = service.get("depends_on")
    if isinstance(node, MappingNode):
        wishes: dict[str, Node] = dict(node.values)
    else:
        wishes = {item.text: item for item in service.scalars("depends_on")}
    for name in wishes.keys() - around.names.keys():
        service.drop_at(f"{service.where}.depends_on.{name}", "the file has no service of this name", wishes.pop(name))
    return {around.names[name]: {"condition": _condition(name, wish, service)} for name, wish in wishes.items()}


def _condition(name: str, node: Node, service: Reader) -> str:
    """In Compose a name alone waits for the start only."""
    if not isinstance(node, MappingNode):
        return "started"
    wish = service.inside(f"depends_on.{name}", node)
    condition = wish.text("condition") or "service_started"
    if condition not in _CONDITIONS:
        wish.drop("condition", "there is no such condition; it waits for the start")
    if wish.get("required") is not None and not wish.flag("required"):
        wish.drop("required", "a dependency is always needed")
    if wish.flag("restart"):
        wish.drop("restart", "its dependents stay as they are when it is replaced")
    wish.finish({}, _NO_PLACE)
    return _CONDITIONS.get(condition, "started")


def _health(service: Reader) -> Any:
    check = service.below("healthcheck")
    if check is None:
        return None
    if check.flag("disable"):
        return "none"
    if check.get("test") is None:
        service.drop(
            "healthcheck", "the times of a check that the image brings cannot be changed alone; say its `test`"
        )
        return None
    if (test := _test(check)) is None:
        return "none"
    health = {
        "command": test,
        # Compose's own defaults.
        "interval": check.text("interval") or "30s",
        "timeout": check.text("timeout") or "30s",
        "retries": check.number("retries") or 3,
        "start_period": check.text("start_period"),
    }
    check.finish({"start_interval": "nexusctl probes early by itself"}, _NO_PLACE)
    return {key: value for key, value in health.items() if value is not None}


def _test(check: Reader) -> Any:
    words = check.texts("test")
    if isinstance(check.get("test"), Scalar):
        return words[0]
    if not words or words[0] == "NONE":
        return None
    return words[1] if words[0] == "CMD-SHELL" and len(words) > 1 else words[1:]


def _networks(own: str, service: Reader, around: ComposeContext) -> list[str] | dict[str, Any] | None:
    """None where the default network is meant, which a stack file need not name."""
    mode = service.text("network_mode")
    if mode == "none":
        return []
    if mode not in (None, "bridge"):
        service.drop("network_mode", f"a sandbox cannot share the network of `{mode}`")
    joined = service.get("networks")
    below = service.below("networks") if isinstance(joined, MappingNode) else None
    names = list(below.node.values) if below else service.texts("networks")
    aliases: dict[str, list[str]] = {}
    if below:
        for name, value in below.node.values.items():
            below.get(name)
            if isinstance(value, MappingNode):
                settings = below.inside(name, value)
                aliases[name] = settings.texts("aliases")
                settings.finish({}, _NO_PLACE)
    names = names or ["default"]
    fitted = [around.networks.get(name, name) for name in names]
    # In a network that others share a sandbox bears its stack's name, and a service its own.
    called = {name: [*([own] if name in around.outer else []), *aliases.get(name, [])] for name in names}
    if any(called.values()):
        return {
            around.networks.get(name, name): {"aliases": list(dict.fromkeys(known))} if known else None
            for name, known in called.items()
        }
    return None if fitted == [DEFAULT_NETWORK] else fitted


def _resources(service: Reader) -> dict[str, Any]:
    deploy = service.below("deploy")
    limits = deploy.below("resources") if deploy else None
    upper = limits.below("limits") if limits else None
    for reader, key in ((service, "pids_limit"), (upper, "pids")):
        if reader and reader.number(key) in (0, -1):
            reader.drop(key, "a sandbox has at most 1024 processes, or as many as `resources.pids` says")
    resources: dict[str, Any] = {
        "cpus": service.number("cpus") or (upper.number("cpus") if upper else None),
        "memory": _bytes(service.text("mem_limit") or (upper.text("memory") if upper else None)),
        "pids": service.number("pids_limit") or (upper.number("pids") if upper else None),
    }
    if options := service.below("storage_opt"):
        resources["storage"] = _bytes(options.text("size"))
        options.finish({}, "of storage there is only `resources.storage`")
    for reader in (upper, limits):
        if reader:
            reader.finish({"reservations": "there are limits only"}, _NO_PLACE)
    return {key: value for key, value in resources.items() if value not in (None, "0", 0, -1)}


def _replicas(service: Reader) -> Any:
    deploy = service.below("deploy")
    scale = service.number("scale")
    wanted = deploy.number("replicas") if deploy and scale is None else scale
    if deploy:
        deploy.get("resources")
        if deploy.get("restart_policy") is not None:
            deploy.drop("restart_policy", "say it with `restart`")
        deploy.finish({}, _NO_PLACE)
    return None if wanted in (None, 1) else wanted


def _restart(service: Reader) -> str | None:
    policy, count = service.text("restart") or "", ""
    if "${" not in policy:
        policy, _, count = policy.partition(":")
    if count:
        service.drop("restart", f"there is no limit of {count} times; it starts again each time")
    if policy and "${" not in policy and policy not in _RESTARTS:
        service.drop("restart", f"there is no policy {policy}")
        return None
    return policy if policy != "no" else None


def _accept_defaults(service: Reader) -> None:
    """Keys that ask for what every sandbox has anyway."""
    for key, usual in _USUAL.items():
        node = service.node.get(key)
        if isinstance(node, Scalar) and node.text.lower() == usual:
            service.get(key)


def _drop_from_task(service: Reader, sandbox: dict[str, Any]) -> None:
    for key in ("health", "ports", "restart"):
        if sandbox.pop(key, None):
            place = service.node.keys.get("healthcheck" if key == "health" else key, service.node)
            service.drop_at(
                f"{service.where}.{key}", "others wait for it to end, so it is a task, which has none", place
            )


def _bytes(text: str | None) -> str | None:
    """Sizes are written alike but for the letters' case and `b` at the end."""
    return text if text is None or "${" in text else text.strip().lower()
