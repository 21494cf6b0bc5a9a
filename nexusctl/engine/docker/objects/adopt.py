"""Objects that somebody else made and that a stack takes over on request.

Labels cannot change on what is there, so a labelled volume beside it says whose it is now: for a container the first
amendment, which holds what the container is as its record; for a network or a volume an adoption.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.list_status import list_names, name_container
from nexusctl.engine.docker.client.claim_volume import bears, claim_mark
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.files.digest_uploads import survey_archive
from nexusctl.engine.docker.objects.ownership import is_free
from nexusctl.engine.docker.objects.read_body import inspect
from nexusctl.errors import Conflict
from nexusctl.model.engine_names import container_name, image_reference, network_name, volume_name
from nexusctl.model.env_file_text import EnvFileText
from nexusctl.model.observed.live import LiveFile
from nexusctl.model.secret import Secret, SecretText, SecretUse, Text, with_digests
from nexusctl.model.stack import Mount, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Upload, UploadFile
from nexusctl.plan.compare.fields import take_recorded
from nexusctl.plan.compare.paths import place
from nexusctl.secrets.digest import digest_secret

Listed = Mapping[str, Any]

_SHORT_ID = 12


def wanted_names(stack: Stack, kind: str) -> dict[str, str]:
    """What the stack file calls each object of a kind, by the name that it has on the engine."""
    if kind == "network":
        return {
            network_name(stack.name, name): name for name, network in stack.networks.items() if not network.external
        }
    return {volume_name(stack.name, name): name for name, volume in stack.volumes.items() if not volume.external}


def find_candidates(
    stack: Stack, entries: Iterable[Listed], live: Collection[str], adopt: Mapping[str, str]
) -> dict[str, str]:
    """The containers to take over, running or ended ones that no nexusctl made: sandbox by container id.

    Those that `adopt` names for a sandbox, the others under the names that the sandboxes get. A sandbox that is `live`
    has its container. Raises `Conflict` where a named one cannot be had.
    """
    wanted = {name: adopt.get(name, container_name(stack.name, name)) for name in stack.sandboxes if name not in live}
    found = {name: _find_free(entries, known) for name, known in wanted.items()}
    if lost := sorted(adopt[name] for name, entry in found.items() if name in adopt and entry is None):
        names = {str(entry["Id"]): name_container(entry) for entry in entries}
        raise Conflict(
            f"no container is called {', '.join(names.get(known, known) for known in lost)} that could be taken over",
            status=409,
            hint="it has to run or to have ended, and no stack has it; `docker ps --all` shows what there is",
        )
    owners: dict[str, str] = {}
    for name, entry in found.items():
        if entry and (other := owners.setdefault(str(entry["Id"]), name)) != name:
            raise Conflict(
                f"the container {name_container(entry)} cannot be both {other} and {name}",
                status=409,
                hint="name a container of its own for each with `--adopt-container`",
            )
    return owners


def _find_free(entries: Iterable[Listed], known: str) -> Listed | None:
    """The container with the name or id `known`; an id may be cut to twelve digits or more."""
    return next(
        (
            entry
            for entry in entries
            if (known in list_names(entry) or (len(known) >= _SHORT_ID and entry["Id"].startswith(known)))
            and is_free(entry)
            and entry["State"] in ("running", "exited", "paused")
        ),
        None,
    )


def record_of(wire: Wire, stack: Stack, container_id: str, name: str, targets: Collection[str] = ()) -> Sandbox:
    """What a foreign container is, in the words of the sandbox that it is to be; it has volumes at `targets`."""
    desired, seen = stack.sandboxes[name], inspect(wire, container_id).sandbox
    volumes = {found.external or volume_name(stack.name, volume): volume for volume, found in stack.volumes.items()}
    networks = {
        found.external or network_name(stack.name, network): network for network, found in stack.networks.items()
    }
    same = image_reference(seen.image) == image_reference(desired.image)
    record = replace(
        seen,
        name=name,
        group=desired.group,
        kind=desired.kind,
        image=desired.image if same else seen.image,
        env={key: _recognize(stack.name, value, desired.env.get(key)) for key, value in seen.env.items()},
        mounts=tuple(
            replace(mount, source=volumes.get(mount.source, mount.source)) if mount.kind == "volume" else mount
            for mount in (*seen.mounts, *_also_said(desired, seen, targets))
        ),
        networks=tuple(networks[network] for network in seen.networks if network in networks),
        aliases=_find_aliases(desired, {networks.get(name, ""): known for name, known in seen.aliases.items()}),
        uploads=_find_uploads(wire, container_id, desired.uploads) if desired.uploads else (),
    )
    left = "resources.pids" in desired.lifecycle.ignore or "resources" in desired.lifecycle.ignore
    if seen.lifecycle.ignore and not left:
        record = replace(record, resources=replace(seen.resources, pids=0))
    # What only a record knows, nobody has said of it yet.
    return take_recorded(record, desired)


def _find_aliases(desired: Sandbox, known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What of the names that are wanted it has already; those that it has beside them nobody takes away."""
    found = {
        network: tuple(name for name in names if name in known.get(network, ()))
        for network, names in desired.aliases.items()
    }
    return {network: names for network, names in found.items() if names}


