"""The door opened on a stack file: on stdio for one client, or over HTTP for many."""

from __future__ import annotations

import gc
import getpass
import secrets
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from nexusctl.api import workspace as files
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.catalogue import TOOLS
from nexusctl.mcp.door import Door
from nexusctl.mcp.edits.batches import Batches
from nexusctl.mcp.edits.commits import Commits
from nexusctl.mcp.edits.workspace import Workspace
from nexusctl.mcp.looks import Looks
from nexusctl.mcp.policy import Policy, read_policy
from nexusctl.mcp.tools.create import known_templates
from nexusctl.model.values.frozen import dataclass

POLICY = "door.yaml"
"""The file of a policy, beside the stack file, where none is named."""

SHORTEST_TOKEN = 16
"""Characters of a token that nobody guesses."""


_EXPOSED = (
    "warning: others on the network can read the token, as this is plain HTTP. Serve at 127.0.0.1:{port} instead, "
    "and reach it with `ssh -L {port}:127.0.0.1:{port} THIS_HOST` or through a reverse proxy with TLS."
)

_EVERYWHERE = ("0.0.0.0", "::")

_NAMELESS = (
    "It answers to 127.0.0.1 and localhost alone; `--allow-host NAME` lets clients reach it by another name or address."
)

_SHARED = "Whoever has the token calls as {owner}; `--tokens FILE` gives each of a team one."

_TURN = 0.0005
"""Seconds that a thread may compute while others want to: who looks passes the interpreter on at each word with the
engine, and would wait for a writer in the middle of a long file each time, ten times as long as that by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What a door is opened with: the stack `file` that it edits, whether each batch is a commit, what may be asked."""

    file: Path
    commit: bool = False
    policy: Policy = Policy()


@contextmanager
def open_door(terms: ServerOptions) -> Iterator[Door]:
    """The door for as long as this lasts; what was begun is finished before it ends."""
    workspace = Workspace(terms.file, files.fit_name(terms.file.absolute().parent.name, "sandboxes"))
    batches = Batches(workspace, Commits(terms.file).commit) if terms.commit else Batches(workspace)
    try:
        yield Door(
            workspace=workspace,
            batches=batches,
            looks=Looks(workspace),
            policy=terms.policy,
        )
    finally:
        batches.close()


def serve_stdio(terms: ServerOptions) -> None:
    """Serve the client on stdin and stdout until it leaves."""
    # The SDK takes half a second to load, and a wrong option should be told before.
    from nexusctl.mcp.protocol.stdio import serve_stdio as serve  # noqa: PLC0415 - deferred: start-up time

    _settle()
    with open_door(terms) as door:
        serve(door, getpass.getuser())


def serve_http(
    terms: ServerOptions,
    host: str,
    port: int,
    tokens: dict[str, str],
    names: Collection[str],
    say: Callable[[str], None],
) -> None:
    """Serve clients at `host` and `port` until the process is asked to end. `tokens` maps each to its owner.

    Where there is none, one is made for whoever runs this, and said once. `names` are those that clients reach it by
    besides. Raises `InputError`.
    """
    # As above.
    from nexusctl.mcp.protocol.http import digest_token  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.mcp.protocol.http import serve_http as serve  # noqa: PLC0415 - deferred: start-up time

    known = dict(tokens)
    if not known:
        token = secrets.token_urlsafe(32)
        known[token] = getpass.getuser()

    def ready(address: str, *, local: bool) -> None:
        say(f"Serving agents at {address}; Ctrl-C ends it.")
        if not local:
            say(_EXPOSED.format(port=urlsplit(address).port))
            if not names and host in _EVERYWHERE:
                say(_NAMELESS)
        if not tokens:
            say(f"Token, shown this once: {token}")
            if names:
                say(_SHARED.format(owner=known[token]))

    _settle()
    with open_door(terms) as door:
        serve(door, host, port, {digest_token(token): owner for token, owner in known.items()}, names, ready)


def _settle() -> None:
    """Have this process serve many at once: nobody waits long for the interpreter."""
    sys.setswitchinterval(_TURN)
    # What is loaded stays, and a look through all of it for garbage would hold up everybody, each time for 50 ms.
    gc.freeze()


def find_policy(path: Path | None) -> Policy:
    """The policy in the file `path`, or else in `door.yaml` of this folder where there is one. Raises `InputError`."""
    beside = Path(POLICY)
    return read_policy(path or beside, TOOLS, known_templates()) if path or beside.exists() else Policy()


def own_token(token: str, variable: str) -> dict[str, str]:
    """The `token` that a `variable` of the environment has, of whoever runs this; none where it is empty.

    Raises `InputError` for one that could be guessed, or that no header can carry.
    """
    if not token:
        return {}
    if len(token) < SHORTEST_TOKEN or not token.isascii() or len(token.split()) != 1 or not token.isprintable():
        hint = f"`export {variable}=$(openssl rand -hex 32)` makes one; without it, one is made and shown"
        what = f"at least {SHORTEST_TOKEN} characters without spaces are needed"
        raise InputError(Diagnostic(f"the token in {variable} is too easy to guess: {what}", hint=hint))
    return {token: getpass.getuser()}


def read_tokens(path: Path) -> dict[str, str]:
    """The tokens in a file with a line `OWNER TOKEN` for each, by token. Raises `InputError` for anything else."""
    found: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise InputError(Diagnostic(f"the tokens in `{path}` cannot be read: {why}", hint="check the path")) from None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or line.lstrip().startswith("#"):
            continue
        if len(words) != 2 or len(words[1]) < SHORTEST_TOKEN:
            hint = f"write `OWNER TOKEN`, with at least {SHORTEST_TOKEN} characters in the token"
            raise InputError(Diagnostic(f"line {number} of `{path}` is no token with its owner", hint=hint))
        found[words[1]] = words[0]
    if not found:
        raise InputError(Diagnostic(f"`{path}` has no tokens", hint="write a line `OWNER TOKEN` for each"))
    return found
