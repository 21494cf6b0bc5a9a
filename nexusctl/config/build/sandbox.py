"""One entry of `sandboxes`, with its template's defaults worked in, as a `Sandbox`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nexusctl.config.build.environment import build_env, build_texts
from nexusctl.config.build.files.digests import Digests
from nexusctl.config.build.files.uploads import build_uploads, list_beside
from nexusctl.config.build.health import build_command, build_health
from nexusctl.config.build.lifecycle import build_lifecycle
from nexusctl.config.build.lifetime import build_lifetime, build_timeout
from nexusctl.config.build.limits import build_resources, with_limits
from nexusctl.config.build.mounts.mounts import build_mounts
from nexusctl.config.build.networks.ports import PlacedPort, build_ports
from nexusctl.config.build.packages import build_packages, with_template_packages, without_empty
from nexusctl.config.build.secrets import build_secret_files
from nexusctl.config.build.settings import build_artifacts, build_settings
from nexusctl.config.build.units import seconds
from nexusctl.config.document.declared import Declared
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.dotenv import EnvFiles
from nexusctl.config.templates.template import TemplateFile, Templates
from nexusctl.model.secret import SecretRef
from nexusctl.model.stack import DEFAULT_NETWORK, Sandbox
from nexusctl.model.uploads_and_packages import PackageSet
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.frozen import dataclass
from nexusctl.packages import MANAGERS

_MERGED = ("env", "metadata")
# What only makes sense for something that keeps running does not come to a task from its template.
_OF_SERVICES = ("health", "ports", "restart", "start_timeout", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A sandbox as the file declares it, before replicas and references are worked out.

    `key` is its name in the file, which is the group's, and `node` what it says, defaults included. `name` is the
    sandbox's own where `for_each` makes several, else the group's. `replicas` is None where the file does not say.
    In `sandbox` depends_on is empty.
    """

    name: str
    key: Scalar
    node: Mapping
    sandbox: Sandbox
    file: TemplateFile | None
    ports: list[PlacedPort]
    replicas: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadContext:
    """What the sandboxes of one load share: the declared names, and what was read already.

    `secrets` grows by those that come with variables. `defaults` are the stack's own, `settings` those of whoever calls
    nexusctl.
    """

    volumes: Declared
    networks: Declared
    templates: Templates
    digests: Digests
    env_files: EnvFiles
    secrets: dict[str, SecretRef]
    declared_secrets: Declared
    problems: Problems
    defaults: Mapping | None = None
    settings: Mapping | None = None


def build_group(name: str, key: Scalar, own: Mapping, around: LoadContext) -> Group:
    """The group that `own` declares as `name` under `key`; what is wrong is reported and left out."""
    problems = around.problems
    problems.sandbox = key.text
    problems.caller = own.get("template")
    file = around.templates.find(own)
    node = _with_stack_defaults(own, file, around)
    ports = build_ports(node, problems)
    replicas = node.get("replicas")
    group = Group(
        name=name,
        key=key,
        node=node,
        sandbox=_build_sandbox(name, key.text, node, file, ports, around),
        file=file,
        ports=ports,
        replicas=int(replicas.value) if isinstance(replicas, Scalar) else None,
    )
    _check_kind(group, problems)
    if problems.caller is None and "with" in own.values:
        problems.add(own.keys["with"], "`with` gives values to a template, and there is none", "name its `template`")
    problems.sandbox = problems.caller = None
    return group


def complete(own: Mapping, templates: Templates) -> Mapping:
    """What `own` says over what its template says."""
    return _with_defaults(own, templates.find(own))


def _with_defaults(own: Mapping, file: TemplateFile | None) -> Mapping:
    if file is None or file.defaults is None:
        return own
    left_out = _OF_SERVICES if own.text("kind") == "task" else ()
    merged = _over(own, file.defaults, left_out)
    for key in _MERGED:
        mine, theirs = own.get(key), file.defaults.get(key)
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            merged.values[key] = _over(mine, theirs, ())
    return merged


