"""What stands between a client and the door, and writes down which protocol it speaks."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@contextmanager
def http_relay(address: str, token: str, spoken: set[str]) -> Iterator[str]:
    """A door that asks for no token, as some clients have none to give; `spoken` gets the versions that they speak."""
    target = urlsplit(address)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            spoken.update(filter(None, [self.headers.get("MCP-Protocol-Version"), *_versions(body)]))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            for name, value in headers.items():
                if name.lower() in ("host", "origin"):
                    headers[name] = value.replace(f":{self.server.server_port}", f":{target.port}")
            headers["Authorization"] = f"Bearer {token}"
            far = http.client.HTTPConnection(target.hostname or "", target.port, timeout=300)
            far.request(self.command, self.path, body or None, headers)
            answer = far.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            # Either may leave in the midst of a stream.
            with suppress(OSError, ValueError, http.client.HTTPException):
                while piece := answer.read1():
                    self.wfile.write(piece)
                    self.wfile.flush()
            far.close()

        do_GET = do_POST = do_DELETE = pass_on  # noqa: N815 - names of the library

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{target.path}"
        finally:
            server.shutdown()


def _versions(body: bytes) -> list[str]:
    """The versions of the protocol that a message names."""
    try:
        message = json.loads(body)
    except ValueError:
        return []
    found = []
    for one in message if isinstance(message, list) else [message]:
        params = one.get("params") or {} if isinstance(one, dict) else {}
        meta = params.get("_meta") or {}
        asked = params.get("protocolVersion") if one.get("method") == "initialize" else None
        found += [asked, *(value for key, value in meta.items() if key.endswith("protocolVersion"))]
    return [version for version in found if isinstance(version, str)]


def main() -> None:
    """`python -m tests.mcp.foreign.relays LOG COMMAND...`: the door on stdio, with its client's versions in LOG."""
    log = Path(sys.argv[1])
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)
    assert server.stdin
    for line in sys.stdin.buffer:
        for version in _versions(line):
            with log.open("a") as file:
                file.write(f"{version}\n")
        server.stdin.write(line)
        server.stdin.flush()
    server.stdin.close()
    sys.exit(server.wait())


if __name__ == "__main__":
    main()
