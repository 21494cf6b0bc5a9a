"""The record: a sandbox as versioned canonical JSON, written into a label of its container.

It lets the live side yield a `Sandbox` too, so that the planner compares two values of one type.
Fields with the default value are left out: a new field with a harmless default changes no record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar

from nexusctl.model import stack
from nexusctl.model.secret import SecretFile, SecretText, SecretUse
from nexusctl.model.stack import Sandbox

VERSION = 1

T = TypeVar("T")

# Which class the items of a field belong to; every other field holds plain JSON values.
_PART_OF: Mapping[tuple[type, str], type] = {
    (Sandbox, "secrets"): SecretFile,
    (Sandbox, "packages"): stack.PackageSet,
    (Sandbox, "uploads"): stack.Upload,
    (Sandbox, "depends_on"): stack.Dependency,
    (Sandbox, "health"): stack.Health,
    (Sandbox, "ports"): stack.Port,
    (Sandbox, "mounts"): stack.Mount,
    (Sandbox, "resources"): stack.Resources,
    (Sandbox, "lifecycle"): stack.Lifecycle,
    (stack.Upload, "files"): stack.UploadFile,
    (stack.PackageSet, "packages"): stack.Package,
    (stack.PackageSet, "lock_files"): stack.UploadFile,
}


class RecordError(ValueError):
    """A record that this nexusctl cannot read; the text says why."""


def encode(sandbox: Sandbox) -> str:
    """The record of `sandbox`: the same text for equal values, whatever the order of their mappings."""
    return canonical({"version": VERSION, "sandbox": plain(sandbox)})


def decode(text: str) -> Sandbox:
    """The sandbox in a record. Raises `RecordError` for a newer version or a damaged text."""
    try:
        document = json.loads(text)
        version = document["version"]
        if version > VERSION:
            raise RecordError(
                f"it was written by a newer nexusctl (record version {version}, this one reads up to {VERSION})"
            )
        return _revive(Sandbox, document["sandbox"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"it is damaged ({error})") from error


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def plain(value: Any) -> Any:
    """`value` as plain JSON values, without defaults and without what is marked as outside."""
    if is_dataclass(value):
        return {
            f.name: plain(getattr(value, f.name))
            for f in fields(value)
            if f.metadata.get("recorded", True) and getattr(value, f.name) != _default(f)
        }
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def _default(f: Field[Any]) -> Any:
    if f.default_factory is not MISSING:
        return f.default_factory()
    return f.default


def _revive(cls: type[T], data: Mapping[str, Any]) -> T:
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    if unknown := sorted(set(data) - known):
        raise RecordError(f"it has unknown fields: {', '.join(unknown)}")
    return cls(**{name: _revive_field(cls, name, value) for name, value in data.items()})


def _revive_field(cls: type, name: str, value: Any) -> Any:
    if (cls, name) == (Sandbox, "env"):
        return {key: item if isinstance(item, str) else _revive_text(item) for key, item in value.items()}
    if (cls, name) == (Sandbox, "aliases"):
        return {key: tuple(names) for key, names in value.items()}
    part = _PART_OF.get((cls, name))
    if isinstance(value, list):
        return tuple(_revive(part, item) if part else item for item in value)
    return _revive(part, value) if part and value is not None else value


def _revive_text(data: Mapping[str, Any]) -> SecretText:
    parts = data["parts"]
    return SecretText(parts=tuple(part if isinstance(part, str) else _revive(SecretUse, part) for part in parts))
