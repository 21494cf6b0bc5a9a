"""An index for npm and pip on this machine, whose packages a test writes; it may ask for a token or a password."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN, PASSWORD = "token-that-nobody-sees", "password-that-nobody-sees"


class Index:
    """What it has: npm's packages by name, pip's archives by file name."""

    def __init__(self, host: str, port: int, *, guarded: bool) -> None:
        self.host, self.port, self.guarded = host, port, guarded
        self.npm: dict[str, tuple[dict[str, object], bytes]] = {}
        self.pip: dict[str, bytes] = {}
        self.told: dict[str, str] = {}
        """Checksums that it tells whatever the archives are, by file name."""
        self.asked: list[str] = []
        """The paths that somebody asked for who may."""
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def npmrc(self) -> str:
        token = f"//{self.host}:{self.port}/:_authToken={TOKEN}\n" if self.guarded else ""
        return f"registry={self.url}/\n{token}"

    def simple(self) -> str:
        user = f"dev:{PASSWORD}@" if self.guarded else ""
        return f"http://{user}{self.host}:{self.port}/simple/"

    def add_npm(self, name: str, files: Mapping[str, str], **more: object) -> None:
        manifest = {"name": name, "version": "1.0.0", **more}
        self.npm[name] = manifest, npm_archive(manifest, files)

    def add_source(self, name: str, setup: str, module: str = "") -> None:
        folder = f"{name}-1.0.0"
        files = {"setup.py": setup, f"{name}.py": module, "PKG-INFO": f"Metadata-Version: 1.1\nName: {name}\n"}
        self.pip[f"{folder}.tar.gz"] = pack({f"{folder}/{path}": text for path, text in files.items()})

    def add_wheel(self, name: str, module: str, more: Mapping[str, str] | None = None, needs: str = "") -> None:
        self.pip[f"{name}-1.0.0-py3-none-any.whl"] = wheel(name, module, more or {}, needs)

    def answer(self, path: str) -> bytes | None:
        if path.startswith("/simple/"):
            name = path.removeprefix("/simple/").strip("/")
            found = {file: data for file, data in self.pip.items() if file.partition("-")[0] == name}
            links = (
                f'<a href="/files/{file}#sha256={self.told.get(file) or hashlib.sha256(data).hexdigest()}">{file}</a>'
                for file, data in found.items()
            )
            return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode() if found else None
        if path.startswith("/files/"):
            return self.pip.get(path.removeprefix("/files/"))
        name = path.strip("/").partition("/-/")[0].replace("%2f", "/")
        if name not in self.npm:
            return None
        manifest, archive = self.npm[name]
        return archive if "/-/" in path else json.dumps(packument(self.url, manifest, archive)).encode()


def packument(url: str, manifest: Mapping[str, object], archive: bytes) -> dict[str, object]:
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    dist = {"tarball": f"{url}/{manifest['name']}/-/{manifest['name']}-1.0.0.tgz", "integrity": integrity}
    return {
        "name": manifest["name"],
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {**manifest, "dist": dist}},
    }


def npm_archive(manifest: Mapping[str, object], files: Mapping[str, str]) -> bytes:
    return pack({f"package/{path}": text for path, text in {"package.json": json.dumps(manifest), **files}.items()})


def pack(files: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


def wheel(name: str, module: str, more: Mapping[str, str], needs: str = "") -> bytes:
    info = f"{name}-1.0.0.dist-info"
    files = {
        f"{name}.py": module,
        **more,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n"
        + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return stream.getvalue()


@contextmanager
def open_index(host: str = "127.0.0.1", *, guarded: bool = False) -> Iterator[Index]:
    """An index that listens at `host` while inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = self.headers.get("Authorization", "")
            basic = base64.b64encode(f"dev:{PASSWORD}".encode()).decode()
            if index.guarded and said not in (f"Bearer {TOKEN}", f"Basic {basic}"):
                index.refused.append(self.path)
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            index.asked.append(self.path)
            data = index.answer(self.path)
            self.send_response(404 if data is None else 200)
            kind = "text/html" if self.path.startswith("/simple") else "application/json"
            self.send_header("Content-Type", "application/octet-stream" if self.path.endswith("gz") else kind)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    index = Index(host, server.server_address[1], guarded=guarded)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
