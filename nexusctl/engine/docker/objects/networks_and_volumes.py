"""Networks, volumes, and the amendments that are kept as volumes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.create_body import address_config, network_body, volume_labels
from nexusctl.engine.docker.bodies.label_forms import find_fault
from nexusctl.engine.docker.bodies.list_status import name_container
from nexusctl.engine.docker.client.claim_volume import bears, claim_mark, claim_volume
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.containers import disconnect
from nexusctl.engine.docker.objects.ownership import describe_owner, list_subnets, read_network
from nexusctl.engine.docker.objects.pending_changes import is_tag, number_of, remove_tag, sequence_of, write_note
from nexusctl.errors import Conflict, EngineError, NotFound
from nexusctl.model.record import encode
from nexusctl.model.stack import Network, Sandbox, Volume

MOST_CLASHES = 200
"""How often a network that is made looks for another address range because somebody has just taken the one it chose."""


def create_network(wire: Wire, stack: str, network: Network, name: str, subnet: str = "", sandboxes: int = 1) -> str:
    """Returns its id; one that is ours already is taken over, for the engine allows several of one name.

    Such a second one is wanted where ours has to become internal, or larger: sandboxes move over, the old one goes.
    It gets `subnet`, or what is free where that is empty or somebody has taken it since.
    """
    ours = _list_networks(wire, stack, network)
    if found := _choose_network(ours, network, sandboxes):
        return found
    body = network_body(stack, network, name, check_duplicate=not ours)
    tried: list[str] = []
    while True:
        planned = network.subnet or ("" if tried else subnet)
        chosen = planned or _find_subnet(wire, name, sandboxes, tried)
        try:
            pools = {"Config": address_config(network, chosen)}
            return str(wire.post("/networks/create", {**body, "IPAM": pools})["Id"])
        except EngineError as error:
            if found := _choose_network(_list_networks(wire, stack, network), network, sandboxes):
                return found
            if isinstance(error, Conflict):
                if (other := _find_network(wire, name)) is None:
                    # It was removed in between, so the name is free again.
                    continue
                owner = describe_owner("network", other["Labels"] or {})
                raise Conflict(f"the network name {name} is taken by {owner}", status=409) from error
            if "overlap" in str(error) and network.subnet:
                summary = f"network {name}: another network has addresses of its subnet {network.subnet}"
                raise Conflict(summary, status=403, hint="name another range, or leave `subnet` out") from error
            if "overlap" not in str(error) or len(tried) >= MOST_CLASHES:
                raise
            tried.append(chosen)


def _find_subnet(wire: Wire, name: str, sandboxes: int, tried: Iterable[str]) -> str:
    """A range that is free now. Raises `EngineError` where none is."""
    # Most networks get what the plan has found.
    from nexusctl.engine.docker.objects.subnets import read_address_space  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.plan.decide.subnets import choose_subnet, say_full  # noqa: PLC0415 - deferred: start-up time

    space = read_address_space(wire, wire.get("/networks"))
    if chosen := choose_subnet(space, name, sandboxes, tried):
        return chosen
    summary, hint = say_full(name, space)
    raise EngineError(summary, status=403, hint=hint)


def replace_network(
    wire: Wire,
    stack: str,
    network: Network,
    name: str,
    old_id: str,
    members: Iterable[str],
    subnet: str = "",
    sandboxes: int = 1,
) -> str:
    """Part `members` from the network `old_id`, remove it and make the one that takes its name; returns its id.

    An absent one is fine. Raises `Conflict`, and changes nothing, where somebody else is in it.
    """
    with contextlib.suppress(NotFound):
        found, own = wire.get(f"/networks/{old_id}"), set(members)
        inside: Mapping[str, Any] = found["Containers"] or {}
        if strangers := sorted(item["Name"] for key, item in inside.items() if key not in own):
            raise _say_used(found["Name"], strangers)
        for member in inside:
            with contextlib.suppress(NotFound):
                disconnect(wire, member, old_id)
        remove_network(wire, old_id)
    return create_network(wire, stack, network, name, subnet, sandboxes)


def remove_network(wire: Wire, network_id: str) -> None:
    """Remove it; an absent one is fine. Raises `Conflict` that names the containers still in it."""
    try:
        wire.delete(f"/networks/{network_id}")
    except NotFound:
        return
    except EngineError as error:
        if error.status not in (403, 409):
            raise
        if (found := _find_network(wire, network_id)) is None:
            # Somebody else has removed it in between.
            return
        users = sorted(item["Name"] for item in (found["Containers"] or {}).values())
        if not users:
            # Of containers that come and go at once, Docker can lose count (moby/moby#42119).
            raise Conflict(
                f"network {found['Name']} has no container in it and the engine holds on to it: {error.summary}",
                status=409,
                hint="the engine has lost count: an apply of its stack uses it again, a restart of the engine frees it",
            ) from error
        raise _say_used(found["Name"], users) from error


def _find_network(wire: Wire, key: str) -> Mapping[str, Any] | None:
    """What the engine says of the network with this name or id; None where it has none."""
    try:
        found: Mapping[str, Any] = wire.get(f"/networks/{key}")
    except NotFound:
        return None
    return found


def _say_used(name: str, users: Iterable[str]) -> Conflict:
    hint = "disconnect or remove those containers, then try again"
    return Conflict(f"network {name} is still used by {', '.join(users)}", status=409, hint=hint)


def create_volume(wire: Wire, stack: str, volume: Volume, name: str) -> None:
    """Make it if it is not there; raises `Conflict` where it is somebody else's."""
    wanted = volume_labels(stack, volume.name)
    entry = claim_volume(wire, name, {**volume.labels, **wanted}, volume.driver_opts, volume.driver)
    if not bears(entry, wanted):
        owner = describe_owner("volume", entry["Labels"] or {})
        raise Conflict(f"the volume name {name} is taken by {owner}", status=409)


