"""Binds inside of what a sandbox can write to: a stack file has them only where it says that they are meant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nexusctl.config.build.mounts.nested_binds import list_parents
from nexusctl.config.document.expression import OPENING
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.values.frozen import dataclass

_WHY = "it lies inside of {outer}, where {holder} could put a link to anything in its place"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bind:
    sandbox: str
    entry: Any
    source: str
    target: str
    read_only: bool
    real: str


def settle_nested(sandboxes: Mapping[str, dict[str, Any]], folder: Path, leftovers: Leftovers, *, keep: bool) -> None:
    """Change such binds among the `volumes` of `sandboxes`, whose paths start from `folder`.

    With `keep`, for what is live, they stay as they are and say that they are meant. Else a file that is only read
    becomes an upload, and anything else is left over.
    """
    binds = [bind for name, sandbox in sandboxes.items() for bind in _binds(name, sandbox, folder)]
    writable = {bind.real: bind for bind in reversed(binds) if not bind.read_only}
    for bind in binds:
        outer = next((writable[above] for above in list_parents(bind.real) if above in writable), None)
        if outer:
            why = _WHY.format(outer=outer.source, holder=outer.sandbox)
            _settle(sandboxes[bind.sandbox], bind, why, leftovers, keep=keep)


def _settle(sandbox: dict[str, Any], bind: _Bind, why: str, leftovers: Leftovers, *, keep: bool) -> None:
    volumes = sandbox["volumes"]
    at = volumes.index(bind.entry)
    what = f"{bind.sandbox}: {bind.source} at {bind.target}"
    if keep:
        flags = {"read_only": True} if bind.read_only else {}
        volumes[at] = {"bind": bind.source, "target": bind.target, **flags, "host_access": True}
        leftovers.add(what, f"{why}; it stays, with `host_access: true`")
        return
    del volumes[at]
    if not volumes:
        del sandbox["volumes"]
    if bind.read_only and Path(bind.real).is_file():
        sandbox.setdefault("uploads", []).append({"source": bind.source, "target": bind.target})
        leftovers.add(what, f"{why}; each apply uploads it instead")
    else:
        leftovers.add(what, f"{why}; mount what is around it, or write it with `host_access: true`")


def _binds(name: str, sandbox: Mapping[str, Any], folder: Path) -> Iterator[_Bind]:
    for entry in sandbox.get("volumes", ()):
        if isinstance(entry, str):
            source, _, rest = entry.partition(":")
            target, _, mode = rest.partition(":")
            read_only = mode == "ro"
        else:
            source, target, read_only = entry.get("bind", ""), entry["target"], bool(entry.get("read_only"))
        if source.startswith((".", "/", "~")) and OPENING not in source:
            real = os.path.realpath(folder / Path(source).expanduser())
            yield _Bind(sandbox=name, entry=entry, source=source, target=target, read_only=read_only, real=real)
