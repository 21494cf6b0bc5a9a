"""The server over HTTP, for many clients at once: a bearer token for each, and no page of a browser."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Collection, Mapping
from errno import EADDRINUSE
from ipaddress import ip_address
from typing import Any, Protocol

import uvicorn
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp

from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Door
from nexusctl.mcp.protocol.host_names import Misdirected, make_settings
from nexusctl.mcp.protocol.server import Context, make_server
from nexusctl.model.endpoint import bracketed

PATH = "/mcp"

LAST_PORT = 65535

LARGEST = 32 * 1024 * 1024
"""Bytes of a request; what is too long for a tool is refused by that, in words."""

_IDLE = 600
"""Seconds that a connection may be idle: agents think for minutes, and a call that meets its end is lost."""

_SECONDS = 5
"""That requests have to come to their end when the server is asked to."""


class Ready(Protocol):
    def __call__(self, address: str, *, local: bool) -> None:
        """There is an answer at `address`; `local` says that nobody but this machine can ask there."""


def serve_http(
    door: Door, host: str, port: int, owners: Mapping[str, str], names: Collection[str], ready: Ready
) -> None:
    """Answer on `host` and `port`, 0 for a free one, until the process is asked to end.

    `owners` maps the SHA-256 of each token to whom it belongs, and `names` are those that it is reached by besides.
    Raises `InputError` where nobody can listen there.
    """
    listening = _listen(host, port)
    own, bound = listening.getsockname()[:2]
    address = f"http://{bracketed(host)}:{bound}{PATH}"
    app = make_app(door, host, bound, owners, names)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_SECONDS,
        timeout_keep_alive=_IDLE,
        ws="none",
    )
    ready(address, local=ip_address(own).is_loopback)
    uvicorn.Server(config).run(sockets=[listening])


def make_app(door: Door, host: str, port: int, owners: Mapping[str, str], names: Collection[str]) -> ASGIApp:
    """The application of a server that is reached at `host` and `port`, and by other `names`."""
    url = AnyHttpUrl(f"http://{bracketed(host)}:{port}{PATH}")
    app = make_server(door, _owner).streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=LARGEST,
        # A page that a browser shows can send requests here, whatever name it reaches this machine by.
        transport_security=make_settings(host, port, names),
        token_verifier=_Verifier(owners),
        # The SDK wants to know who issues tokens; these come from no such server.
        auth=AuthSettings(issuer_url=url, resource_server_url=None, validate_token_resource=False),
    )
    return Misdirected(app)


def digest_token(token: str) -> str:
    """What a token is known by; whoever reads that cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


class _Verifier:
    def __init__(self, owners: Mapping[str, str]) -> None:
        self._owners = owners

    async def verify_token(self, token: str) -> AccessToken | None:
        given = digest_token(token)
        # All of them are compared, so that no time tells how near a guess is.
        found = [owner for known, owner in self._owners.items() if hmac.compare_digest(known, given)]
        return AccessToken(token=given, client_id=found[0], scopes=[], subject=found[0]) if found else None


def _owner(context: Context) -> str:
    user: Any = context.request.scope["user"] if context.request else None
    token: AccessToken | None = getattr(user, "access_token", None)
    return token.client_id if token else "unknown"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(1024)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        hint = f"name an address of this machine, such as `127.0.0.1:{port}`, and a port from 1024 on"
        if getattr(error, "errno", None) == EADDRINUSE:
            other = port + 1 if port < LAST_PORT else port - 1
            hint = f"name another port, such as `{bracketed(host)}:{other}`, or 0 for one that is free"
        raise InputError(Diagnostic(f"nobody can listen on {bracketed(host)}:{port}: {why}", hint=hint)) from None
    return listening
