"""A small Debian made on this machine and handed to the engine as an image, for want of a registry."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nexusctl.engine.base import Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.last_line import LastLine
from nexusctl.errors import Diagnostic, StepError

TOOL = "mmdebstrap"

_BLOCK = 256 * 1024

# Documents and translations are of no use in a sandbox; licences stay. The rest is what makes images small or fast:
# dpkg need not wait for the disk, as a half-made image is thrown away.
_DPKG = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
    "force-unsafe-io",
)
_APT = ('APT::Install-Recommends "false"', 'Acquire::Languages "none"')

# The engine writes these two itself. Some packages link into folders of manuals even where there are none.
_FINISH = 'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"; mkdir -p "$1/usr/share/man/man1" "$1/usr/share/man/man7"'

# Without the package that only says so, a script with a full Perl comes along to merge what is merged already.
_MERGED_HOOK = "/usr/share/mmdebstrap/hooks/merged-usr"
_SPLIT_SUITES = ("buster", "bullseye")


def import_suite(
    wire: Wire, suite: str, apt: Sequence[str], changes: Sequence[str], report: Report, cancel: Cancel = NEVER
) -> str:
    """Make a root folder of `suite` with the packages `apt` and import it; returns the id of the untagged image.

    `changes` are lines as in a Dockerfile. When `cancel` is requested, the tool is ended.
    Raises `StepError` where it is missing or fails, `EngineError`.
    """
    tool = find_tool(report)
    command = compose_command(tool, suite, apt, merge=Path(_MERGED_HOOK).is_dir())
    query = {"fromSrc": "-", "changes": "\n".join(changes)}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )
    words = _Words(process, LastLine(report, f"bootstrapping from Debian packages: {suite}"))
    try:
        body = _read_to_end(process, suite, words)
        with (
            cancel.cutting(process.terminate),
            wire.open("POST", "/images/create", query, body, content_type="application/x-tar") as answer,
        ):
            return _read_id(json.loads(line) for line in answer if line.strip())
    finally:
        _end(process)
        words.close()


def compose_command(tool: str, suite: str, apt: Sequence[str], *, merge: bool) -> list[str]:
    """The call that writes the root folder of `suite` to stdout as a tar."""
    merging = merge and suite not in _SPLIT_SUITES
    packages = [*(["usr-is-merged"] if merging else []), "tzdata", *apt]
    return [
        tool,
        "--variant=apt",
        "--format=tar",
        *([f"--hook-dir={_MERGED_HOOK}"] if merging else []),
        f"--include={','.join(packages)}",
        *(f"--dpkgopt={option}" for option in _DPKG),
        *(f"--aptopt={option}" for option in _APT),
        f"--customize-hook={_FINISH}",
        suite,
        "-",
    ]


def find_tool(report: Report) -> str:
    """The path of mmdebstrap, installed first where this is root's Debian. Raises `StepError`."""
    found = shutil.which(TOOL)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        report(f"installing {TOOL} on this machine")
        _install_tool()
        found = shutil.which(TOOL)
    if found is None:
        hint = (
            f"install it (on Debian and Ubuntu as root: `apt-get install {TOOL}`), or let the engine reach a registry"
        )
        raise StepError(Diagnostic(f"without a registry an image is made by {TOOL}, which is not installed", hint=hint))
    return found


def _install_tool() -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Somebody else on this machine may be installing something just now.
    patience = ("-o", "DPkg::Lock::Timeout=120")
    install = ["apt-get", "install", *patience, "-qq", "-y", "--no-install-recommends", TOOL]
    for command in (install, ["apt-get", "update", "-qq"], install):
        done = subprocess.run(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode == 0 and command is install:
            return
    output = _last_lines(done.stdout)
    hint = f"see why, then install it by hand: `apt-get install {TOOL}`"
    raise StepError(Diagnostic(f"{TOOL} could not be installed", hint=hint, output=output))


class _Words:
    """What the tool says beside its output: the last of it is told at once, and the end of it kept."""

    def __init__(self, process: subprocess.Popen[bytes], last: LastLine) -> None:
        assert process.stderr is not None
        self._stream = process.stderr
        self._last = last
        self._kept = b""
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self._stream.fileno(), _BLOCK):
                self._kept = (self._kept + data)[-_BLOCK:]
                self._last.take(data)

    def read_end(self) -> bytes:
        """The end of what it said; the tool has ended."""
        self._thread.join(timeout=10)
        return self._kept

    def close(self) -> None:
        self._thread.join(timeout=10)
        self._stream.close()


def _read_to_end(process: subprocess.Popen[bytes], suite: str, words: _Words) -> Iterator[bytes]:
    """The tool's output; a failure at its end breaks the transfer off, so that no half system is imported."""
    assert process.stdout is not None
    while block := process.stdout.read(_BLOCK):
        yield block
    if process.wait() != 0:
        output = _last_lines(words.read_end())
        raise StepError(Diagnostic(f"{TOOL} could not make a Debian {suite}", hint=_hint(), output=output))


def _hint() -> str:
    if os.geteuid() != 0:
        return (
            "without root it needs user namespaces of one's own: run this as root, or let the engine reach a registry"
        )
    return "see whether this machine reaches a Debian mirror (proxies are honoured), then apply again"


def _read_id(messages: Iterator[Mapping[str, Any]]) -> str:
    last: Mapping[str, Any] = {}
    for last in messages:
        if "error" in last:
            raise StepError(Diagnostic(f"the engine could not import the new image: {last['error']}"))
    return str(last["status"])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the tool where it still runs; it takes its folder away itself."""
    if process.stdout:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        process.wait()


def _last_lines(output: bytes, count: int = 15) -> tuple[str, ...]:
    return tuple(output.decode(errors="replace").splitlines()[-count:])
