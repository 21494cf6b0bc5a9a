"""The change table: how each field of a sandbox is compared, and what the cheapest change for it is.

Every field is flattened to a mapping from a path (`env.PORT`) to a plain value; two flat mappings are then
compared key by key. Order counts only where it has a meaning, so lists of ports, mounts, networks,
packages and dependencies are keyed by what identifies an item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal

from nexusctl.model.endpoint import bracketed
from nexusctl.model.env_file_text import SHOWN, SHOWN_CHANGED, EnvFileText, is_withheld
from nexusctl.model.plan.plan import Difference
from nexusctl.model.secret import SecretFile, SecretText, SecretUse
from nexusctl.model.stack import LIMITS, Health, Lifecycle, Mount, Resources, Sandbox, Ulimit
from nexusctl.model.uploads_and_packages import PackageSet, UploadFile
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.utc import utc

_MEBIBYTE = 1024 * 1024

Flat = Mapping[str, Any]
Effect = Literal["record", "changeable", "replace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one field is compared and changed.

    `record`: only the record knows it. `changeable`: in place where the engine can. `replace`: fixed at birth.
    With `plain` it is imported: that makes of a value what stack and Compose files write, nothing of none. `inspected`
    tells when what an engine says of it counts as drift: wherever it differs, or only where the record states it,
    because otherwise the engine chooses.
    """

    field: str
    effect: Effect
    flatten: Callable[[str, Any], Flat]
    plain: Callable[[Any], Any] | None = None
    inspected: Literal["", "always", "stated"] = ""


def _scalar(name: str, value: Any) -> Flat:
    return {} if value is None else {name: value}


def _time(name: str, value: int | None) -> Flat:
    return {} if value is None else {name: utc(value)}


def _words(name: str, value: tuple[str, ...] | None) -> Flat:
    return {} if value is None else {name: list(value)}


def _listed(name: str, value: tuple[str, ...]) -> Flat:
    """In an order that counts."""
    return {name: list(value)} if value else {}


def _mapping(name: str, value: Mapping[str, Any]) -> Flat:
    return {f"{name}.{key}": item for key, item in value.items()}


def _each(name: str, value: tuple[str, ...]) -> Flat:
    return {f"{name}.{word}": True for word in value}


def _limits(name: str, value: Resources) -> Flat:
    pairs = ((key, getattr(value, key)) for key in LIMITS)
    return {f"{name}.{key}": item for key, item in pairs if item is not None}


def _health(name: str, value: Health | None) -> Flat:
    """As the file writes it: the one probe that there is, and when it runs."""
    if value is None:
        return {}
    probe: dict[str, Any] = {"tcp": value.tcp_port}
    if value.http_port is not None:
        probe = {"http.port": value.http_port, "http.path": value.http_path}
    elif value.command:
        probe = {"command": list(value.command)}
    times = {key: getattr(value, key) for key in ("interval", "timeout", "retries", "start_period")}
    return {f"{name}.{key}": item for key, item in {**probe, **times}.items()}


def _image_health(_: str, value: bool) -> Flat:
    """As the file writes it."""
    return {} if value else {"health": "none"}


def _lifecycle(name: str, value: Lifecycle) -> Flat:
    """With mounts under their name in the file."""
    ignore = ["volumes" if path == "mounts" else path for path in value.ignore]
    return {f"{name}.prevent_destroy": value.prevent_destroy, f"{name}.ignore": ignore}


def _secrets(name: str, value: tuple[SecretFile, ...]) -> Flat:
    return {f"{name}.{file.name}": SecretUse(secret=file.secret, digest=file.digest) for file in value}


def _packages(name: str, value: Any) -> Flat:
    flat: dict[str, Any] = {}
    for chosen in value:
        prefix = f"{name}.{chosen.manager}"
        flat.update({f"{prefix}.{package.name}": package.version or "any version" for package in chosen.packages})
        # What else lies beside the lock of a list follows from the list.
        files = [file for file in chosen.lock_files if not chosen.packages or file.path == chosen.lock_name]
        flat.update({f"{prefix}.{file.path}": _content(file) for file in files})
        # No package begins with a dash.
        scripts = chosen.ignore_scripts
        flat.update(
            {f"{prefix}.--ignore-scripts": list(scripts) if isinstance(scripts, tuple) else True} if scripts else {}
        )
        flat.update({f"{prefix}.--omit": list(chosen.omit)} if chosen.omit else {})
    return flat


def _without_shared_locks(*values: tuple[PackageSet, ...]) -> Iterator[tuple[PackageSet, ...]]:
    """`values` without what one lock fixes in all: it brings the same, whether a list stands beside it or not."""
    shared = frozenset.intersection(*(frozenset(map(_identify_lock, value)) for value in values))
    for value in values:
        yield tuple(chosen for chosen in value if not chosen.lock_name or _identify_lock(chosen) not in shared)


def _identify_lock(chosen: PackageSet) -> tuple[Any, ...]:
    return chosen.manager, chosen.lock_name, chosen.lock_files, chosen.options


