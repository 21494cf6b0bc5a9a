"""`sandbox_upload`."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door, told
from nexusctl.mcp.edits.batches import BatchResult
from nexusctl.mcp.edits.draft import Place, StackDraft
from nexusctl.mcp.looks import id_of
from nexusctl.mcp.tools.lifecycle import editable

LONGEST_NAME = 200
"""Bytes of a name in a path that every file system takes."""

_MODE = "0644"


def upload(door: Door, call: Call) -> Answer:
    """Keep a file beside the stack file, and put it into the sandbox."""
    content = decode(call["content"], call.get("encoding", "utf-8"))
    target = checked(call["file_path"])
    name = editable(door.look(), call["sandbox_id"])
    mode = call.get("mode")

    def edit(draft: StackDraft) -> StackDraft:
        return add_upload(draft, name, target, content, mode)

    done = door.change(call, (name,), edit, f"Upload {target} into {name}", adds=True)
    if not isinstance(done, BatchResult):
        return done
    return told(
        done,
        {
            "size_bytes": len(content),
            "checksum": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "sandbox_id": id_of(name),
            "file_path": target,
            "stored_as": f"files/{name}{target}",
        },
    )


def decode(text: str, encoding: str) -> bytes:
    """The bytes that a caller means. Raises `InputError` for what is no base64."""
    if encoding == "utf-8":
        try:
            return text.encode()
        except UnicodeEncodeError:
            hint = "send it with `encoding: base64`"
            raise InputError(Diagnostic("`content` has half a character in it, which is no UTF-8", hint=hint)) from None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        hint = "encode the bytes as base64, or leave `encoding` out for text"
        raise InputError(Diagnostic("`content` is no base64", hint=hint)) from None


def checked(path: str) -> str:
    """An absolute path inside of a sandbox, as it can also be kept. Raises `InputError` for what leads elsewhere."""
    parts = PurePosixPath(path).parts[1:]
    if not parts or path.endswith("/"):
        raise InputError(Diagnostic(f"`{path[:80]}` names a folder", hint="name the file, such as `/app/server.js`"))
    for part in parts:
        if part == ".." or any(ord(letter) < 32 or ord(letter) == 127 for letter in part):
            hint = "write the whole path without `..` and control characters, such as `/app/server.js`"
            raise InputError(Diagnostic(f"`{path[:80]!r}` cannot be the path of an upload", hint=hint))
        if part.lower() == ".git":
            hint = "clone the repository inside of the sandbox with `sandbox_execute`"
            raise InputError(Diagnostic(f"`{path[:80]}` leads into a git repository's own folder", hint=hint))
        if len(part.encode(errors="replace")) > LONGEST_NAME:
            raise InputError(Diagnostic(f"`{part[:40]}...` is too long for a name", hint="use at most 200 bytes"))
    return "/" + "/".join(parts)


def add_upload(draft: StackDraft, name: str, target: str, content: bytes, mode: str | None) -> StackDraft:
    """`draft` with the file in the sandbox `name`, in the place of one that it has at that path already."""
    entry = draft.sandbox(name)
    draft = draft.keep(f"{name}{target}", content)
    source = f"{draft.root}/{name}{target}"
    uploads = entry.get("uploads")
    base: Place = ("sandboxes", name, "uploads")
    if uploads is None:
        wanted = [*_inherited(entry, target), _item(source, target, mode)]
        return draft.set(base, wanted)
    for number, item in enumerate(uploads):
        if isinstance(item, dict) and item.get("target") == target:
            return _replace(draft, (*base, number), item, source, mode)
    return draft.append(base, _item(source, target, mode))


def _replace(draft: StackDraft, place: Place, item: dict[str, Any], source: str, mode: str | None) -> StackDraft:
    if item.get("source") != source:
        draft = draft.set(place, {**{k: v for k, v in item.items() if k != "content"}, "source": source})
    if mode and str(item.get("mode", _MODE)) != mode:
        draft = draft.set((*place, "mode"), mode)
    return draft


def _item(source: str, target: str, mode: str | None) -> dict[str, Any]:
    return {"source": source, "target": target, **({"mode": mode} if mode else {})}


def _inherited(entry: Mapping[str, Any], target: str) -> list[dict[str, Any]]:
    """The uploads of the template, which a list of the sandbox's own would take away."""
    template = entry.get("template")
    if not isinstance(template, str):
        return []
    found = workspace.load_template(template).defaults.get("uploads", ())
    return [dict(item) for item in found if "content" in item and item["target"] != target]