def remove_volume(wire: Wire, name: str) -> None:
    """Remove it; an absent one is fine. Raises `Conflict` that names the containers that mount it."""
    try:
        wire.delete(f"/volumes/{name}")
    except NotFound:
        return
    except Conflict as error:
        entries = wire.get("/containers/json", {"all": True, "filters": {"volume": [name]}})
        users = sorted(name_container(entry) for entry in entries)
        raise Conflict(
            f"volume {name} is still used by {', '.join(users) or 'a container'}",
            status=409,
            hint="remove those containers first",
        ) from error


def adopt(wire: Wire, stack: str, kind: str, name: str, key: str) -> None:
    """Write down that a network or volume of somebody else's is the stack's from now on."""
    # Few stacks take anything over.
    from nexusctl.engine.docker.objects.adopt import adopt as write  # noqa: PLC0415 - deferred: start-up time

    write(wire, stack, kind, name, key)


def release(wire: Wire, stack: str, kind: str, key: str) -> None:
    """Forget that it was taken over; an absent one is fine."""
    from nexusctl.engine.docker.objects.adopt import adoption_name  # noqa: PLC0415 - deferred: start-up time

    remove_volume(wire, adoption_name(stack, kind, key))


def announce(wire: Wire, stack: str, container_id: str) -> str:
    """Note that a newer record of a container is to come; returns the note."""
    entries = _list_amendments(wire, container_id)
    return write_note(wire, stack, container_id, sequence_of(entries[-1]) + 1 if entries else 1)


def amend(
    wire: Wire,
    stack: str,
    sandbox: Sandbox,
    container_id: str,
    package_facts: str = "",
    note: str = "",
    maker: str = "",
) -> str:
    """Keep `sandbox` as the newest record of a container, with the number of `note`; returns the volume's name.

    `maker` is who does.

    Facts of managers that `package_facts` does not name stay as they were. The volume's creation is the whole of it,
    so there is no half-written amendment.
    """
    entries = _list_amendments(wire, container_id)
    marks = entries[-1]["Labels"] if entries else {}
    content = {
        labels.RECORD: encode(sandbox),
        labels.PACKAGE_FACTS: merge_facts(marks.get(labels.PACKAGE_FACTS, ""), package_facts),
    }
    newest = sequence_of(entries[-1]) if entries else 0
    if content.items() <= marks.items() and newest >= number_of(note):
        return str(entries[-1]["Name"])
    sequence = newest + 1
    while True:
        wanted = {labels.MAKER: maker, **_amendment_labels(stack, sandbox.name, container_id, sequence, content)}
        made = claim_mark(wire, f"nexusctl_amendment_{container_id[:16]}_{sequence}", wanted)
        if bears(made, content):
            return str(made["Name"])
        sequence += 1


def read_facts(wire: Wire, container_id: str) -> str:
    """What the newest amendment of a container says of its packages; empty for nothing."""
    entries = _list_amendments(wire, container_id)
    return str(entries[-1]["Labels"].get(labels.PACKAGE_FACTS, "")) if entries else ""


def merge_facts(before: str, after: str) -> str:
    """What is known of packages, as JSON by manager: those of `after`, and of `before` where `after` is silent."""
    if not before or not after:
        return before or after
    return json.dumps({**_read_facts(before), **_read_facts(after)}, sort_keys=True, separators=(",", ":"))


def _read_facts(text: str) -> dict[str, Any]:
    """A label may hold anything; what is no object tells nothing."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def remove_amendment(wire: Wire, name: str) -> None:
    """Remove it, or a note; an absent one is fine."""
    if is_tag(name):
        remove_tag(wire, name)
        return
    with contextlib.suppress(NotFound):
        wire.delete(f"/volumes/{name}")


def _list_networks(wire: Wire, stack: str, network: Network) -> list[Mapping[str, Any]]:
    wanted = {"label": [f"{labels.STACK}={stack}", f"{labels.NETWORK}={network.name}", f"{labels.ROLE}=network"]}
    found: list[Mapping[str, Any]] = wire.get("/networks", {"filters": wanted})
    return found


def _choose_network(found: list[Mapping[str, Any]], network: Network, sandboxes: int) -> str:
    """The id of the oldest one that is as `network` says and has room for so many, empty for none."""
    # A plan that makes no network needs no arithmetic of addresses.
    from nexusctl.plan.decide.subnets import has_room  # noqa: PLC0415 - deferred: start-up time

    fitting = [
        entry
        for entry in found
        if read_network(entry, network.name).is_as(network)
        and (network.subnet or has_room(next(list_subnets(entry), ""), sandboxes))
    ]
    return str(min(fitting, key=lambda entry: (entry["Created"], entry["Id"]))["Id"]) if fitting else ""


def _list_amendments(wire: Wire, container_id: str) -> list[Mapping[str, Any]]:
    """The oldest first."""
    query = {"filters": {"label": [f"{labels.ROLE}=amendment", f"{labels.CONTAINER}={container_id}"]}}
    found = wire.get("/volumes", query)["Volumes"] or []
    return sorted((e for e in found if not find_fault("volume", e["Name"], e["Labels"] or {})), key=sequence_of)


def _amendment_labels(
    stack: str, sandbox: str, container_id: str, sequence: int, content: Mapping[str, str]
) -> dict[str, str]:
    return {
        labels.STACK: stack,
        labels.SANDBOX: sandbox,
        labels.ROLE: "amendment",
        labels.CONTAINER: container_id,
        labels.SEQUENCE: str(sequence),
        **content,
    }
