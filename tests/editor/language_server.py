"""A client of the YAML language server, as an editor is one: JSON-RPC over the server's standard streams."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

PATIENCE = 240


class LanguageServer:
    """Runs the server while inside."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._number = 0

    def __enter__(self) -> LanguageServer:
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.tell("initialized", {})
        # No schema store: what is known comes from the line in the file.
        settings = {"yaml": {"schemaStore": {"enable": False}, "validate": True, "completion": True}}
        self.tell("workspace/didChangeConfiguration", {"settings": settings})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def open(self, file: Path) -> list[dict[str, Any]]:
        """Open `file` and return the problems that the server flags in it."""
        item = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text()}
        self.tell("textDocument/didOpen", {"textDocument": item})
        while True:
            message = self._take()
            if message.get("method") == "textDocument/publishDiagnostics":
                found: list[dict[str, Any]] = message["params"]["diagnostics"]
                return found

    def complete(self, file: Path, line: int, character: int) -> set[str]:
        """The labels that the server offers at a place, which counts from 0."""
        place = {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": character}}
        answer = self.ask("textDocument/completion", place)
        return {item["label"] for item in answer["items"]}

    def ask(self, method: str, parameters: Any) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        while True:
            message = self._take()
            if message.get("id") == self._number and "method" not in message:
                return message["result"]

    def tell(self, method: str, parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def _take(self) -> dict[str, Any]:
        message = self._messages.get(timeout=PATIENCE)
        if message.get("id") is not None and message.get("method"):
            # The server asks for settings and capabilities; an editor without any answers so.
            asked = message["params"].get("items", []) if isinstance(message.get("params"), dict) else []
            self._send({"id": message["id"], "result": [None for _ in asked]})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout
        while head := self._process.stdout.readline():
            name, _, value = head.decode().partition(":")
            if name.lower() == "content-length":
                while self._process.stdout.readline().strip():
                    pass
                self._messages.put(json.loads(self._process.stdout.read(int(value))))
