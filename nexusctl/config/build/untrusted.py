"""What a stranger's file cannot ask for, as it reaches past its own sandboxes. Only loaded for one.

What it names on this machine, and of the environment, is refused where that is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from nexusctl.config.build.networks.ports import LOOPBACK, PlacedPort
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.config.trust.project_folder import GIT
from nexusctl.model.secret import SourceKind
from nexusctl.model.stack import Mount
from nexusctl.model.uploads_and_packages import Upload

_LOWEST_PORT = 1024

_FROM_HERE: tuple[SourceKind, ...] = ("age", "vault", "command", "keyring")
"""Sources of secrets that use what this machine may read, or that run something on it."""


def refuse_in_stack(document: Mapping, problems: Problems) -> None:
    """Report what of others the stack takes, and what it would run here to read a secret."""
    for section in ("networks", "volumes"):
        for name, node in document.section(section).items():
            if isinstance(node, Mapping) and "external" in node.values:
                what = f"a stranger's files cannot use the {section[:-1]} `{name}`, which belongs to others"
                problems.add(node.keys["external"], what, node.source.trust.hint)
    for name, node in document.section("secrets").items():
        if isinstance(node, Mapping) and "command" in node.values:
            what = f"a stranger's files cannot run a command here for the secret `{name}`"
            problems.add(node.keys["command"], what, node.source.trust.hint)


def why_withheld(source: SourceKind, where: str, place: Node) -> str:
    """Why a secret is not read for a stranger's file, empty where it is: only a file of the project needs no leave."""
    trust = place.source.trust
    if not trust.untrusted or source not in ("env", *_FROM_HERE):
        return ""
    if source == "env":
        return "" if trust.allows_env(where) else f"`--allow-env {where}` lets them; {trust.hint}"
    return trust.hint


def refuse_in_sandbox(node: Mapping, ports: Iterable[PlacedPort], problems: Problems) -> None:
    """Report the grants of a sandbox and the ports of this machine that it takes from others or opens to them."""
    if granted := node.get("cap_add"):
        summary = "a stranger's files cannot ask for capabilities"
        problems.add(node.keys["cap_add"], summary, granted.source.trust.hint)
    for port, place in ports:
        if port.host is not None and port.host < _LOWEST_PORT:
            summary = f"a stranger's files cannot take port {port.host} of this machine"
            problems.add(place, summary, f"take one from {_LOWEST_PORT}, or leave it out for a free one")
        if not _is_own(port.address):
            summary = f"a stranger's files cannot open a port to others than this machine, as on `{port.address}`"
            problems.add(place, summary, f"leave the address out, which is then {LOOPBACK}")


def _is_own(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def refuse_mounts(mounts: Iterable[Mount], placed: Node | None, problems: Problems) -> None:
    """Report those of `mounts` that hand the credentials of a checkout to the sandbox."""
    items = placed.items if isinstance(placed, Sequence) else []
    for mount in mounts:
        if mount.kind == "bind" and (Path(mount.source) / GIT).exists():
            place = next((item for item in items if mount.target in _texts(item)), placed)
            assert place is not None
            summary = f"a stranger's files cannot mount a folder with `{GIT}` in it, where credentials may be"
            problems.add(place, summary, "mount a folder below it, or upload it with `ignore: [.git]`")


def refuse_uploads(uploads: Iterable[Upload], placed: Node | None, problems: Problems) -> None:
    """As `refuse_mounts`, for what is uploaded."""
    for upload in uploads:
        if placed and any(part.lower() == GIT for file in upload.files for part in file.path.split("/")):
            summary = f"a stranger's files cannot upload `{GIT}`, where credentials may be"
            items = placed.items if isinstance(placed, Sequence) else []
            place = next((item for item in items if upload.target in _texts(item)), placed)
            problems.add(place, summary, "leave it out: `ignore: [.git]`")


def _texts(item: Node) -> Iterator[str]:
    if isinstance(item, Scalar):
        yield from item.text.split(":")
    elif isinstance(item, Mapping):
        yield from (value.text for value in item.values.values() if isinstance(value, Scalar))
