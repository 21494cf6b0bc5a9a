"""One git commit for each batch that has changed the stack file, with whoever asked for it as its author."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from nexusctl.errors import Diagnostic
from nexusctl.mcp.edits.batches import Request
from nexusctl.mcp.edits.draft import FILES

TIMEOUT = 60
"""Seconds for git."""

_SHOWN = 3
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "gc.auto=0")
"""Hooks and keys ask people; an agent's call has nobody to ask."""


class Commits:
    """Commits of the stack file `path` and of what was uploaded beside it; of nothing else in the work tree."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def commit(self, requests: Sequence[Request]) -> tuple[Diagnostic, ...]:
        """Commit what the requests have changed; what hinders that, as a warning."""
        places = [self._path.name, *(f"{FILES}/{name}" for request in requests for name in request.sandboxes)]
        try:
            known = [place for place in dict.fromkeys(places) if self._is_there(place)]
            self._git("add", "--all", "--", *known)
            if not self._git("diff", "--cached", "--name-only", "--", *known).strip():
                return ()
            author = _author(requests[0].who)
            self._git("commit", "--quiet", "--no-verify", f"--author={author}", "-m", _message(requests), "--", *known)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines() or ["git said nothing"]
            hint = f"commit `{self._path.name}` and `{FILES}/` by hand"
            return (Diagnostic(f"the change is made, but not committed: {said[-1]}", hint=hint, severity="warning"),)
        return ()

    def _is_there(self, place: str) -> bool:
        """Whether git has something to say of `place`: it is there, or was at the last commit."""
        return (self._path.parent / place).exists() or bool(self._git("ls-files", "--", place).strip())

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *_QUIET, *arguments],
            cwd=self._path.parent,
            env={**os.environ, **_committer(), "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        return done.stdout


def _author(who: str) -> str:
    name = re.sub(r"[<>\n\r\0]", "", who).strip() or "agent"
    mail = name if "@" in name else f"{re.sub(r'[^A-Za-z0-9._+-]', '-', name)}@{socket.gethostname()}"
    return f"{name} <{mail}>"


def _committer() -> dict[str, str]:
    # Git refuses to guess one.
    given = "GIT_COMMITTER_NAME" in os.environ
    return (
        {} if given else {"GIT_COMMITTER_NAME": "nexusctl", "GIT_COMMITTER_EMAIL": f"nexusctl@{socket.gethostname()}"}
    )


def _message(requests: Sequence[Request]) -> str:
    titles = [request.title for request in requests]
    more = len(titles) - _SHOWN
    subject = ", ".join(titles[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    body = "\n".join(f"{request.title} (asked for by {request.who})" for request in requests)
    others = dict.fromkeys(_author(request.who) for request in requests[1:] if request.who != requests[0].who)
    return "\n\n".join(filter(None, (subject, body, "\n".join(f"Co-authored-by: {other}" for other in others))))
