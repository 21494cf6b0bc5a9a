"""nexusctl in the sweep: stacks of its own, each before and after every kind of change."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.scenario import ALIKE, Scenario, compose_scenarios, cut, swap, vary

_PAIR = """
sandboxes:
  api:
    image: IMAGE
    command: [sleep, infinity]
    env: {PORT: "1"}
    uploads: [{content: one, target: /srv/one.txt}]
  web:
    image: IMAGE
    command: [sleep, infinity]
    depends_on: [api]
"""
"""Two services, one after the other, with an upload."""

DATA = """
volumes: {data: }
sandboxes:
  db:
    image: IMAGE
    command: [sleep, infinity]
    volumes: ["data:/data"]
    startup: "echo started > /data/started"
    health: {command: [test, -e, /data/started], interval: 1s}
    env: {SIZE: "1"}
  load:
    kind: task
    image: IMAGE
    command: [sh, -c, "echo loaded > /data/loaded"]
    volumes: ["data:/data"]
    depends_on: [db]
"""
"""A volume that forces stop-first, a health check, a startup script, a task."""

_CREW = """
networks: {back: }
sandboxes:
  agent:
    image: IMAGE
    command: [sleep, infinity]
    replicas: 3
    networks: [default, back]
    env: {ROLE: worker}
"""
"""Replicas on two networks."""

_GUARD = """
secrets:
  token: {command: [echo, one]}
  key: {command: [echo, one]}
sandboxes:
  api:
    image: IMAGE
    command: [sleep, infinity]
    secrets: [token]
    health: {command: [test, -e, /run/secrets/token], interval: 1s}
    env: {KEY: "${secret.key}"}
    uploads: [{content: one, target: /srv/one.txt, on_change: restart}]
  keeper:
    image: IMAGE
    command: [sleep, infinity]
    startup: "[ -e /srv/kept ] || echo written first >/srv/kept"
    on_replace: preserve
    env: {WORD: one}
"""
"""Secrets as a file in memory and as env, a name that is handed over, a restart for new files, files that are kept."""

_FRONT = """
sandboxes:
  web:
    image: IMAGE
    command: [sleep, infinity]
    ports: ["HOSTPORT:80"]
    startup: "echo started >/srv/kept"
    env: {V: one}
  api:
    image: IMAGE
    command: [sleep, infinity]
    ports: [81]
"""
"""A port of the host, which forces stop-first, and goes over to another sandbox."""

_HEIR = """
volumes: {data: , logs: }
sandboxes:
  one:
    image: IMAGE
    command: [sh, -c, "WRITER"]
    volumes: ["data:/data"]
  two:
    image: IMAGE
    command: [sh, -c, "WRITER"]
    volumes: ["logs:/data"]
""".replace(
    "WRITER",
    "trap 'sleep 1; rm -f /data/held; exit 0' TERM;"
    " if [ -e /data/held ]; then echo torn > /data/torn; fi; echo held > /data/held; while :; do sleep 0.1; done",
)
"""Volumes that pass from one to the other; whoever starts on one that somebody still holds writes that down."""

_STORE = """
sandboxes:
  db:
    image: IMAGE
    command: [sleep, infinity]
    volumes: [/data]
    startup: "[ -e /data/started ] || echo $SIZE >/data/started"
    stop_grace_period: 1s
    env: {SIZE: "1"}
  side:
    image: IMAGE
    command: [sleep, infinity]
    volumes: [/data]
"""
"""Volumes that sandboxes have for themselves: what the first container has written, each next one finds."""

_KIT = """
sandboxes:
  box: {template: node, command: [sleep, infinity], working_dir: /srv/STACKNAME, packages: [ms@2.1.2]}
"""
"""Packages, which are changed in the live sandbox. The folder makes the image with them one of this stack alone."""

STACKS = {
    "pair": vary(
        _PAIR,
        **ALIKE["pair"],
        update=swap(
            ("content: one", "content: two"), ('env: {PORT: "1"}', 'env: {PORT: "1"}\n    resources: {memory: 64m}')
        ),
    ),
    "data": vary(
        DATA,
        **ALIKE["data"],
        update=swap(('env: {SIZE: "1"}', 'env: {SIZE: "1"}\n    restart: always\n    metadata: {team: data}')),
    ),
    "crew": vary(_CREW, **ALIKE["crew"]),
    "guard": vary(
        _GUARD,
        update=swap(
            ("content: one", "content: two"), ("token: {command: [echo, one]}", "token: {command: [echo, two]}")
        ),
        replace=swap(("key: {command: [echo, one]}", "key: {command: [echo, two]}"), ("WORD: one", "WORD: two")),
        shrink=cut("  keeper:"),
    ),
    "front": vary(
        _FRONT,
        replace=swap(("V: one", "V: two")),
        shrink=lambda text: f"\nsandboxes:\n{text[text.index('  api:') :]}".replace("[81]", '["HOSTPORT:80"]'),
    ),
    "heir": vary(
        _HEIR,
        update=swap(("  one:", "  first:"), ("\nsandboxes:", "\nmoved: [{from: one, to: first}]\nsandboxes:")),
        replace=swap(("data:/data", "PASSED"), ("logs:/data", "data:/data"), ("PASSED", "logs:/data")),
        shrink=lambda text: f"{text[: text.index('  one:')]}{text[text.index('  two:') :]}".replace(
            "logs:/data", "data:/data"
        ),
    ),
    "store": vary(
        _STORE,
        update=swap(("stop_grace_period: 1s", "stop_grace_period: 2s")),
        replace=swap(('SIZE: "1"', 'SIZE: "2"')),
        shrink=cut("  side:"),
    ),
    "kit": vary(_KIT, update=swap(("[ms@2.1.2]", "[ms@2.1.3, is-odd@3.0.0]"))),
}


class Nexusctl:
    """The program of this project."""

    name = "nexusctl"
    file_name = "nexus.yaml"
    gives_up = True

    def find_problem(self) -> str:
        return ""

    def scenarios(self, image: str) -> tuple[Scenario, ...]:
        return compose_scenarios(STACKS, image)

    def apply(self, file: Path, stack: str) -> list[str]:
        return _nexusctl("apply", "--yes", "-f", str(file))

    def destroy(self, file: Path, stack: str) -> list[str]:
        return _nexusctl("destroy", "--yes", "--volumes", "--stack", stack, "--ignore-missing")

    def check(self, file: Path, stack: str) -> list[str]:
        return _nexusctl("plan", "--deep", "--detailed-exitcode", "-f", str(file))


def _nexusctl(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nexusctl", *arguments]
