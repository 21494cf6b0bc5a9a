"""An end-to-end case: a directory with stack files and a `case.yaml` that says what is run and what must be true then.

steps:
  - run: apply --yes -f one.yaml     # arguments of nexusctl; STACK stands for the name of the stack
    stdin: text                      # optional
    exit: 0                          # the exit code that it must have, 0 where nothing is said
    stdout: [words that must appear]
    stderr: [words]
    silent: [words that must not appear on either]
    containers:                      # what the engine must say afterwards, by sandbox; `null`: no such container
      db: {state: running, env: {A: "1"}, memory: 67108864, file: {path: content}}
    same: [db]                       # sandboxes whose container must be the one of the step before
    new: [web]                       # sandboxes whose container must be another one
    networks: 1                      # how many networks and volumes bear the stack's label
    volumes: 0
  - docker: pause db                 # or: do something to a sandbox behind nexusctl's back
  - listen: 18080                    # or: take a host port until the case ends
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.labels import SANDBOX, STACK
from tests import prestarted
from tests.clean_up import kill_containers

TIMEOUT = 240
"""Seconds for one command; generous, so that only a hang meets it."""


@dataclass
class Case:
    """One run of a case under a stack name of its own."""

    folder: Path
    stack: str
    wire: Wire
    ids: dict[str, str] = field(default_factory=dict)
    sockets: list[socket.socket] = field(default_factory=list)

    def play(self, steps: list[dict[str, Any]]) -> None:
        for number, step in enumerate(steps, start=1):
            self._play_step(step, f"{self.folder.name} step {number} ({step.get('run') or step.get('docker')})")

    def close(self) -> None:
        for taken in self.sockets:
            taken.close()
        kill_containers(self.wire, self.stack)
        self.nexusctl(["destroy", "--yes", "--volumes", "--stack", self.stack])

    def nexusctl(
        self, arguments: list[str], stdin: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return prestarted.run(
            [sys.executable, "-m", "nexusctl", *arguments],
            cwd=self.folder,
            env=env,
            input=stdin,
            text=True,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )

    def _play_step(self, step: dict[str, Any], where: str) -> None:
        if "listen" in step:
            self.sockets.append(socket.create_server(("127.0.0.1", step["listen"])))
            return
        if "docker" in step:
            self._touch(*shlex.split(step["docker"]))
        else:
            self._run(step, where)
        self._check_engine(step, where)

    def _run(self, step: dict[str, Any], where: str) -> None:
        arguments = [word.replace("STACK", self.stack) for word in shlex.split(step["run"])]
        done = self.nexusctl(arguments, step.get("stdin", ""))
        shown = f"{where}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
        assert done.returncode == step.get("exit", 0), f"exit code {done.returncode} of {shown}"
        for words in step.get("stdout", []):
            assert words in done.stdout, f"no {words!r} on stdout of {shown}"
        for words in step.get("stderr", []):
            assert words in done.stderr, f"no {words!r} on stderr of {shown}"
        for words in [*step.get("silent", []), "Traceback"]:
            assert words not in done.stdout + done.stderr, f"{words!r} in {shown}"

    def _touch(self, verb: str, sandbox: str, *rest: str) -> None:
        container = self.ids[sandbox]
        match verb:
            case "remove":
                self.wire.delete(f"/containers/{container}", {"force": True})
            case "rename":
                self.wire.post(f"/containers/{container}/rename", query={"name": f"{self.stack}-{rest[0]}"})
            case "exec":
                assert run_inside(self.wire, container, rest).exit_code == 0
            case _:
                self.wire.post(f"/containers/{container}/{verb}")

    def _check_engine(self, step: dict[str, Any], where: str) -> None:
        live = self._containers()
        for name, expected in step.get("containers", {}).items():
            if expected is None:
                assert name not in live, f"{where}: container of {name} is still there"
            else:
                assert name in live, f"{where}: no container of {name}, only {sorted(live)}"
                self._check_container(live[name], expected, f"{where}: {name}")
        ids = {name: container["Id"] for name, container in live.items()}
        for name in step.get("same", []):
            assert ids[name] == self.ids[name], f"{where}: {name} has another container"
        for name in step.get("new", []):
            assert ids[name] != self.ids[name], f"{where}: {name} still has the same container"
        self.ids = ids
        for kind in ("networks", "volumes"):
            if kind in step:
                found = self._labelled(kind)
                assert len(found) == step[kind], f"{where}: {kind} are {found}"

    def _check_container(self, container: dict[str, Any], expected: dict[str, Any], where: str) -> None:
        facts = {
            "state": container["State"]["Status"],
            "exit_code": container["State"]["ExitCode"],
            "name": container["Name"].lstrip("/").removeprefix(f"{self.stack}_"),
            "memory": container["HostConfig"]["Memory"],
            "restart": container["HostConfig"]["RestartPolicy"]["Name"],
            "networks": len(container["NetworkSettings"]["Networks"]),
            "published": [
                int(end["HostPort"]) for ends in container["NetworkSettings"]["Ports"].values() for end in ends or ()
            ],
        }
        for key, value in expected.items():
            if key == "env":
                env = dict(item.split("=", 1) for item in container["Config"]["Env"])
                assert value.items() <= env.items(), f"{where}: env is {env}"
            elif key == "file":
                for path, content in value.items():
                    seen = run_inside(self.wire, container["Id"], ["cat", path]).output
                    assert seen == content, f"{where}: {path} holds {seen!r}"
            else:
                assert facts[key] == value, f"{where}: {key} is {facts[key]!r}"

    def _containers(self) -> dict[str, dict[str, Any]]:
        listed = self.wire.get("/containers/json", {"all": True, "filters": {"label": [f"{STACK}={self.stack}"]}})
        names = [container["Labels"][SANDBOX] for container in listed]
        assert len(names) == len(set(names)), f"two containers claim one sandbox: {names}"
        return {
            container["Labels"][SANDBOX]: self.wire.get(f"/containers/{container['Id']}/json") for container in listed
        }

    def _labelled(self, kind: str) -> list[str]:
        filters = {"filters": {"label": [f"{STACK}={self.stack}"]}}
        if kind == "networks":
            return [network["Name"] for network in self.wire.get("/networks", filters)]
        return [
            volume["Name"]
            for volume in self.wire.get("/volumes", filters)["Volumes"] or []
            if "volume" in volume["Labels"].values()
        ]
