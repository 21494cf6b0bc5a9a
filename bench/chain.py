"""Sandboxes in a chain, each started only when the one before is healthy, until all are."""

from __future__ import annotations

from typing import Any

from contestants import Compose, Nexusctl, require_compose
from figure import Against, Figure, Setting, Stopwatch, cleared, turns

LINKS = 5
READY_AFTER = 0.3
INTERVAL = "1s"
"""Seconds that each takes to be ready, and how often the engine probes: often, for what people write is slower."""

_COMMAND = ["sh", "-c", f"sleep {READY_AFTER}; touch /tmp/ready; exec sleep infinity"]
_PROBE = ["test", "-e", "/tmp/ready"]


class _ComposeUntilHealthy(Compose):
    def apply(self, *options: str) -> None:
        super().apply("--wait", *options)


def measure_chain(setting: Setting) -> list[Figure]:
    require_compose()
    watch = Stopwatch()
    contestants = [
        Nexusctl(setting.folder, setting.stack, _our_chain(setting.image)),
        _ComposeUntilHealthy(setting.folder, setting.stack, _their_chain(setting.image)),
    ]
    for who in turns("chain", contestants, setting.rounds):
        with cleared(who.destroy):
            watch.take(who.name, "apply", who.apply)
    return [
        Figure(
            what=f"{LINKS} sandboxes in a chain, each waiting for the health of the one before, until all are healthy",
            remark=f"ready after {READY_AFTER} s, probed every {INTERVAL}",
            ours=watch.of("nexusctl", "apply"),
            against=(Against("`up -d --wait`", watch.of("compose", "apply"), 0.5),),
        )
    ]


def _our_chain(image: str) -> dict[str, dict[str, Any]]:
    own = {"image": image, "command": _COMMAND, "health": {"command": _PROBE, "interval": INTERVAL}}
    return {f"link-{n}": {**own, **({"depends_on": [f"link-{n - 1}"]} if n else {})} for n in range(LINKS)}


def _their_chain(image: str) -> dict[str, dict[str, Any]]:
    own = {"image": image, "command": _COMMAND, "healthcheck": {"test": ["CMD", *_PROBE], "interval": INTERVAL}}
    return {
        f"link-{n}": {**own, **({"depends_on": {f"link-{n - 1}": {"condition": "service_healthy"}}} if n else {})}
        for n in range(LINKS)
    }
