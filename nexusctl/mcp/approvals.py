"""Calls that wait for a person: a code for each, under which `nexusctl approve` finds what is asked for.

They lie among the state of whoever runs the server, so that any server of the same stack file knows of an approval.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.values.frozen import dataclass

LIFETIME = 24 * 3600
"""Seconds after which nobody remembers what was asked."""

_CODE = re.compile(r"[0-9A-F]{8}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """What `who` asks for: a call of `tool`, in words and as the plan that would follow, about the stack of `file`."""

    code: str
    tool: str
    who: str
    title: str
    plan: str
    file: str = ""
    approved: bool = False


def code_of(tool: str, arguments: Mapping[str, Any], who: str, path: Path) -> str:
    """The code of a call: the same for the same call, so that it can be made again once it is approved."""
    asked = {name: value for name, value in arguments.items() if name != "plan"}
    said = json.dumps([tool, asked, who, str(path.absolute())], sort_keys=True)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:8].upper()


def ask(asked: ApprovalRequest) -> None:
    """Write down what waits for approval."""
    _write(asked)


def take(code: str) -> bool:
    """Whether the call with this code is approved; an approval is good for one call."""
    found = _read(code)
    if found is None or not found.approved:
        return False
    try:
        _place(code).unlink()
    except FileNotFoundError:
        # Somebody else has used it.
        return False
    return True


def find(code: str) -> ApprovalRequest:
    """What waits under `code`. Raises `InputError` where nothing does."""
    found = _read(code.strip().upper())
    if found is None:
        hint = "`nexusctl approve` lists what waits; a code is good for a day, and for one call"
        raise InputError(Diagnostic(f"nothing waits for approval under `{code[:40]}`", hint=hint))
    return found


def approve(asked: ApprovalRequest) -> None:
    """Let the call be carried out when it is made again."""
    _write(replace(asked, approved=True))


def list_waiting() -> tuple[ApprovalRequest, ...]:
    """What waits for approval, the oldest first."""
    found = []
    for path in _folder().glob("*.json"):
        asked = _read(path.stem)
        if asked and not asked.approved:
            with suppress(OSError):
                found.append((path.stat().st_mtime, asked.code, asked))
    return tuple(asked for _, _, asked in sorted(found, key=lambda one: one[:2]))


def _read(code: str) -> ApprovalRequest | None:
    if not _CODE.match(code):
        return None
    try:
        if time.time() - _place(code).stat().st_mtime > LIFETIME:
            return None
        return ApprovalRequest(**json.loads(_place(code).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write(asked: ApprovalRequest) -> None:
    place = _place(asked.code)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        document = {name: getattr(asked, name) for name in ("code", "tool", "who", "title", "plan", "file", "approved")}
        workspace.replace_file(place, json.dumps(document), private=True)
    except OSError as error:
        hint = "check XDG_STATE_HOME and its permissions"
        raise InputError(Diagnostic(f"`{place}` cannot be written: {error.strerror}", hint=hint)) from None


def _place(code: str) -> Path:
    return _folder() / f"{code}.json"


def _folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME", "")
    # As the specification says, a relative path counts as none.
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return root / "nexusctl" / "approvals"
