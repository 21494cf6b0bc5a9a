"""What is spoiled: three stacks, each with a state before and after every kind of change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verb = Literal["apply", "destroy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`before` is applied without a fault (nothing where it is empty), then `verb` with `after` is spoiled."""

    name: str
    before: str
    after: str
    verb: Verb = "apply"


def scenarios(image: str) -> tuple[Scenario, ...]:
    """Fresh apply, in-place update, replace, scale down and destroy, on three stacks."""
    found: list[Scenario] = []
    for stack in ("pair", "data", "crew"):
        base = _texts(image)[stack]
        found.append(Scenario(name=f"{stack}-fresh", before="", after=base["base"]))
        found += [
            Scenario(name=f"{stack}-{kind}", before=base["base"], after=base[kind])
            for kind in ("update", "replace", "shrink")
        ]
        found.append(Scenario(name=f"{stack}-destroy", before=base["base"], after=base["base"], verb="destroy"))
    return tuple(found)


def _texts(image: str) -> dict[str, dict[str, str]]:
    return {"pair": _pair(image), "data": _data(image), "crew": _crew(image)}


def _pair(image: str) -> dict[str, str]:
    """Two services, one after the other, with an upload."""
    base = f"""
sandboxes:
  api:
    image: {image}
    command: [sleep, infinity]
    env: {{PORT: "1"}}
    uploads: [{{content: one, target: /srv/one.txt}}]
  web:
    image: {image}
    command: [sleep, infinity]
    depends_on: [api]
"""
    return {
        "base": base,
        "update": base.replace("content: one", "content: two").replace(
            'env: {PORT: "1"}', 'env: {PORT: "1"}\n    resources: {memory: 64m}'
        ),
        "replace": base.replace('PORT: "1"', 'PORT: "2"'),
        "shrink": base[: base.index("  web:")],
    }


def _data(image: str) -> dict[str, str]:
    """A volume that forces stop-first, a health check, a startup script, a task."""
    base = f"""
volumes: {{data: }}
sandboxes:
  db:
    image: {image}
    command: [sleep, infinity]
    volumes: ["data:/data"]
    startup: "echo started > /data/started"
    health: {{command: [test, -e, /data/started], interval: 1s}}
    env: {{SIZE: "1"}}
  load:
    kind: task
    image: {image}
    command: [sh, -c, "echo loaded > /data/loaded"]
    volumes: ["data:/data"]
    depends_on: [db]
"""
    return {
        "base": base,
        "update": base.replace('env: {SIZE: "1"}', 'env: {SIZE: "1"}\n    restart: always\n    metadata: {team: data}'),
        "replace": base.replace('SIZE: "1"', 'SIZE: "2"').replace("echo loaded", "echo reloaded"),
        "shrink": base[: base.index("  load:")],
    }


def _crew(image: str) -> dict[str, str]:
    """Replicas on two networks."""
    base = f"""
networks: {{back: }}
sandboxes:
  agent:
    image: {image}
    command: [sleep, infinity]
    replicas: 3
    networks: [default, back]
    env: {{ROLE: worker}}
"""
    return {
        "base": base,
        "update": base.replace("networks: [default, back]", "networks: [default]"),
        "replace": base.replace("ROLE: worker", "ROLE: leader"),
        "shrink": base.replace("replicas: 3", "replicas: 1"),
    }