def _uploads(name: str, value: Any) -> Flat:
    flat: dict[str, Any] = {}
    for upload in value:
        for file in upload.files:
            path = f"{upload.target.rstrip('/')}/{file.path}" if file.path else upload.target
            words = [_content(file), f"{file.mode:04o}", upload.owner]
            flat[f"{name}.{path}"] = " ".join(word for word in words if word)
    return flat


def _content(file: UploadFile) -> str:
    return f"-> {file.link}" if file.kind == "link" else _digest(file.digest) or "folder"


def _ports(name: str, value: Any) -> Flat:
    ordered = sorted(value, key=lambda p: (p.container, p.protocol, p.address, p.host or 0))
    return {
        f"{name}.{container}/{protocol}[{number}]": f"{bracketed(port.address)}:{port.host or 'any'}"
        for (container, protocol), ports in groupby(ordered, key=lambda p: (p.container, p.protocol))
        for number, port in enumerate(ports)
    }


def _mounts(_: str, value: Any) -> Flat:
    return {
        f"volumes.{mount.target}": f"{_describe_mount(mount)}{' (read-only)' if mount.read_only else ''}"
        for mount in value
    }


def _describe_mount(mount: Mount) -> str:
    return "a volume of its own" if mount.kind == "anonymous" else f"{mount.kind} {mount.source}"


def _names(name: str, value: tuple[str, ...]) -> Flat:
    return {f"{name}.{item}": "connected" for item in value}


def _aliases(name: str, value: Mapping[str, tuple[str, ...]]) -> Flat:
    return {f"networks.{network}.{name}": sorted(names) for network, names in value.items() if names}


def _shares(_: str, value: tuple[str, ...]) -> Flat:
    """As the file writes them."""
    return {f"{kind}s.{called}.shared": True for kind, _, called in (word.partition(":") for word in value)}


def _dependencies(name: str, value: Any) -> Flat:
    flat: dict[str, Any] = {f"{name}.{dependency.sandbox}": dependency.condition for dependency in value}
    flat |= {f"{name}.{dependency.sandbox}.required": False for dependency in value if not dependency.required}
    return flat | {f"{name}.{dependency.sandbox}.restart": True for dependency in value if dependency.restart}


def _digest(digest: str) -> str:
    return f"sha256:{digest[:12]}" if digest else ""


def _flag(name: str, value: bool) -> Flat:
    return {name: True} if value else {}


def _stated(value: Any) -> Any:
    return value or None


def _plain_tmpfs(value: Mapping[str, str]) -> list[str]:
    return [f"{target}:{options}" if options else target for target, options in value.items()]


def _plain_size(value: int | None) -> str | int | None:
    return f"{value // _MEBIBYTE}m" if value and value % _MEBIBYTE == 0 else value


def _ulimits(name: str, value: Mapping[str, Ulimit]) -> Flat:
    return {f"{name}.{kind}": f"{limit.soft}:{limit.hard}" for kind, limit in value.items()}


def _plain_ulimits(value: Mapping[str, Ulimit]) -> dict[str, Any]:
    return {
        kind: limit.soft if limit.soft == limit.hard else {"soft": limit.soft, "hard": limit.hard}
        for kind, limit in value.items()
    }


TABLE: tuple[Rule, ...] = (
    Rule(field="group", effect="changeable", flatten=_scalar),
    Rule(field="kind", effect="replace", flatten=_scalar),
    Rule(field="image", effect="replace", flatten=_scalar),
    Rule(field="template", effect="record", flatten=_scalar),
    Rule(field="command", effect="replace", flatten=_words),
    Rule(field="working_dir", effect="replace", flatten=_scalar),
    Rule(field="user", effect="replace", flatten=_scalar),
    Rule(field="env", effect="replace", flatten=_mapping),
    Rule(field="secrets", effect="changeable", flatten=_secrets),
    Rule(field="packages", effect="changeable", flatten=_packages),
    Rule(field="uploads", effect="changeable", flatten=_uploads),
    Rule(field="startup", effect="replace", flatten=_scalar),
    Rule(field="health", effect="replace", flatten=_health),
    Rule(field="image_health", effect="replace", flatten=_image_health),
    Rule(field="start_timeout", effect="record", flatten=_scalar),
    Rule(field="ports", effect="replace", flatten=_ports),
    Rule(field="mounts", effect="replace", flatten=_mounts),
    Rule(field="networks", effect="changeable", flatten=_names),
    Rule(field="aliases", effect="changeable", flatten=_aliases),
    Rule(field="resources", effect="changeable", flatten=_limits),
    Rule(field="restart", effect="changeable", flatten=_scalar),
    Rule(field="state", effect="changeable", flatten=_scalar),
    # Each stop says what runs before it and how long it waits.
    Rule(field="pre_stop", effect="record", flatten=_scalar),
    Rule(field="artifacts", effect="record", flatten=_each),
    Rule(field="stop_grace_period", effect="record", flatten=_scalar),
    Rule(field="stop_signal", effect="replace", flatten=_scalar),
    Rule(field="cap_add", effect="replace", flatten=_each, inspected="stated"),
    Rule(field="cap_drop", effect="replace", flatten=_each, inspected="stated"),
    Rule(field="hostname", effect="replace", flatten=_scalar, plain=_stated, inspected="stated"),
    Rule(field="read_only", effect="replace", flatten=_flag, plain=_stated, inspected="always"),
    Rule(field="tmpfs", effect="replace", flatten=_mapping, plain=_plain_tmpfs, inspected="always"),
    Rule(field="shm_size", effect="replace", flatten=_scalar, plain=_plain_size, inspected="stated"),
    Rule(field="ulimits", effect="replace", flatten=_ulimits, plain=_plain_ulimits, inspected="stated"),
    Rule(field="extra_hosts", effect="replace", flatten=_each, plain=list, inspected="always"),
    Rule(field="dns", effect="replace", flatten=_listed, plain=list, inspected="always"),
    Rule(field="on_replace", effect="record", flatten=_scalar),
    Rule(field="depends_on", effect="record", flatten=_dependencies),
    Rule(field="run", effect="record", flatten=_scalar),
    Rule(field="timeout", effect="record", flatten=_scalar),
    Rule(field="idle_timeout", effect="record", flatten=_scalar),
    Rule(field="keep_until", effect="record", flatten=_time),
    Rule(field="on_expire", effect="record", flatten=_scalar),
    Rule(field="metadata", effect="record", flatten=_mapping),
    Rule(field="shares", effect="record", flatten=_shares),
    Rule(field="lifecycle", effect="record", flatten=_lifecycle),
)
"""Every field of `Sandbox` but `name`, which is its identity."""