def _with_stack_defaults(own: Mapping, file: TemplateFile | None, around: LoadContext) -> Mapping:
    node = _with_defaults(own, file)
    limited = with_limits(node, file.defaults if file else None, around.defaults, around.settings)
    if around.defaults is None:
        return limited
    return _over(limited, around.defaults, _OF_SERVICES if own.text("kind") == "task" else ())


def _over(own: Mapping, base: Mapping, left_out: Collection[str]) -> Mapping:
    merged = Mapping(own.source, own.line, own.column)
    taken = [key for key in base.keys if key not in left_out and own.lacks(key)]
    merged.keys = {**{key: base.keys[key] for key in taken}, **own.keys}
    merged.values = {**{key: base.values[key] for key in taken}, **own.values}
    merged.dropped, merged.deleted = own.dropped, own.deleted
    return merged


def _build_sandbox(
    name: str, group: str, node: Mapping, file: TemplateFile | None, ports: list[PlacedPort], around: LoadContext
) -> Sandbox:
    template, problems = file.template if file else None, around.problems
    manager_known = template.manager if template else None
    mounts = build_mounts(node, around.volumes, problems)
    uploads = build_uploads(node, mounts, around.digests, problems)
    if node.source.trust.untrusted:
        # Only what comes from a stranger needs it.
        from nexusctl.config.build.untrusted import refuse_in_sandbox, refuse_mounts, refuse_uploads  # noqa: PLC0415 - deferred: start-up time

        refuse_in_sandbox(node, ports, problems)
        refuse_mounts(mounts, node.get("volumes"), problems)
        refuse_uploads(uploads, node.get("uploads"), problems)
    # Where the template itself is wrong, nobody can say which manager it has.
    guess = next(iter(MANAGERS)) if template is None and not node.lacks("template") else manager_known
    return Sandbox(
        name=name,
        group=group,
        image=node.text("image") or (template.image if template else ""),
        template=template.name if template else None,
        kind="task" if node.text("kind") == "task" else "service",
        run=node.text("run") or "changed",  # type: ignore[arg-type]
        command=build_command(node.get("command")),
        working_dir=node.text("working_dir"),
        user=node.text("user"),
        env=build_env(name, node, around.env_files, around.secrets, problems),
        secrets=build_secret_files(node, around.declared_secrets, problems),
        packages=_packages(node, file, guess, around, list_beside(uploads, node.text("working_dir"))),
        uploads=uploads,
        startup=node.text("startup"),
        health=build_health(node, problems),
        image_health=node.text("health") != "none",
        start_timeout=build_timeout(node, "start_timeout", "write for example `5m`", problems),
        ports=tuple(port for port, _ in ports),
        mounts=mounts,
        networks=build_networks(node, around.networks, problems),
        aliases=_aliases(node),
        resources=build_resources(node, problems),
        restart=node.text("restart") or "no",  # type: ignore[arg-type]
        state=node.text("state") or "running",  # type: ignore[arg-type]
        pre_stop=node.text("pre_stop"),
        artifacts=build_artifacts(node, problems),
        stop_grace_period=_stop_grace_period(node),
        stop_signal=_stop_signal(node),
        cap_add=_capabilities(node, "cap_add"),
        cap_drop=_capabilities(node, "cap_drop"),
        **build_settings(node, mounts, uploads, problems),
        on_replace="preserve" if node.text("on_replace") == "preserve" else "discard",
        **build_lifetime(node, problems),
        metadata=build_texts(node, "metadata", problems),
        lifecycle=build_lifecycle(node, problems),
    )


def _packages(
    node: Mapping, file: TemplateFile | None, manager: str | None, around: LoadContext, there: frozenset[Path]
) -> tuple[PackageSet, ...]:
    """The sandbox's packages and those of its template, which is of no use without its own."""
    packages = build_packages(node, manager, around.digests, around.problems, there)
    defaults = file.defaults if file else None
    if defaults is None or defaults.lacks("packages") or defaults.get("packages") is node.get("packages"):
        return without_empty(packages)
    below = build_packages(defaults, manager, around.digests, around.problems)
    return without_empty(with_template_packages(packages, below))


