"""Lists what nexusctl has made on the engine, or removes what was not there before.

    leftovers.py list              one object a line
    leftovers.py remove FILE       remove everything that is not in FILE

Images stay: they are caches, and making them again takes minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.errors import EngineError, EngineUnreachable


def main(verb: str, known: str = "") -> int:
    try:
        wire = connect()
    except EngineUnreachable:
        return 0
    if verb == "list":
        print("\n".join(find(wire)))
        return 0
    before = set(Path(known).read_text().split())
    for path in find(wire):
        if path not in before:
            remove(wire, path)
    return 0


def find(wire: Wire) -> list[str]:
    """The API paths of containers, networks and volumes, in the order in which they can be removed."""
    filters = {"label": [labels.ROLE]}
    containers = wire.get("/containers/json", {"all": True, "filters": filters})
    networks = wire.get("/networks", {"filters": filters})
    volumes = wire.get("/volumes", {"filters": filters})["Volumes"] or []
    return [
        *(f"/containers/{container['Id']}" for container in containers),
        *(f"/networks/{network['Id']}" for network in networks),
        *(f"/volumes/{volume['Name']}" for volume in volumes if volume["Labels"].get(labels.ROLE) != "cache"),
    ]


def remove(wire: Wire, path: str) -> None:
    print(f"removing {path}", file=sys.stderr)
    try:
        wire.delete(path, {"force": True, "v": True} if path.startswith("/containers") else None)
    except EngineError as error:
        print(f"  {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
