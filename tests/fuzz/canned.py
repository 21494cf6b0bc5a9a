"""An engine of recorded answers, as bytes on a connection: what it says can be anything."""

from __future__ import annotations

import copy
import io
import json
import re
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nexusctl.engine.docker.client.client import Endpoint, Wire

RECORDED: Mapping[str, Any] = json.loads(Path(__file__).with_name("engine.json").read_text(encoding="utf-8"))
FILES: Mapping[str, bytes] = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\ngames:x:5:60:games:/usr/games:/bin/false\n",
    "/etc/group": b"root:x:0:\ngames:x:60:\n",
    "/srv/app/a": b"a\n",
}


@dataclass
class Canned:
    """`answers` by `GET /path`, `commands` with what they say, `raw` bodies that are sent as they are, by call.

    `files` are what the archive calls give, `tar` is put in the place of every archive.
    """

    answers: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(dict(RECORDED["answers"])))
    commands: list[dict[str, Any]] = field(default_factory=lambda: copy.deepcopy(list(RECORDED["commands"])))
    raw: dict[str, bytes] = field(default_factory=dict)
    tar: bytes | None = None
    asked: list[str] = field(default_factory=list)
    _started: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        call = f"{method} {path}"
        self.asked.append(call)
        if call in self.raw:
            return 200, self.raw[call]
        if path.endswith("/archive"):
            return (200, b"") if method == "PUT" else self._archive(query)
        if re.fullmatch(r"POST /containers/[^/]+/exec", call):
            return 201, self._begin(json.loads(body)["Cmd"])
        if match := re.fullmatch(r"POST /exec/([^/]+)/start", call):
            return 200, frame(self._started[match[1]]["output"].encode("utf-8", "surrogateescape"))
        if match := re.fullmatch(r"GET /exec/([^/]+)/json", call):
            said, code = self.answers["GET /exec/ID/json"], self._started[match[1]]["exit_code"]
            fits = isinstance(said, dict) and isinstance(said.get("ExitCode"), int)
            return 200, json.dumps({**said, "ExitCode": code} if fits else said).encode()
        if call in self.answers:
            return 200, json.dumps(self.answers[call]).encode()
        if call == "POST /volumes/create":
            return 201, body
        if call == "POST /containers/create":
            return 201, json.dumps({"Id": "3" * 64}).encode()
        return (404, b'{"message": "No such thing"}') if method in ("GET", "HEAD") else (200, b"{}")

    def _begin(self, words: list[str]) -> bytes:
        text = " ".join(words)
        nothing = {"exit_code": 0, "output": ""}
        name = f"{len(self._started):064x}"
        self._started[name] = next((found for found in self.commands if found["part"] in text), nothing)
        return json.dumps({"Id": name}).encode()

    def _archive(self, query: str) -> tuple[int, bytes]:
        if self.tar is not None:
            return 200, self.tar
        path = query.partition("path=")[2].partition("&")[0].replace("%2F", "/")
        return (200, pack(path)) if path in FILES or path == "/srv/app" else (404, b"{}")


def pack(path: str) -> bytes:
    """An archive of `path`, as the engine gives it."""
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as tar:
        for place, content in sorted(FILES.items()):
            if place == path or place.startswith(f"{path}/"):
                info = tarfile.TarInfo(place.removeprefix(path.rpartition("/")[0] + "/"))
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return tape.getvalue()


def frame(data: bytes) -> bytes:
    return struct.pack(">B3xL", 1, len(data)) + data


class _Plug:
    """One connection: takes a request, and gives the answer of the canned engine."""

    def __init__(self, engine: Canned) -> None:
        self._engine = engine
        self._said = bytearray()

    def sendall(self, data: bytes, /) -> None:
        self._said += data

    def makefile(self, mode: Literal["rb"], /) -> io.BufferedReader:
        head, _, body = bytes(self._said).partition(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
        path, _, query = target.removeprefix("/v1.41").partition("?")
        status, text = self._engine.answer(method, path, query, body)
        reply = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text
        return io.BufferedReader(io.BytesIO(reply))  # type: ignore[type-var]

    def is_silent(self, _: float, /) -> bool:
        return False

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...


class CannedWire(Wire):
    """A way to a canned engine."""

    def __init__(self, engine: Canned) -> None:
        super().__init__(Endpoint(url="unix:///canned", source="a test", version="1.41"))
        self.engine = engine

    def connect(self, timeout: float) -> Any:
        return _Plug(self.engine)
