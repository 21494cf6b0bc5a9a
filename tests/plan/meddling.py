"""What hands and accidents do to a stack behind nexusctl's back, drawn as (what, a number that picks whom)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from nexusctl.engine.memory import MemoryEngine
from nexusctl.engine.memory.ports import publish
from nexusctl.engine.memory.world import MemoryContainer
from nexusctl.model.observed.live import LiveNetwork
from nexusctl.model.stack import Resources
from nexusctl.model.uploads_and_packages import UploadFile


def meddle(engine: MemoryEngine, deeds: list[tuple[str, int]]) -> None:
    """Do `deeds` one after the other; one that finds nobody to do it to does nothing."""
    for deed, number in deeds:
        (ACTS | INSIDE)[deed](engine, number)


def _pick(engine: MemoryEngine, number: int) -> MemoryContainer | None:
    found = sorted(engine.containers.values(), key=lambda c: (c.name, c.id))
    return found[number % len(found)] if found else None


def _on_container(change: Any) -> Any:
    def act(engine: MemoryEngine, number: int) -> None:
        if found := _pick(engine, number):
            change(engine, found)

    return act


def _stop(engine: MemoryEngine, found: MemoryContainer) -> None:
    engine.stop_container(found.id)


def _kill(engine: MemoryEngine, found: MemoryContainer) -> None:
    engine.stop_container(found.id)
    if found.state == "exited":
        found.exit_code = 137


def _pause(engine: MemoryEngine, found: MemoryContainer) -> None:
    if found.state == "running":
        found.state = "paused"


def _remove(engine: MemoryEngine, found: MemoryContainer) -> None:
    engine.remove_container(found.id)


def _rename(engine: MemoryEngine, found: MemoryContainer) -> None:
    if all(other.name != "mine" for other in engine.containers.values()):
        found.name = "mine"


def _swap_names(engine: MemoryEngine, number: int) -> None:
    one, other = _pick(engine, number), _pick(engine, number + 1)
    if one and other:
        one.name, other.name = other.name, one.name


def _limit(engine: MemoryEngine, found: MemoryContainer) -> None:
    found.resources, found.restart = Resources(pids=7), "unless-stopped"


def _disconnect(engine: MemoryEngine, found: MemoryContainer) -> None:
    for network_id in list(found.networks)[:1]:
        del found.networks[network_id]


def _connect(engine: MemoryEngine, found: MemoryContainer) -> None:
    """To all; an engine knows the networks of a container by name, so of two of one name it names the last."""
    others = {network.name: network_id for network_id, (_, network) in engine.networks.items()}
    kept = {key: name for key, name in found.networks.items() if name not in others or others[name] == key}
    found.networks = kept | {network_id: name for name, network_id in others.items()}
    plain = (found.sandbox.name, found.sandbox.group)
    known = (*plain, *(f"{found.stack}_{name}" for name in plain))
    found.aliases = dict.fromkeys(others, known) | found.aliases


def _lose_network(engine: MemoryEngine, number: int) -> None:
    own = [network_id for network_id, (owner, _) in engine.networks.items() if owner]
    if own:
        network_id = own[number % len(own)]
        for container in engine.containers.values():
            container.networks.pop(network_id, None)
        del engine.networks[network_id]


def _double_network(engine: MemoryEngine, number: int) -> None:
    own = [(owner, network) for owner, network in engine.networks.values() if owner]
    if own:
        owner, network = own[number % len(own)]
        made: LiveNetwork = replace(network, id=engine.new_id(network.name))
        engine.networks[made.id] = (owner, made)


def _lose_volume(engine: MemoryEngine, number: int) -> None:
    """With all containers that mount it, for the engine removes none that is in use."""
    own = sorted(name for name, (owner, _) in engine.volumes.items() if owner)
    if own:
        name = own[number % len(own)]
        users = [
            c.id for c in engine.containers.values() if name in {*c.placement.volumes.values(), *c.anonymous.values()}
        ]
        for container_id in users:
            engine.remove_container(container_id)
        engine.remove_volume(name)


def _clone(engine: MemoryEngine, found: MemoryContainer) -> None:
    name = f"{found.name}_copy"
    if all(other.name != name for other in engine.containers.values()):
        made = replace(found, id=engine.new_id(name), name=name, ports=(), networks=dict(found.networks))
        made.files, made.aliases = dict(found.files), dict(found.aliases)
        if found.alive and any(port.host for port in found.sandbox.ports):
            # It cannot be started beside the one that has the port.
            made.state = "created"
        elif found.alive:
            made.ports = publish(engine, made)
        engine.containers[made.id] = made


def _lose_amendment(engine: MemoryEngine, number: int) -> None:
    names = sorted(engine.amendments)
    if names:
        del engine.amendments[names[number % len(names)]]


def _lose_image(engine: MemoryEngine, number: int) -> None:
    references = sorted(engine.images)
    if references:
        del engine.images[references[number % len(references)]]


def _edit_files(engine: MemoryEngine, found: MemoryContainer) -> None:
    for number, (path, file) in enumerate(sorted(found.files.items())):
        if number % 3 == 0:
            # A link has no content but what it names.
            found.files[path] = replace(file, **{"link" if file.kind == "link" else "digest": "by hand"})
        elif number % 3 == 1:
            del found.files[path]


def _add_file(engine: MemoryEngine, found: MemoryContainer) -> None:
    if "/srv" in found.files:
        found.files["/srv/more"] = UploadFile(path="", digest="more", mode=0o644)


ACTS = {
    "stop": _on_container(_stop),
    "kill": _on_container(_kill),
    "pause": _on_container(_pause),
    "remove": _on_container(_remove),
    "rename": _on_container(_rename),
    "swap names": _swap_names,
    "disconnect": _on_container(_disconnect),
    "connect": _on_container(_connect),
    "lose network": _lose_network,
    "double network": _double_network,
    "lose volume": _lose_volume,
    "clone": _on_container(_clone),
    "lose image": _lose_image,
}
"""What a plan sees without looking inside."""

INSIDE = {
    "limit": _on_container(_limit),
    "lose amendment": _lose_amendment,
    "edit files": _on_container(_edit_files),
    "add file": _on_container(_add_file),
}

Deeds = list[tuple[str, int]]

deeds = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 5)), max_size=3)
deeds_inside = st.lists(st.tuples(st.sampled_from(sorted(INSIDE)), st.integers(0, 5)), max_size=2)
