"""Running containers that somebody else made, as a draft with a sandbox for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.importers.draft.draft import Draft, Leftovers
from nexusctl.importers.draft.names import fit_name, fit_names, fit_volume_name
from nexusctl.importers.draft.nested_binds import settle_nested
from nexusctl.importers.draft.sandbox_to_yaml import plain_sandbox
from nexusctl.importers.draft.secret_references import IN_TEXT, Secrets
from nexusctl.model.observed.inspected_container import InspectedContainer
from nexusctl.model.stack import DEFAULT_NETWORK, Sandbox

_HOST = "host"
_ALIAS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")


def draft_containers(portraits: Iterable[InspectedContainer], stack: str) -> Draft:
    """The draft of the stack file of `stack`. Volumes and networks stay those that there are, as external ones."""
    found = list(portraits)
    leftovers = Leftovers()
    secrets = Secrets(leftovers)
    names = fit_names(portrait.name for portrait in found)
    volumes = fit_names(
        sorted({m.source for p in found for m in p.sandbox.mounts if m.kind == "volume"}), fit_volume_name
    )
    networks = fit_names(sorted({n for p in found for n in p.sandbox.networks if n != _HOST}))
    sandboxes: dict[str, Any] = {}
    for portrait in found:
        name = names[portrait.name]
        for what, reason in portrait.remarks:
            leftovers.add(f"{portrait.name}.{what}", reason)
        sandboxes[name] = _write(name, portrait.sandbox, volumes, networks, secrets)
        for key in secrets.find_in_commands(sandboxes[name]):
            leftovers.add(f"{portrait.name}.{key}", IN_TEXT)
    settle_nested(sandboxes, Path("/"), leftovers, keep=True)
    document = {
        "name": fit_name(stack),
        "volumes": {fitted: {"external": name} for name, fitted in volumes.items()},
        "networks": {fitted: {"external": name} for name, fitted in networks.items()},
        "secrets": secrets.section,
        "sandboxes": sandboxes,
    }
    return Draft(
        document={key: value for key, value in document.items() if value},
        leftovers=leftovers.found,
        containers={names[portrait.name]: portrait.id for portrait in found},
    )


def _write(
    name: str, sandbox: Sandbox, volumes: Mapping[str, str], networks: Mapping[str, str], secrets: Secrets
) -> dict[str, Any]:
    fitted = replace(
        sandbox,
        mounts=tuple(replace(m, source=volumes[m.source]) if m.kind == "volume" else m for m in sandbox.mounts),
        # No sandbox is in the host's network: it gets the stack's own.
        networks=tuple(networks.get(network, DEFAULT_NETWORK) for network in sandbox.networks),
        aliases={
            networks[network]: kept
            for network, names in sandbox.aliases.items()
            if (kept := tuple(known for known in names if _ALIAS.match(known)))
        },
        env={},
    )
    env = {key: secrets.protect(name, key, str(value)) for key, value in sandbox.env.items()}
    document = plain_sandbox(fitted, None)
    return {"image": document.pop("image"), **({"env": env} if env else {}), **document}