def _also_said(desired: Sandbox, seen: Sandbox, targets: Collection[str]) -> tuple[Mount, ...]:
    """The volumes of its own that the file names and the image brings anyway: to say so is no change."""
    known = {mount.target for mount in seen.mounts}
    return tuple(
        mount
        for mount in desired.mounts
        if mount.kind == "anonymous" and mount.target in targets and mount.target not in known
    )


def _find_uploads(wire: Wire, container_id: str, wanted: Iterable[Upload]) -> tuple[Upload, ...]:
    """What of `wanted` lies in the container already, just as it is wanted, and belongs to root."""
    plain = [upload for upload in wanted if not upload.owner]
    found = survey_archive(wire, container_id, plain).files
    there = (
        replace(upload, files=tuple(f for f in upload.files if _is_like(f, found.get(place(upload.target, f.path)))))
        for upload in plain
    )
    return tuple(upload for upload in there if upload.files)


def _is_like(wanted: UploadFile, live: LiveFile | None) -> bool:
    if live is None or (live.kind, live.owner) != (wanted.kind, "0:0"):
        return False
    # A link has no permissions of its own.
    same_mode = wanted.kind == "link" or live.mode == wanted.mode
    return same_mode and (live.digest, live.link) == (wanted.digest, wanted.link)


def _recognize(stack: str, value: Text, desired: Text | None) -> Text:
    """`value` with what stands in it where `desired` has its one secret; as it is where it does not read like that."""
    if isinstance(desired, EnvFileText) and isinstance(value, str):
        return EnvFileText(value)
    if not isinstance(desired, SecretText) or not isinstance(value, str):
        return value
    uses = [part for part in desired.parts if isinstance(part, SecretUse)]
    pattern = "".join("(.*)" if isinstance(part, SecretUse) else re.escape(part) for part in desired.parts)
    found = re.fullmatch(pattern, value, re.DOTALL)
    if len(uses) != 1 or not found:
        return value
    digest = digest_secret(stack, uses[0].secret, Secret(found[1].encode()))
    return with_digests(desired, {uses[0].secret: digest})


def adoption_name(stack: str, kind: str, key: str) -> str:
    return f"nexusctl_adoption_{hashlib.sha256(f'{stack}/{kind}/{key}'.encode()).hexdigest()[:16]}"


def adopt(wire: Wire, stack: str, kind: str, name: str, key: str) -> None:
    """Write down that the network with the id `key`, or the volume of that name, is `name` of the stack from now on."""
    own = labels.NETWORK if kind == "network" else labels.VOLUME
    claim = {labels.STACK: stack, labels.ROLE: "adoption", labels.ADOPTED: f"{kind}:{key}"}
    marks = {**claim, own: name}
    made = claim_mark(wire, adoption_name(stack, kind, key), marks)
    if bears(made, claim) and not bears(made, marks):
        # It was taken over under another name, which it has not any more.
        wire.delete(f"/volumes/{made['Name']}")
        made = claim_mark(wire, adoption_name(stack, kind, key), marks)
    if not bears(made, marks):
        raise Conflict(f"the volume {made['Name']} is in the way of an adoption", status=409)


def find_adopted(stack: str, volumes: Iterable[Listed], kind: str) -> dict[str, str]:
    """What of others the stack has taken over: the name in its file by the network's id, or the volume's name."""
    own = labels.NETWORK if kind == "network" else labels.VOLUME
    return {
        marks[labels.ADOPTED].partition(":")[2]: marks[own]
        for marks in map(_marks, volumes)
        if marks.get(labels.STACK) == stack
        and marks.get(labels.ROLE) == "adoption"
        and marks.get(labels.ADOPTED, "").startswith(f"{kind}:")
    }


def _marks(entry: Listed) -> Mapping[str, str]:
    return entry["Labels"] or {}
