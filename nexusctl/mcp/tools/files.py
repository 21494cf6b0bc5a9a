"""`execution_files_list` and `execution_file_get`: what was written in a sandbox outside of volumes."""

from __future__ import annotations

import base64
import hashlib
from pathlib import PurePosixPath
from typing import Any

from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.looks import Seen, id_of
from nexusctl.mcp.tools.digests import FileDigest, read_digests
from nexusctl.model.observed.live import LiveSandbox

MOST_FILES = 500
MOST_BYTES = 60_000


def list_files(door: Door, call: Call) -> Answer:
    """What differs in the sandbox's own file system from its image."""
    live = _container(door.look(), call["sandbox_id"])
    below = _whole(call.get("path", "/"))
    engine = door.looks.engine()
    changes = engine.list_changes(live.id)
    found = sorted(path for path in changes if PurePosixPath(path).is_relative_to(below))
    shown = {path: changes[path] for path in found[:MOST_FILES]}
    digests = read_digests(engine, live.id, shown)
    return {
        "sandbox_id": id_of(live.sandbox),
        "files": [_describe(path, kind, digests.get(path)) for path, kind in shown.items()],
        "total": len(found),
        "truncated": len(found) > MOST_FILES,
    }


def _describe(path: str, kind: str, digest: FileDigest | None) -> dict[str, Any]:
    return {
        "path": path,
        "kind": kind,
        "type": digest.kind if digest else None,
        "size_bytes": digest.size if digest else None,
        "checksum": digest.checksum if digest else None,
    }


def get_file(door: Door, call: Call) -> Answer:
    """A part of one file."""
    live = _container(door.look(), call["sandbox_id"])
    _whole(call["path"])
    content = door.looks.engine().read_file(live.id, call["path"])
    if content is None:
        hint = "`execution_files_list` shows what is there; a folder, a link or a large file is not read"
        raise InputError(Diagnostic(f"{id_of(live.sandbox)} has no file `{call['path'][:80]}` to read", hint=hint))
    start, most = int(call.get("from", 0)), int(call.get("max_bytes", MOST_BYTES))
    part = content[start : start + most]
    try:
        text, encoding = part.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(part).decode(), "base64"
    end = start + len(part)
    return {
        "sandbox_id": id_of(live.sandbox),
        "path": call["path"],
        "content": text,
        "encoding": encoding,
        "size_bytes": len(content),
        "checksum": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "next_offset": end,
        "truncated": end < len(content),
    }


def _whole(path: str) -> PurePosixPath:
    """The path, which has to be one as `execution_files_list` tells them. Raises `InputError`."""
    found = PurePosixPath(path)
    if ".." in found.parts or "\0" in path:
        hint = "write the whole path without `..`, as `execution_files_list` tells it"
        raise InputError(Diagnostic(f"`{path[:80]!r}` cannot be the path of a file", hint=hint))
    return found


def _container(seen: Seen, sandbox_id: str) -> LiveSandbox:
    name = seen.status(sandbox_id).name
    live = seen.container(name)
    if live is None:
        raise InputError(Diagnostic(f"{id_of(name)} has no container", hint="`sandbox_start` makes it"))
    return live
