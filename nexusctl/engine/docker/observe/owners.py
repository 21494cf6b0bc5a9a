"""Whose the external networks and volumes of a stack are, where another stack has made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.objects.pending_changes import sequence_of
from nexusctl.model.observed.live import Owner
from nexusctl.model.record import RecordError, decode
from nexusctl.model.stack import Stack

Listed = Mapping[str, Any]


def find_owners(
    stack: Stack, containers: Iterable[Listed], networks: Iterable[Listed], volumes: Iterable[Listed]
) -> dict[tuple[str, str], Owner]:
    """By kind and the name in `stack`'s file. What they share, the sandboxes of the owner say, in their records."""
    everything = list(volumes)
    wanted = {
        "network": {str(found.external) for found in stack.networks.values() if found.external},
        "volume": {str(found.external) for found in stack.volumes.values() if found.external},
    }
    found: dict[tuple[str, str], Owner] = {}
    if not (wanted["network"] or wanted["volume"]):
        return found
    for kind, entries in (("network", networks), ("volume", everything)):
        for entry in entries:
            marks = entry["Labels"] or {}
            owner, role = marks.get(labels.STACK, stack.name), marks.get(labels.ROLE)
            if not role or (role == kind and owner == stack.name):
                continue
            for called in wanted[kind]:
                if entry["Name"] == called or (kind == "network" and entry["Id"].startswith(called)):
                    if role != kind:
                        # A cache, or what is there for its labels.
                        found[kind, called] = Owner(stack="", shares=False)
                        continue
                    own = [c for c in containers if (c["Labels"] or {}).get(labels.STACK) == owner]
                    shares = f"{kind}:{marks.get(labels.VOLUME if kind == 'volume' else labels.NETWORK, '')}"
                    shared = set(_list_shares(own, everything)) if own else {shares}
                    found[kind, called] = Owner(stack=owner, shares=shares in shared)
    return found


def _list_shares(containers: Iterable[Listed], volumes: Iterable[Listed]) -> Iterator[str]:
    """What the newest records of `containers` say; one that cannot be read shares nothing."""
    newest: dict[str, Mapping[str, str]] = {}
    for entry in sorted(volumes, key=sequence_of):
        marks = entry["Labels"] or {}
        if marks.get(labels.ROLE) == "amendment":
            newest[marks.get(labels.CONTAINER, "")] = marks
    for container in containers:
        marks = newest.get(container["Id"]) or container["Labels"] or {}
        try:
            yield from decode(marks.get(labels.RECORD, "")).shares
        except RecordError:
            continue