def build_networks(node: Mapping, declared: Declared, problems: Problems) -> tuple[str, ...]:
    """The networks that a sandbox joins; `declared` are those of the stack."""
    value = node.get("networks")
    if not isinstance(value, Sequence | Mapping):
        return (DEFAULT_NETWORK,)
    names: dict[str, Node] = {}
    for item in value.items if isinstance(value, Sequence) else value.keys.values():
        if not isinstance(item, Scalar):
            continue
        if item.text != DEFAULT_NETWORK and item.text not in declared:
            known = suggest(item.text, [*declared, DEFAULT_NETWORK], "networks of this stack")
            hint = f"{known}{'' if known.endswith('?') else '; another one is declared at the top'}"
            deleted = declared.deletions(item.text)
            problems.add(item, f"there is no network `{item.text}` in this stack", hint, *deleted)
        elif item.text in names:
            problems.add(item, f"the network `{item.text}` is named twice", "keep one of the two")
        names.setdefault(item.text, item)
    return tuple(names)


def _aliases(node: Mapping) -> dict[str, tuple[str, ...]]:
    """The further names of a sandbox, by the network in which it has them."""
    found = {}
    for name, settings in node.section("networks").items():
        names = settings.get("aliases") if isinstance(settings, Mapping) else None
        if isinstance(names, Sequence) and names.items:
            found[name] = tuple(dict.fromkeys(item.text for item in names.items if isinstance(item, Scalar)))
    return found


def _stop_grace_period(node: Mapping) -> int | None:
    """In whole seconds, as an engine counts them, and never fewer than the file says."""
    value = node.get("stop_grace_period")
    if not isinstance(value, Scalar):
        return None
    # Few files have one.
    import math  # noqa: PLC0415 - deferred: start-up time

    return math.ceil(seconds(value))


def _capabilities(node: Mapping, key: str) -> tuple[str, ...]:
    listed = node.get(key)
    items = listed.items if isinstance(listed, Sequence) else ()
    return tuple(sorted({item.text.removeprefix("CAP_") for item in items if isinstance(item, Scalar)}))


def _stop_signal(node: Mapping) -> str | None:
    """With its whole name, or its number."""
    text = node.text("stop_signal")
    return text if text is None or text.isdigit() else f"SIG{text.removeprefix('SIG')}"


def _check_kind(group: Group, problems: Problems) -> None:
    """What belongs to tasks only, and what not to them."""
    node, kind = group.node, group.sandbox.kind
    if "kind" in node.dropped:
        return
    if kind == "service" and "run" in node.values:
        hint = "write `kind: task` as well, or remove it"
        problems.add(node.keys["run"], f"`run` is for tasks, and `{group.key.text}` is a service", hint)
    if kind == "task" and "startup" in node.values:
        hint = 'put it in front of the task\'s command: `command: "... && ..."`'
        problems.add(node.keys["startup"], f"`{group.key.text}` is a task, which has no time for a `startup`", hint)
    if kind == "task" and "on_replace" in node.values:
        hint = "remove it: a task that runs again starts from its image"
        problems.add(node.keys["on_replace"], f"`on_replace` is for services, and `{group.key.text}` is a task", hint)
    if kind == "task" and "start_timeout" in node.values:
        hint = "remove it: a task runs as long as it takes"
        problems.add(
            node.keys["start_timeout"], f"`start_timeout` is for services, and `{group.key.text}` is a task", hint
        )
    if kind == "task" and "state" in node.values:
        hint = "remove it: a task ends by itself"
        problems.add(node.keys["state"], f"`state` is for services, and `{group.key.text}` is a task", hint)
    if kind == "task" and group.sandbox.restart != "no":
        hint = "remove it: a task that failed runs again on the next apply"
        problems.add(node.keys["restart"], f"`{group.key.text}` is a task, which cannot restart by itself", hint)
