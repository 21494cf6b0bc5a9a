"""The names that a server over HTTP is reached by: a page of a foreign name, led here by its DNS, gets no answer."""

from __future__ import annotations

import json
from collections.abc import Collection

from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import INVALID_REQUEST
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nexusctl.model.endpoint import bracketed, is_host_name

MISDIRECTED = 421


def make_settings(host: str, port: int, names: Collection[str]) -> TransportSecuritySettings:
    """What requests may be addressed to at `host` and `port`, and which pages may send them.

    By the other `names` it is reached at any port: who has one may stand behind a proxy, with TLS.
    """
    own = {bracketed(host), "127.0.0.1", "localhost", "[::1]"}
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*(f"{name}:{port}" for name in own), *names, *(f"{name}:*" for name in names)],
        allowed_origins=[
            *(f"http://{name}:{port}" for name in own.union(names)),
            *(f"https://{name}" for name in names),
            *(f"https://{name}:*" for name in names),
        ],
    )


class Misdirected:
    """Tells whoever reaches `app` by a name that it does not know what to type; by itself it says three words."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def explain(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == MISDIRECTED:
                refused = True
                await _refuse(scope)(scope, receive, send)
            elif not refused:
                await send(message)

        await self._app(scope, receive, explain)


def _refuse(scope: Scope) -> Response:
    """In the protocol's form, which clients show to people."""
    asked = Headers(scope=scope).get("host", "")
    bare = asked if asked.endswith("]") else asked.rpartition(":")[0] or asked
    name, shown = (bare, f"the name `{bare}`") if is_host_name(bare) else ("NAME", "this name")
    text = (
        f"this server does not answer to {shown}; whoever runs it starts it with `--allow-host {name}` beside `--http`"
    )
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": text}}
    return Response(json.dumps(error) + "\n", MISDIRECTED, media_type="application/json")
