"""One tool at work on one stack: runs it, and says whether a run led to where it should."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nexusctl.engine.docker.client.client import Wire
from tests.faults.portrait import Portrait, take_portrait
from tests.faults.tool import Tool

TIMEOUT = 180
"""Seconds that a run may take; one that takes longer hangs."""

Done = subprocess.CompletedProcess[str]


class Player:
    """Holds the stack's file in `folder`; `stack` can become another one."""

    def __init__(self, wire: Wire, tool: Tool, folder: Path, stack: str) -> None:
        self.wire, self.tool, self.stack = wire, tool, stack
        self.file = folder / tool.file_name
        self.running: subprocess.Popen[str] | None = None

    @property
    def apply(self) -> list[str]:
        return self.tool.apply(self.file, self.stack)

    @property
    def destroy(self) -> list[str]:
        return self.tool.destroy(self.file, self.stack)

    def write(self, text: str) -> None:
        self.file.write_text(f"name: {self.stack}\n{text}")

    def prepare(self, text: str) -> None:
        """Bring it to where nobody spoils anything."""
        self.write(text)
        done = self.run(self.apply)
        assert done.returncode == 0, f"it cannot be prepared:\n{done.stdout}{done.stderr}"

    def begin(self, command: list[str], environ: Mapping[str, str] | None = None) -> None:
        self.running = subprocess.Popen(
            command,
            env={**os.environ, "DOCKER_HOST": self.wire.endpoint.url, **(environ or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self, patience: int = TIMEOUT) -> Done:
        """Wait for the end of what was begun; who loses patience presses Ctrl-C, and ends it if that does not."""
        assert self.running
        process = self.running
        try:
            stdout, stderr = _communicate(process, patience)
            return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
        finally:
            self.running = None

    def run(self, command: list[str], environ: Mapping[str, str] | None = None, patience: int = TIMEOUT) -> Done:
        self.begin(command, environ)
        return self.finish(patience)

    def take_portrait(self) -> Portrait:
        return take_portrait(self.wire, self.stack)

    def judge(self, again: Done, expected: Portrait, *, check: bool = True) -> str:
        """What is wrong after the run `again`, empty for nothing; `check` asks the tool, too, whether it is done."""
        if again.returncode != 0:
            return f"the next run exited with {again.returncode}: {again.stdout[-400:]}{again.stderr[-600:]}"
        if (found := self.take_portrait()) != expected:
            return f"another state: {_differences(expected, found)}"
        if check and (question := self.tool.check(self.file, self.stack)):
            done = self.run(question)
            if done.returncode != 0:
                return f"something is left to do after it: {done.stdout[-600:]}{done.stderr[-300:]}"
        return ""


def _communicate(process: subprocess.Popen[str], patience: int) -> tuple[str, str]:
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=patience)
    os.killpg(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=5)
    os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()


def _differences(expected: Portrait, found: Portrait) -> str:
    parts = []
    for kind in expected:
        parts += [f"missing {entry}" for entry in expected[kind] if entry not in found[kind]]
        parts += [f"extra {entry}" for entry in found[kind] if entry not in expected[kind]]
    return "; ".join(parts)
