"""What a container has from its birth on and an engine takes as it is, from what a sandbox says."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

from nexusctl.config.build.units import size
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.model.secret import FOLDER
from nexusctl.model.stack import Mount, Ulimit
from nexusctl.model.uploads_and_packages import Upload
from nexusctl.model.values.did_you_mean import suggest

_LIMITED = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip
"""What engines know of setrlimit(2)."""
_HOST_GATEWAY = "host-gateway"
_NO_LIMIT = -1
_LEAST_SHM_SIZE = 1024 * 1024
_AS_ALWAYS = "noexec"
"""Engines say it of each tmpfs that says nothing else."""

_CANNOT_BE_WRITTEN = {
    "uploads": "mount them instead: `volumes: [./conf:/etc/app:ro]`",
    "on_replace": "leave it out: only volumes can have anything to preserve, and they stay",
}


def build_settings(
    node: Mapping, mounts: Iterable[Mount], uploads: Iterable[Upload], problems: Problems
) -> dict[str, Any]:
    """By field of `Sandbox`; what does not go together, or with its `mounts` and `uploads`, is reported."""
    return {
        "hostname": node.text("hostname"),
        "read_only": _read_only(node, problems),
        "tmpfs": _tmpfs(node, mounts, uploads, problems),
        "shm_size": _shm_size(node, problems),
        "ulimits": _ulimits(node, problems),
        "dns": tuple(dict.fromkeys(_dns(node, problems))),
        "extra_hosts": tuple(sorted(set(_extra_hosts(node, problems)))),
    }


def build_artifacts(node: Mapping, problems: Problems) -> tuple[str, ...]:
    """Where the files lie that a run takes out, without another way to write the same path."""
    found = set()
    for item in _scalars(node, "artifacts"):
        path = posixpath.normpath(item.text).replace("//", "/")
        if path == "/":
            problems.add(item, "all of a sandbox is no artifact", "name the files and folders that you want")
        found.add(path)
    return tuple(sorted(found))


def _scalars(node: Mapping, key: str) -> list[Scalar]:
    """Of a text or a list of texts."""
    value = node.get(key)
    items = value.items if isinstance(value, Sequence) else [value]
    return [item for item in items if isinstance(item, Scalar)]


def _read_only(node: Mapping, problems: Problems) -> bool:
    """An engine puts nothing into such a container, not even before it starts."""
    value = node.get("read_only")
    if not isinstance(value, Scalar) or value.value is not True:
        return False
    for key, hint in _CANNOT_BE_WRITTEN.items():
        if _asks_to_write(key, node.get(key)):
            place = node.keys[key]
            problems.add(place, f"`{key}` cannot write into a sandbox that is `read_only`", hint)
    return True


def _asks_to_write(key: str, node: Node | None) -> bool:
    if isinstance(node, Scalar):
        return key == "on_replace" and node.text == "preserve"
    return bool(getattr(node, "items", ()))


def _shm_size(node: Mapping, problems: Problems) -> int | None:
    value = node.get("shm_size")
    if not isinstance(value, Scalar):
        return None
    found = size(value)
    if found < _LEAST_SHM_SIZE:
        problems.add(value, f"`shm_size: {value.text}` is too little", "write at least `1m`")
    return found


def _ulimits(node: Mapping, problems: Problems) -> dict[str, Ulimit]:
    found: dict[str, Ulimit] = {}
    listed = node.get("ulimits")
    for name, said in sorted(listed.values.items()) if isinstance(listed, Mapping) else ():
        assert isinstance(listed, Mapping)
        if name not in _LIMITED:
            hint = suggest(name, _LIMITED, "what can be limited")
            problems.add(listed.keys[name], f"there is no limit called `{name}`", hint)
            continue
        soft, hard = (said.get("soft"), said.get("hard")) if isinstance(said, Mapping) else (said, said)
        if not isinstance(soft, Scalar) or not isinstance(hard, Scalar):
            continue
        found[name] = Ulimit(soft=int(soft.value), hard=int(hard.value))
        if hard.value != _NO_LIMIT and not 0 <= soft.value <= hard.value:
            problems.add(soft, f"the soft limit of `{name}` is above its hard one", "raise `hard`, or lower `soft`")
    return found


def _dns(node: Mapping, problems: Problems) -> Iterator[str]:
    for item in _scalars(node, "dns"):
        if not _is_address(item.text):
            problems.add(item, f"`{item.text}` is no address of a DNS server", "write for example `10.0.0.2`")
        yield item.text


def _extra_hosts(node: Mapping, problems: Problems) -> Iterator[str]:
    for place, name, address in _pair_hosts(node):
        plain = address.removeprefix("[").removesuffix("]")
        if plain != _HOST_GATEWAY and not _is_address(plain):
            hint = f"write for example `{name}:10.0.0.2`; `{_HOST_GATEWAY}` stands for this machine"
            problems.add(place, f"`{address}` is no address for `{name}`", hint)
        yield f"{name}:{plain}"


def _pair_hosts(node: Mapping) -> Iterator[tuple[Scalar, str, str]]:
    """Each name with an address, and where that stands."""
    listed = node.get("extra_hosts")
    if not isinstance(listed, Mapping):
        for item in _scalars(node, "extra_hosts"):
            # An address may have colons, and a name neither of the two.
            name, address = re.split("[:=]", item.text, maxsplit=1)
            yield item, name, address
        return
    for name in listed.values:
        for item in _scalars(listed, name):
            yield item, name, item.text


def _is_address(text: str) -> bool:
    # Few sandboxes name an address.
    from ipaddress import ip_address  # noqa: PLC0415 - deferred: start-up time

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _tmpfs(node: Mapping, mounts: Iterable[Mount], uploads: Iterable[Upload], problems: Problems) -> dict[str, str]:
    """By place, sorted; as an engine takes them but for the order."""
    found: dict[str, str] = {}
    others = {**{mount.target: "a volume" for mount in mounts}, FOLDER: "the folder of secrets"}
    for item in _scalars(node, "tmpfs"):
        written, _, options = item.text.partition(":")
        target = posixpath.normpath(written)
        if taken := "another one" if target in found else others.get(target):
            problems.add(item, f"{taken} is mounted at `{target}` already", "choose another folder")
        found[target] = ",".join(sorted({*options.split(",")} - {"", _AS_ALWAYS}))
    deepest = sorted({*others, *found}, reverse=True)
    for upload in uploads:
        for path in (
            posixpath.join(upload.target, file.path).rstrip("/") for file in upload.files if file.kind != "folder"
        ):
            around = next((target for target in deepest if f"{path}/".startswith(f"{target}/")), "")
            if around in found:
                summary = f"nothing can be uploaded to `{path}`: `{around}` is empty whenever the sandbox starts"
                problems.add(node.keys["tmpfs"], summary, "upload it to another place, or make a volume of that")
                break
    return dict(sorted(found.items()))
