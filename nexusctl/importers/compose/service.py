"""One service as a sandbox."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from nexusctl.config.document.node import Scalar, Sequence
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.compose.build import NONE, lay_over, read_build
from nexusctl.importers.compose.context import ComposeContext
from nexusctl.importers.compose.dependencies import read_dependencies
from nexusctl.importers.compose.env_files import read_env_files
from nexusctl.importers.compose.live_project import leave_as_it_is
from nexusctl.importers.compose.mounts import read_mounts
from nexusctl.importers.compose.ports import read_ports
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.compose.same_words import read_same_words
from nexusctl.importers.compose.secrets_and_configs import Grants
from nexusctl.importers.compose.service_networks import read_service_networks
from nexusctl.importers.compose.texts.command_text import split
from nexusctl.importers.draft.secret_references import Secrets
from nexusctl.model.capabilities import ALL, GIVEN, GRANTED, LEFT_OUT
from nexusctl.model.observed.inspected_container import InspectedContainer

REASONS = {
    "init": "every sandbox has an init process",
    "labels": "labels are not set on containers; what people should know of a sandbox goes into `metadata`",
    "container_name": "containers are called STACK_SANDBOX, so that two stacks never meet",
    "privileged": "a sandbox never has power over its machine",
    "devices": "a sandbox gets no devices",
    "security_opt": "every sandbox has no-new-privileges, and nothing that loosens it",
    "logging": "every sandbox has rotated logs of at most 3 times 10 MB",
    "expose": "sandboxes of one network reach every port of each other",
    "extends": "import what `docker compose config` prints, where it is worked in",
    "develop": "nexusctl watches no files; uploads are sent on apply",
}
_NO_PLACE = "it has no place in a stack file"
_USUAL = {"init": "true", "privileged": "false", "tty": "false", "stdin_open": "false"}
"""What asks for no more than every sandbox has."""
_RESTARTS = ("no", "always", "on-failure", "unless-stopped")


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
    replicas, made = _replicas(service), read_build(name, service, around)
    sandbox: dict[str, Any] = {
        "image": None if made else _image(name, service, around),
        "template": made.file if made else None,
        "kind": "task" if task else None,
        "command": _command(service),
        "working_dir": service.text("working_dir"),
        "user": service.text("user"),
        "profiles": _profiles(service, around),
        "env_file": list(read_env_files(service, around.origin, around.target, around.leftovers)),
        "env": _env(around.names[name], service, portraits, around.secrets),
        "uploads": grants.uploads,
        "secrets": grants.secrets,
        "depends_on": read_dependencies(name, service, around),
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
        **read_same_words(service, uploaded=bool(grants.uploads)),
    }
    sandbox["lifecycle"] = leave_as_it_is(sandbox, portraits, grants.ignored)
    networks = read_service_networks(name, service, around)
    joined = {"default"} if networks is None else set(networks)
    if sandbox["ports"] and joined <= around.closed:
        service.drop("ports", "no port is published where all networks are internal, or there are none")
        sandbox["ports"] = []
    if made:
        lay_over(sandbox, service, made, around, around.names[name])
    _accept_defaults(service)
    service.finish(REASONS, _NO_PLACE)
    if task:
        _drop_from_task(service, sandbox)
    kept = {key: value for key, value in sandbox.items() if value not in (None, [], {}, "")}
    kept |= {key: [] for key, value in kept.items() if value is NONE}
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
        found = split(service.rewrite(node), node.source.trust.environment(os.environ))
    except ValueError:
        service.drop(key, "its quotes or brackets do not close, and Compose refuses it")
        return []
    if found.cut:
        service.drop(key, f"Compose gives it to no shell and leaves out all from `{found.cut[0]}` on; write `sh -c`")
    if found.fixed:
        service.drop(key, "Compose splits what its variables say into words; these are what they say now")
    return found.words


def _env(owner: str, service: Reader, portraits: Collection[InspectedContainer], secrets: Secrets) -> dict[str, str]:
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
            env[name] = secrets.protect_references(owner, name, service.refer(name, place), place)
            if env[name] == f"${{env.{name}:-}}":
                reason = "where it is not set, it is empty, while Compose would leave it out"
                service.drop_at(f"{service.where}.environment.{name}", reason, place)
    return env


def _profiles(service: Reader, around: ComposeContext) -> list[str]:
    """None where one of them was asked for: what that turns on is there from now on."""
    profiles = service.texts("profiles")
    return [] if around.profiles & {*profiles} or "*" in around.profiles else profiles


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
    if words[0] not in ("CMD", "CMD-SHELL"):
        place = check.node.get("test") or check.node
        summary = "the list of a `test` has to begin with CMD, CMD-SHELL or NONE"
        at = place.source.location(place.line, place.column)
        hint = "Compose refuses it too: write `CMD` before the program"
        raise InputError(Diagnostic(summary, at, place.source.excerpt(place.line), hint))
    return words[1] if words[0] == "CMD-SHELL" and len(words) > 1 else words[1:]


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
