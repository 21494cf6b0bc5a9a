"""Who runs: nexusctl, docker compose, and the bare engine, each with the same sandboxes.

All three make the same containers: same image and command, an init process, no new privileges, the same limit
on processes and the same log options, on one network of their own.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import daemon

COMMAND = ["sleep", "infinity"]
PIDS = 1024
LOG_OPTIONS = {"max-size": "10m", "max-file": "3"}
THREADS = 8

TIME_LIMIT = 900
"""Seconds that one command may take; a thousand sandboxes take some minutes to make."""

Sandboxes = Mapping[str, Mapping[str, Any]]
"""The entries of a stack file or of a compose file, by name."""


class Nexusctl:
    name = "nexusctl"

    def __init__(self, folder: Path, stack: str, sandboxes: Sandboxes) -> None:
        self.stack = stack
        self.file = folder / f"{stack}.yaml"
        self.write(sandboxes)

    def write(self, sandboxes: Sandboxes) -> None:
        """Change what is desired."""
        # JSON is YAML too, so that this needs no library.
        self.file.write_text(json.dumps({"name": self.stack, "version": 1, "sandboxes": sandboxes}, indent=1))

    def apply(self) -> int:
        """Returns the process id that it had."""
        return run([find_nexusctl(), "apply", "--yes", "-f", str(self.file)])

    def look(self) -> None:
        """The no-op of this contestant."""
        run([find_nexusctl(), "plan", "-f", str(self.file)])

    def show(self) -> None:
        run([find_nexusctl(), "status", "-f", str(self.file)])

    def destroy(self) -> None:
        with losing_count(self.name):
            run([find_nexusctl(), "destroy", "--yes", "-f", str(self.file)])

    def find_containers(self) -> dict[str, str]:
        """The container id of each sandbox."""
        found = daemon.find_labelled("containers/json", f"dev.nexusctl.stack={self.stack}")
        return {one["Labels"]["dev.nexusctl.sandbox"]: one["Id"] for one in found}


class Compose:
    name = "compose"

    def __init__(self, folder: Path, stack: str, services: Sandboxes) -> None:
        self._project = f"{stack}-compose"
        self._file = folder / f"{stack}.compose.yaml"
        self._argv = ["docker", "compose", "--progress", "quiet", "-p", self._project, "-f", str(self._file)]
        self.write(services)

    def write(self, services: Sandboxes) -> None:
        same = {
            "init": True,
            "security_opt": ["no-new-privileges:true"],
            "pids_limit": PIDS,
            "logging": {"driver": "json-file", "options": LOG_OPTIONS},
        }
        whole = {"services": {name: {**same, **service} for name, service in services.items()}}
        self._file.write_text(json.dumps(whole, indent=1))

    def apply(self, *options: str) -> None:
        run([*self._argv, "up", "-d", *options])

    def look(self) -> None:
        """Compose has no plan: its no-op is an `up -d` that finds nothing to do."""
        self.apply()

    def show(self) -> None:
        run([*self._argv, "ps", "--all"])

    def build(self) -> None:
        # The engine's own builder: not every machine has the other one.
        run([*self._argv, "build", "--quiet"], DOCKER_BUILDKIT="0")

    def destroy(self) -> None:
        with losing_count(self.name):
            run([*self._argv, "down"])

    def destroy_with_images(self) -> None:
        run([*self._argv, "down", "--rmi", "local"])

    def find_containers(self) -> dict[str, str]:
        """The container id of each service."""
        found = daemon.find_labelled("containers/json", f"com.docker.compose.project={self._project}")
        return {one["Labels"]["com.docker.compose.service"]: one["Id"] for one in found}


class Floor:
    name = "engine"

    def __init__(self, stack: str, image: str, count: int) -> None:
        self._stack, self._image, self._count = f"{stack}-engine", image, count
        self._label = f"nexusctl-bench={self._stack}"
        self._rounds = itertools.count(1)

    def apply(self) -> None:
        labels = dict([self._label.split("=")])
        # The engine may have kept the one of the round before, and two of a name are none.
        name = f"{self._stack}-{next(self._rounds)}"
        network = daemon.call("POST", "/networks/create", {"Name": name, "Labels": labels})["Id"]
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda index: self._make(index, network, labels), range(self._count)))

    def destroy(self) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            found = daemon.find_labelled("containers/json", self._label)
            list(pool.map(lambda one: daemon.call("DELETE", f"/containers/{one['Id']}?force=1&v=1"), found))
        with losing_count(self.name):
            for network in daemon.find_labelled("networks", self._label):
                daemon.call("DELETE", f"/networks/{network['Id']}")

    def _make(self, index: int, network: str, labels: dict[str, str]) -> None:
        name = f"s{index:04}"
        spec: dict[str, Any] = {
            "Image": self._image,
            "Cmd": COMMAND,
            "Labels": labels,
            "HostConfig": {
                "NetworkMode": network,
                "Init": True,
                "SecurityOpt": ["no-new-privileges:true"],
                "PidsLimit": PIDS,
                "LogConfig": {"Type": "json-file", "Config": LOG_OPTIONS},
            },
            "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [name]}}},
        }
        made = daemon.call("POST", f"/containers/create?name={self._stack}-{name}", spec)["Id"]
        daemon.call("POST", f"/containers/{made}/start")


def same_sandboxes(image: str, count: int) -> dict[str, dict[str, Any]]:
    """`count` equal sandboxes; the words mean the same in a stack file and in a compose file."""
    return {f"s{index:04}": {"image": image, "command": COMMAND} for index in range(count)}


def read_compose_version() -> str:
    """Compose's version, empty where it is not installed."""
    if not shutil.which("docker"):
        return ""
    done = subprocess.run(["docker", "compose", "version", "--short"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def require_compose() -> None:
    """Raises RuntimeError where it is missing."""
    if not read_compose_version():
        raise RuntimeError("docker compose is not installed, and this row is a comparison with it")


def find_nexusctl() -> str:
    """The nexusctl of the environment that runs this script, else the first on PATH."""
    beside = Path(sys.executable).parent / "nexusctl"
    found = str(beside) if beside.is_file() else shutil.which("nexusctl")
    if not found:
        sys.exit("error: nexusctl is not installed; `make bench` installs it")
    return found


@contextmanager
def losing_count(name: str) -> Iterator[None]:
    """Let a destroy count though the engine keeps the network: its containers are gone by then.

    Of containers that go at once Docker can lose count, whoever removes them (moby/moby#42119).
    """
    try:
        yield
    except RuntimeError as error:
        if "active endpoints" not in str(error) and "holds on to it" not in str(error):
            raise
        print(f"{name}: the engine has lost count of a network and keeps it", file=sys.stderr, flush=True)


def run(argv: Sequence[str], **environ: str) -> int:
    """Run a command to its end; returns the process id that it had. Raises RuntimeError with its last lines."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
        errors="replace",
        env={**os.environ, **environ},
    )
    try:
        texts = process.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise RuntimeError(f"{' '.join(argv)} did not end within {TIME_LIMIT} s") from None
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)} exited with {process.returncode}:\n{last_lines(texts)}")
    return process.pid


def last_lines(texts: Iterable[str], count: int = 15) -> str:
    return "\n".join("\n".join(texts).strip().splitlines()[-count:])
