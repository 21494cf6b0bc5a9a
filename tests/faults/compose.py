"""Docker Compose in the sweep: the same three stacks, said in its own words.

A startup script becomes part of the command, an upload a config, a task a service that ends. What it leaves is
compared with what it leaves without a fault, so its own names and settings count as right.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.faults.scenario import ALIKE, Scenario, compose_scenarios, swap, vary

_PAIR = """
configs:
  one: {content: one}
services:
  api:
    image: IMAGE
    init: true
    command: [sleep, infinity]
    environment: {PORT: "1"}
    configs: [{source: one, target: /srv/one.txt}]
  web:
    image: IMAGE
    init: true
    command: [sleep, infinity]
    depends_on: [api]
"""

_DATA = """
volumes: {data: }
services:
  db:
    image: IMAGE
    init: true
    command: [sh, -c, "echo started > /data/started; exec sleep infinity"]
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, test, -e, /data/started], interval: 1s}
    environment: {SIZE: "1"}
  load:
    image: IMAGE
    init: true
    command: [sh, -c, "echo loaded > /data/loaded"]
    volumes: ["data:/data"]
    depends_on: {db: {condition: service_healthy}}
"""

_CREW = """
networks: {back: }
services:
  agent:
    image: IMAGE
    init: true
    command: [sleep, infinity]
    deploy: {replicas: 3}
    networks: [default, back]
    environment: {ROLE: worker}
"""

STACKS = {
    "pair": vary(
        _PAIR,
        **ALIKE["pair"],
        update=swap(
            ("content: one", "content: two"),
            ('environment: {PORT: "1"}', 'environment: {PORT: "1"}\n    mem_limit: 64m'),
        ),
    ),
    "data": vary(
        _DATA,
        **ALIKE["data"],
        update=swap(
            ('environment: {SIZE: "1"}', 'environment: {SIZE: "1"}\n    restart: always\n    labels: {team: data}')
        ),
    ),
    "crew": vary(_CREW, **ALIKE["crew"]),
}


class Compose:
    """`docker compose`, version 2."""

    name = "compose"
    file_name = "compose.yaml"
    gives_up = False

    def find_problem(self) -> str:
        if not shutil.which("docker"):
            return "docker is not installed"
        found = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        return "" if found.returncode == 0 else "`docker compose` is not installed"

    def scenarios(self, image: str) -> tuple[Scenario, ...]:
        return compose_scenarios(STACKS, image)

    def apply(self, file: Path, stack: str) -> list[str]:
        return _compose(file, stack, "up", "--detach", "--remove-orphans")

    def destroy(self, file: Path, stack: str) -> list[str]:
        return _compose(file, stack, "down", "--volumes", "--remove-orphans")

    def check(self, file: Path, stack: str) -> list[str]:
        return []


def _compose(file: Path, stack: str, *arguments: str) -> list[str]:
    return ["docker", "compose", "--project-name", stack, "--file", str(file), *arguments]
