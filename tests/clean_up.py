"""What ends the containers of a test where nobody looks any more at how they end."""

from __future__ import annotations

from contextlib import suppress

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import EngineError


def kill_containers(wire: Wire, stack: str) -> None:
    """So that those which ignore the signal to end have no ten seconds until `destroy` goes on."""
    for entry in wire.get("/containers/json"):
        # What was taken over has a name of the stack, and none of its labels.
        if entry["Labels"].get(labels.STACK) == stack or entry["Names"][0].startswith(f"/{stack}_"):
            # One that has ended by itself meanwhile.
            with suppress(EngineError):
                wire.post(f"/containers/{entry['Id']}/kill")
