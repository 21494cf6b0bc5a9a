"""The record: a sandbox as versioned canonical JSON, written into a label of its container.

It lets the live side yield a `Sandbox` too, so that the planner compares two values of one type.
Fields with the default value are left out: a new field with a harmless default changes no record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any

from nexusctl.model import stack
from nexusctl.model.env_file_text import withhold_values
from nexusctl.model.lifetime import LAST
from nexusctl.model.secret import SecretFile
from nexusctl.model.stack import Sandbox
from nexusctl.model.uploads_and_packages import Package, PackageSet, Upload, UploadFile
from nexusctl.model.values.from_json import (
    Check,
    MalformedValue,
    Shapes,
    is_absolute,
    is_argument,
    is_below,
    is_file_name,
    is_name,
)

VERSION = 1

PORTS = 65536

LIMIT = 64 * 1024 * 1024
"""Characters; fifty thousand uploaded files take an eighth of it."""

_CHECKS: Mapping[tuple[type, str], Check] = {
    (Sandbox, "name"): is_name,
    (Sandbox, "group"): is_name,
    (Sandbox, "template"): lambda template: template is None or is_name(template),
    (Sandbox, "image"): is_argument,
    (Sandbox, "working_dir"): lambda folder: folder is None or folder.startswith("/"),
    (Sandbox, "user"): lambda user: user is None or is_argument(user),
    (Sandbox, "artifacts"): lambda paths: all(map(is_absolute, paths)),
    (Sandbox, "tmpfs"): lambda folders: all(map(is_absolute, folders)),
    (Sandbox, "shm_size"): lambda size: size is None or size > 0,
    (Sandbox, "hostname"): lambda hostname: hostname is None or is_argument(hostname),
    (Sandbox, "stop_grace_period"): lambda seconds: seconds is None or seconds >= 0,
    (Sandbox, "start_timeout"): lambda seconds: seconds is None or seconds >= 0,
    (Sandbox, "timeout"): lambda seconds: seconds is None or 0 <= seconds <= LAST,
    (Sandbox, "idle_timeout"): lambda seconds: seconds is None or 0 <= seconds <= LAST,
    (Sandbox, "keep_until"): lambda second: second is None or 0 <= second <= LAST,
    (SecretFile, "name"): is_file_name,
    (Upload, "target"): is_absolute,
    (UploadFile, "path"): is_below,
    (UploadFile, "mode"): lambda mode: 0 <= mode <= 0o7777,
    (UploadFile, "size"): lambda size: size >= 0,
    (Upload, "owner"): lambda owner: owner is None or is_argument(owner),
    (Package, "name"): is_argument,
    (PackageSet, "lock_name"): is_below,
    (stack.Mount, "target"): is_absolute,
    (stack.Port, "container"): lambda port: 0 < port < PORTS,
    (stack.Port, "host"): lambda port: port is None or 0 < port < PORTS,
}
_SHAPES = Shapes(_CHECKS)


class RecordError(ValueError):
    """A record that this nexusctl cannot read; the text says why."""


class NewerRecord(RecordError):
    """One that is right, and that only a newer nexusctl understands."""


def encode(sandbox: Sandbox) -> str:
    """The record of `sandbox`: the same text for equal values, whatever the order of their mappings.

    What an env file gave stands in it by its name only.
    """
    recorded = replace(sandbox, env=withhold_values(sandbox.env))
    return canonical({"version": VERSION, "sandbox": plain(recorded)})


def decode(text: str) -> Sandbox:
    """The sandbox in a record. Raises `RecordError` for a newer version or a damaged text."""
    if len(text) > LIMIT:
        raise RecordError(f"it is longer than {LIMIT // 1024**2} MiB")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is damaged ({error})") from error
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or "sandbox" not in document:
        raise RecordError("it is damaged (no record at all)")
    if version > VERSION:
        raise NewerRecord(
            f"it was written by a newer nexusctl (record version {version}, this one reads up to {VERSION})"
        )
    try:
        return _SHAPES.read(Sandbox, document["sandbox"])
    except MalformedValue as error:
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