_STORAGE = "resources.storage"
"""An engine limits it when it makes a container, or never."""

_NEEDED = {"group": "networks"}
"""Under the name of its group others find a sandbox where it joins a network."""


def compare(recorded: Sandbox, desired: Sandbox, in_place: frozenset[str]) -> tuple[Difference, ...]:
    """Where `desired` differs from `recorded`, field by field; `in_place` are the fields that the engine can change."""
    return tuple(
        difference
        for rule in TABLE
        if getattr(recorded, rule.field) != getattr(desired, rule.field)
        for difference in _compare_field(rule, recorded, desired, in_place)
    )


def take_recorded(recorded: Sandbox, desired: Sandbox) -> Sandbox:
    """`recorded` with the fields of `desired` that only the record knows."""
    return replace(recorded, **{rule.field: getattr(desired, rule.field) for rule in TABLE if rule.effect == "record"})


def _compare_field(rule: Rule, recorded: Sandbox, desired: Sandbox, in_place: frozenset[str]) -> Iterator[Difference]:
    old_value, new_value = getattr(recorded, rule.field), getattr(desired, rule.field)
    if rule.field == "packages":
        old_value, new_value = _without_shared_locks(old_value, new_value)
    before, after = rule.flatten(rule.field, old_value), rule.flatten(rule.field, new_value)
    effect: Literal["record", "in_place", "replace"] = "replace"
    # A folder for secrets is mounted at birth or never.
    fixed = rule.field == "secrets" and not (before and after)
    if rule.effect == "record":
        effect = "record"
    elif rule.effect == "changeable" and _NEEDED.get(rule.field, rule.field) in in_place and not fixed:
        effect = "in_place"
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new and not (is_withheld(old) and isinstance(new, EnvFileText)):
            how = "replace" if path == _STORAGE and "storage" not in in_place else effect
            yield Difference(field=path, before=_describe_old(old, new), after=_describe_new(old, new), effect=how)


def describe_sides(recorded: Any, desired: Any) -> tuple[Any, Any]:
    """Both values of a path for somebody to read: what is secret, or came from an env file, is not shown."""
    before = None if recorded is None else _describe_old(recorded, desired)
    return before, SHOWN if _is_of_file(desired) else _describe(desired, {})


def _describe_old(old: Any, new: Any) -> Any:
    # Older records have in clear what an env file gave.
    hidden = old is not None and (_is_of_file(old) or isinstance(new, EnvFileText))
    return SHOWN if hidden else _describe(old, {})


def _describe_new(old: Any, new: Any) -> Any:
    if not _is_of_file(new):
        return _describe(new, _digests(old))
    return SHOWN if old is None else SHOWN_CHANGED


def _is_of_file(value: Any) -> bool:
    return isinstance(value, EnvFileText) or is_withheld(value)


def _describe(value: Any, known: Mapping[str, str]) -> Any:
    """`value` in words where a secret is in it: its name, and whether its digest differs from the one in `known`."""
    match value:
        case SecretText():
            return "".join(part if isinstance(part, str) else _describe(part, known) for part in value.parts)
        case SecretUse():
            changed = known.get(value.secret, value.digest) != value.digest
            return f"[secret {value.secret}{', changed' if changed else ''}]"
    return value


def _digests(value: Any) -> Mapping[str, str]:
    parts = value.parts if isinstance(value, SecretText) else (value,)
    return {part.secret: part.digest for part in parts if isinstance(part, SecretUse)}
