"""What a stack leaves below the engine while it is there: mounts, bridges, processes, secrets in memory."""

from __future__ import annotations

import time
from pathlib import Path

from nexusctl.engine.docker.bodies.create_body import MEMORY, MEMORY_FOLDER
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import SECRETS
from nexusctl.errors import NotFound
from tests.faults.portrait import list_containers, list_networks, list_volumes

PATIENCE = 60.0
"""Seconds that the kernel and the runtime get to clear away what the engine has let go."""


class Traces:
    """Collects the traces of one stack, to look for them after it was destroyed."""

    def __init__(self, wire: Wire, stack: str) -> None:
        self._wire = wire
        self._stack = stack
        self._containers: set[str] = set()
        self._mounts: set[str] = set()
        self._bridges: set[str] = set()
        self._secrets: set[str] = set()

    def note(self) -> None:
        """Remember what belongs to the stack now."""
        for entry in list_containers(self._wire, self._stack):
            try:
                seen = self._wire.get(f"/containers/{entry['Id']}/json")
            except NotFound:
                continue
            self._containers.add(seen["Id"])
            self._secrets |= {folder for key, folder in seen["Config"]["Labels"].items() if key == SECRETS and folder}
            places = (seen["GraphDriver"]["Data"] or {}).get("MergedDir"), seen["NetworkSettings"]["SandboxKey"]
            self._mounts |= {place.replace("/var/run/", "/run/") for place in places if place}
        self._bridges |= {f"br-{entry['Id'][:12]}" for entry in list_networks(self._wire, self._stack)}

    def find_left(self) -> list[str]:
        """What is still there, on the engine and below it."""
        stack, wire = self._stack, self._wire
        left = [f"container {entry['Names'][0]}" for entry in list_containers(wire, stack)]
        left += [f"network {entry['Name']}" for entry in list_networks(wire, stack)]
        left += [f"volume {entry['Name']}" for entry in list_volumes(wire, stack)]
        end = time.monotonic() + PATIENCE
        while (below := self._find_below()) and time.monotonic() < end:
            time.sleep(0.1)
        return left + below

    def _find_below(self) -> list[str]:
        places = {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()}
        left = [f"mount {place}" for place in sorted(places) if place in self._mounts or self._names(place)]
        left += [
            f"secrets in {folder}" for folder in sorted(self._secrets) if Path(MEMORY, MEMORY_FOLDER, folder).exists()
        ]
        left += [f"bridge {name}" for name in sorted(self._bridges) if Path("/sys/class/net", name).exists()]
        return left + [f"process {name}" for name in self._find_processes()]

    def _find_processes(self) -> list[str]:
        """Those in a cgroup of one of the containers, and those that serve one, such as its shim."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                group, command = (folder / "cgroup").read_text(), (folder / "cmdline").read_bytes().decode()
            except (OSError, UnicodeDecodeError):
                continue
            if self._names(group) or self._names(command):
                found.append(f"{folder.name} {command.replace(chr(0), ' ')[:80]}")
        return found

    def _names(self, text: str) -> bool:
        return any(container in text for container in self._containers)
