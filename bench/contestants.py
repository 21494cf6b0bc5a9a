"""Who runs: nexusctl, docker compose, and the bare engine, each with the same sandboxes.

All three make the same containers: same image and command, an init process, no new privileges, the same limit
on processes and the same log options, on one network of their own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import daemon

COMMAND = ["sleep", "infinity"]
PIDS = 1024
LOG_OPTIONS = {"max-size": "10m", "max-file": "3"}
THREADS = 8


class Contestant(Protocol):
    """`apply` makes the sandboxes, and called again it is the no-op; `destroy` removes all of them."""

    name: str

    def apply(self) -> None: ...

    def destroy(self) -> None: ...


class Nexusctl:
    name = "nexusctl"

    def __init__(self, folder: Path, stack: str, image: str, count: int) -> None:
        sandboxes = {f"s{index:03}": {"image": image, "command": COMMAND} for index in range(count)}
        # JSON is YAML too, so that this needs no library.
        self._file = folder / "nexus.yaml"
        self._file.write_text(json.dumps({"name": stack, "version": 1, "sandboxes": sandboxes}, indent=1))

    def apply(self) -> None:
        run([find_nexusctl(), "apply", "--yes", "-f", str(self._file)])

    def destroy(self) -> None:
        run([find_nexusctl(), "destroy", "--yes", "-f", str(self._file)])


class Compose:
    name = "compose"

    def __init__(self, folder: Path, stack: str, image: str, count: int) -> None:
        service = {
            "image": image,
            "command": COMMAND,
            "init": True,
            "security_opt": ["no-new-privileges:true"],
            "pids_limit": PIDS,
            "logging": {"driver": "json-file", "options": LOG_OPTIONS},
        }
        file = folder / "compose.yaml"
        file.write_text(json.dumps({"services": {f"s{index:03}": service for index in range(count)}}, indent=1))
        self._argv = ["docker", "compose", "--progress", "quiet", "-p", f"{stack}-compose", "-f", str(file)]

    def apply(self) -> None:
        run([*self._argv, "up", "-d"])

    def destroy(self) -> None:
        run([*self._argv, "down"])


class Floor:
    name = "engine"

    def __init__(self, folder: Path, stack: str, image: str, count: int) -> None:
        self._stack, self._image, self._count = f"{stack}-engine", image, count
        self._label = f"nexusctl-bench={self._stack}"

    def apply(self) -> None:
        if daemon.find_labelled("containers/json", self._label):
            return  # the least that a no-op can do: look once
        labels = dict([self._label.split("=")])
        network = daemon.call("POST", "/networks/create", {"Name": self._stack, "Labels": labels})["Id"]
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda index: self._make(index, network, labels), range(self._count)))

    def destroy(self) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            found = daemon.find_labelled("containers/json", self._label)
            list(pool.map(lambda one: daemon.call("DELETE", f"/containers/{one['Id']}?force=1&v=1"), found))
        for network in daemon.find_labelled("networks", self._label):
            daemon.call("DELETE", f"/networks/{network['Id']}")

    def _make(self, index: int, network: str, labels: dict[str, str]) -> None:
        name = f"s{index:03}"
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


def choose_contestants() -> list[type[Nexusctl] | type[Compose] | type[Floor]]:
    """Everybody who is installed here."""
    return [Nexusctl, Compose, Floor] if read_compose_version() else [Nexusctl, Floor]


def read_compose_version() -> str:
    """Compose's version, empty where it is not installed."""
    if not shutil.which("docker"):
        return ""
    done = subprocess.run(["docker", "compose", "version", "--short"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def find_nexusctl() -> str:
    """The nexusctl of the environment that runs this script, else the first on PATH."""
    beside = Path(sys.executable).parent / "nexusctl"
    found = str(beside) if beside.is_file() else shutil.which("nexusctl")
    if not found:
        sys.exit("error: nexusctl is not installed; `make bench` installs it")
    return found


def run(argv: Sequence[str]) -> int:
    """Run a command to its end; returns the process id that it had. Raises RuntimeError with its last lines."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, errors="replace")
    texts = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)} exited with {process.returncode}:\n{last_lines(texts)}")
    return process.pid


def last_lines(texts: Iterable[str], count: int = 15) -> str:
    return "\n".join("\n".join(texts).strip().splitlines()[-count:])
