"""What HashiCorp's and OpenBao's documentation say of reading the KV engine of version 2, on loopback.

GET /v1/MOUNT/data/PATH with X-Vault-Token, optionally X-Vault-Namespace. 200 with `data.data` and `data.metadata`; 404
with an empty list of errors where there is nothing, and with metadata where the newest version is deleted; 403 for a
token that may not; 503 where the vault is sealed. It is no vault: it shows that what we send is what they document.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "s.root-of-the-test"


class Vault(ThreadingHTTPServer):
    """`values` maps (namespace, mount, path) to keys and values, None for a deleted version; `asked` are the paths."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.values: dict[tuple[str, str, str], dict[str, Any] | None] = {}
        self.asked: list[str] = []
        self.sealed = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Vault

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.sealed:
            return self._answer(503, {"errors": ["Vault is sealed"]})
        if self.headers.get("X-Vault-Token") != TOKEN:
            return self._answer(403, {"errors": ["permission denied"]})
        mount, marker, path = self.path.removeprefix("/v1/").partition("/data/")
        key = (self.headers.get("X-Vault-Namespace", ""), mount, path)
        if not self.path.startswith("/v1/") or not marker or key not in self.server.values:
            return self._answer(404, {"errors": []})
        found = self.server.values[key]
        metadata = {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": 1}
        if found is None:
            metadata["deletion_time"] = "2026-01-02T00:00:00Z"
            return self._answer(404, {"data": {"data": None, "metadata": metadata}})
        return self._answer(200, {"request_id": "x", "lease_id": "", "data": {"data": found, "metadata": metadata}})

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def serve_vault() -> Iterator[Vault]:
    server = Vault()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
